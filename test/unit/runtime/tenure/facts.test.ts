/** Facts of an actor: stored once for each change, found again, and given to effects, replies and events. */
import t from "tap";
import { assign, emit, fromPromise, setup } from "xstate";
import type { ActorDefinition, EffectContext, MachineStates } from "../../../../src/runtime/definition.ts";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import { withMergedFacts } from "../../../../src/runtime/routing/request-codec.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { type Hand, handTenure } from "./hand-stage.ts";

type Names = { readonly name: string };

/** Effects that have run. */
const ran: Pick<EffectContext, "facts" | "resumed">[] = [];

const diary = setup({
  types: { context: {} as { notes: number }, events: {} as { type: string; name?: string } },
  actors: { job: fromPromise(async () => "") },
  actions: { count: assign(({ context }) => ({ notes: context.notes + 1 })) },
}).createMachine({
  id: "diary",
  context: { notes: 0 },
  initial: "open",
  on: {
    note: { actions: ["count", emit({ type: "noted" })] },
    rename: { actions: emit(({ event }) => ({ type: "named", name: event.name })) },
  },
  states: {
    open: { on: { work: { target: "working" } } },
    working: {
      invoke: { id: "job", src: "job", onDone: { target: "open" }, onError: { target: "open" } },
    },
  },
});

const definition: ActorDefinition = {
  version: 2,
  machines: { diary: { machine: diary, version: 1 } },
  listens: {},
  privateEvents: new Set(["named"]),
  effects: {
    job: {
      provider: "jobs",
      timeoutMs: 1000,
      maxAttempts: 1,
      backoffMs: 1,
      run: async ({ facts, resumed }) => {
        ran.push({ ...(facts && { facts }), resumed });
        return await new Promise(() => {});
      },
    },
  },
  settled: () => true,
  facts: {
    initial: (input) => ({ name: (input as Names).name }),
    changes: {
      named: (facts, event) => {
        const { name } = event as unknown as Names;
        return name === (facts as Names).name ? facts : { name };
      },
    },
    group: () => "g",
    publish: (event, facts) => ({ ...event, ...facts }),
    split: (machines) => ({ name: `split of ${Object.keys(machines).join()}` }),
    merge: (machines, facts) => ({ ...machines, merged: facts }) as unknown as MachineStates,
  },
};
const facts = subjects.facts(0, "d", "g");

/** A tenure with the stored actor `d`, named Ada. */
function named(): Hand {
  ran.length = 0;
  const stage = handTenure(definition);
  stage.ask({ kind: "start", input: { name: "Ada" } });
  stage.one("stored");
  return stage;
}

const rename = (name: string, commandId = name) =>
  ({ kind: "command", machine: "diary", event: { type: "rename", name }, commandId }) as const;
const nameIn = (reply: ActorReply | undefined): unknown =>
  reply && "snapshot" in reply ? (reply.snapshot.facts?.data as Names | undefined)?.name : reply?.status;
const storedFacts = (stage: Hand): unknown[] =>
  stage.log.all(facts).map(({ payload }) => JSON.parse(payload) as unknown);

t.test("they are stored once, in the batch of the record that names their version", async (t) => {
  const stage = named();
  t.strictSame(storedFacts(stage), [{ version: 1, facts: { name: "Ada" } }]);
  stage.command("note");
  stage.command("note", { id: "again" });
  stage.all("stored");
  t.equal(storedFacts(stage).length, 1, "a record that changes none stores none");
  t.strictSame(
    stage.records().map(({ snapshot }) => snapshot.facts),
    [{ version: 1 }, { version: 1 }, { version: 1 }],
  );
  t.notMatch(JSON.stringify(stage.records()), "Ada");
});

t.test("an emitted event changes them, and the next version is stored with its record", async (t) => {
  const stage = named();
  stage.ask(rename("Bo"));
  t.strictSame(
    stage.writeSets[0]?.messages.map(({ subject }) => subject),
    [subjects.record(0, "d"), facts],
  );
  stage.one("stored");
  t.strictSame(storedFacts(stage).at(-1), { version: 2, facts: { name: "Bo" } });
  stage.ask(rename("Bo", "the same"));
  stage.one("stored");
  t.equal(storedFacts(stage).length, 2, "the same facts are not stored again");
  t.strictSame(stage.stored()?.facts, { version: 2 });
});

t.test("public events have them, private ones and the listeners' do not", async (t) => {
  const stage = named();
  stage.command("note");
  const event = stage.writeSets[0]?.messages.find(({ subject }) => subject === subjects.event(0, "noted"));
  t.strictSame(JSON.parse(event?.payload ?? "{}"), { name: "Ada" });
});

t.test(
  "a reply has those of the acknowledged state, and a change that is dropped leaves no trace",
  async (t) => {
    const stage = named();
    const replies = stage.ask(rename("Bo"));
    t.equal(nameIn(await stage.read()), "Ada", "not acknowledged yet");
    stage.one("fenced");
    await stage.clock.advance(1000);
    t.equal(storedFacts(stage).length, 1);
    stage.all("stored");
    t.equal(nameIn(replies[0]), "Bo", "the input was decided again");
    t.equal(nameIn(await stage.read()), "Bo");
  },
);

t.test("the next owner finds the newest, and gives them to the effects that it resumes", async (t) => {
  const stage = named();
  stage.ask(rename("Bo"));
  stage.command("work");
  stage.all("stored");
  await stage.clock.advance(1);
  t.strictSame(ran, [{ facts: { name: "Bo" }, resumed: false }]);
  stage.next();
  t.equal(nameIn(await stage.read()), "Bo");
  await stage.clock.advance(1);
  t.strictSame(ran[1], { facts: { name: "Bo" }, resumed: true });
});

t.test(
  "of an actor that was stored without facts they are split off, and stored with its next record",
  async (t) => {
    const stage = named();
    const [record] = stage.records();
    const { facts: _, ...snapshot } = { ...record!.snapshot, definition: 1 };
    stage.put(subjects.record(0, "e"), JSON.stringify({ ...record, actor: "e", snapshot }));
    t.equal(nameIn(await stage.read("e")), "split of diary");
    stage.ask({ ...rename("Bo"), event: { type: "note" } }, { actor: "e" });
    stage.one("stored");
    t.strictSame(
      stage.log.all(subjects.facts(0, "e", "g")).map(({ payload }) => JSON.parse(payload) as unknown),
      [{ version: 1, facts: { name: "split of diary" } }],
    );
    stage.next();
    t.equal(nameIn(await stage.read("e")), "split of diary");
  },
);

t.test("an actor whose facts are missing, old or not readable is set apart, with the reason", async (t) => {
  for (const payload of [undefined, '{"version":1,"facts":{"name":"Ada"}}', "{", '{"version":2,"facts":7}']) {
    const stage = named();
    const [record] = stage.records();
    const snapshot = { ...record!.snapshot, facts: { version: 2 } };
    stage.put(subjects.record(0, "e"), JSON.stringify({ ...record, actor: "e", snapshot }));
    if (payload !== undefined) stage.put(subjects.facts(0, "e", "g"), payload);
    t.match(
      await stage.read("e"),
      { unreadable: "unreadable", reason: /version 2 of its facts/u },
      payload ?? "none",
    );
  }
});

t.test("a node of an earlier definition finds them in the states of the machines", async (t) => {
  const stage = named();
  const reply = await stage.read();
  const merged = withMergedFacts(reply, definition);
  t.match(merged, { status: "ok", snapshot: { machines: { merged: { name: "Ada" } } } });
  t.notOk("snapshot" in merged && "facts" in merged.snapshot);
  t.equal(withMergedFacts(reply, {}), reply, "a definition without facts has nothing to merge");
  t.same(withMergedFacts({ status: "not_found" }, definition), { status: "not_found" });
});
