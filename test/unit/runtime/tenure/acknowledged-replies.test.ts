/** What a reply carries is stored at the moment of the reply: reads, and inputs that write nothing. */
import t from "tap";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import { turnstile } from "../../../../examples/turnstile/turnstile.ts";
import { diary, notes } from "./tenure-stage.ts";
import { type Hand, handTenure, type How, withDiary } from "./hand-stage.ts";

/** The version in a reply; its status when it carries no state. */
const version = (reply: ActorReply | undefined): unknown =>
  reply && "snapshot" in reply ? reply.snapshot.version : reply?.status;

t.test("a read between the submission of the first record and its end finds no actor", async (t) => {
  for (const how of ["stored", "refused"] as const) {
    const stage = handTenure();
    stage.start();
    t.equal((await stage.read()).status, "not_found");
    stage.one(how);
    t.equal(version(await stage.read()), how === "stored" ? 1 : "not_found", how);
  }
});

t.test(
  "a read between the submission of a later record and its end shows the version before it",
  async (t) => {
    for (const how of ["stored", "fenced", "store_unavailable", "refused"] as const) {
      const stage = withDiary();
      stage.command("note.1");
      const before = await stage.read();
      t.equal(version(before), 1);
      t.same(before.status === "ok" && notes(before.snapshot), []);
      stage.one(how);
      t.equal(version(await stage.read()), how === "stored" ? 2 : 1, how);
    }
  },
);

t.test("a read shows each state only from its own acknowledgement on", async (t) => {
  const stage = withDiary();
  stage.command("note.1");
  stage.command("note.2");
  stage.one("stored");
  t.equal(version(await stage.read()), 2);
  stage.one("stored");
  t.equal(version(await stage.read()), 3);
});

t.test("a repeated command of a parked actor does not show a state that is not stored", async (t) => {
  const stage = withDiary();
  stage.command("note.1");
  stage.deliver("poison");
  t.equal(version(await stage.read()), 1);
  stage.one("stored");
  t.equal(version(await stage.read()), 2, "its last good state");
  t.equal(stage.tenure.counts().parked, 1);
});

/** Inputs that write nothing while a write set of the actor is not resolved, by what they are. */
type Kind = {
  readonly definition?: () => ReturnType<typeof diary>;
  /** Brings the actor to a stored state. */
  readonly begin: (stage: Hand) => void | Promise<void>;
  /** Submits the write set on which the input is decided. */
  readonly before: (stage: Hand) => unknown;
  /** Gives the input. Returns the replies, or `undefined` for an input without a caller. */
  readonly input: (stage: Hand) => ActorReply[] | undefined;
  /** The status and version of the reply, after the write set is stored, dropped, or refused; records in the log. */
  readonly ends: Readonly<Record<"stored" | "fenced" | "refused", readonly [unknown, unknown, number]>>;
};

const started = (stage: Hand): void => {
  stage.start({ request: "r" });
  stage.one("stored");
};
const again = { mayExist: true } as const;
/** The generation of the effect of the second record. */
const GENERATION = 2000;
const hanging = () => diary(() => new Promise(() => {}));

const kinds: Record<string, Kind> = {
  "the repeat of a start": {
    begin: () => {},
    before: (stage) => stage.start({ request: "r" }),
    input: (stage) => stage.start({ request: "r", ...again }),
    ends: { stored: ["ok", 1, 1], fenced: ["ok", 1, 1], refused: ["ok", 1, 1] },
  },
  "the repeat of a start without a key": {
    begin: () => {},
    before: (stage) => stage.start(),
    input: (stage) => stage.start(again),
    ends: { stored: ["ok", 1, 1], fenced: ["ok", 1, 1], refused: ["ok", 1, 1] },
  },
  "a start with another body": {
    begin: () => {},
    before: (stage) => stage.start({ request: "r" }),
    input: (stage) => stage.start({ request: "other", ...again }),
    ends: {
      stored: ["request_mismatch", 1, 1],
      fenced: ["request_mismatch", 1, 1],
      refused: ["ok", 1, 1],
    },
  },
  "a start of an actor that has moved": {
    begin: started,
    before: (stage) => stage.command("note.1"),
    input: (stage) => stage.start({ request: "r", ...again }),
    ends: { stored: ["ok", 2, 2], fenced: ["ok", 2, 2], refused: ["ok", 1, 1] },
  },
  "the repeat of a command": {
    begin: started,
    before: (stage) => stage.command("note.1", { id: "c" }),
    input: (stage) => stage.command("note.1", { id: "c" }),
    ends: { stored: ["ok", 2, 2], fenced: ["ok", 2, 2], refused: ["ok", 2, 2] },
  },
  "the repeat of a command that the partition remembers": {
    begin: started,
    before: (stage) => stage.command("note.1"),
    input: (stage) => stage.command("note.2", { repeated: true }),
    ends: { stored: ["ok", 2, 2], fenced: ["ok", 2, 2], refused: ["ok", 1, 1] },
  },
  "a command that the new state does not take": {
    definition: hanging,
    begin: (stage) => {
      started(stage);
      stage.command("work");
      stage.one("stored");
    },
    before: (stage) => stage.command("stop", { id: "s1" }),
    input: (stage) => stage.command("stop", { id: "s2" }),
    ends: { stored: ["illegal", 3, 3], fenced: ["illegal", 3, 3], refused: ["ok", 3, 3] },
  },
  "an inbox input that changes nothing": {
    begin: started,
    before: (stage) => stage.command("note.1"),
    input: (stage) => void stage.deliver("unknown"),
    ends: {
      stored: [undefined, undefined, 2],
      fenced: [undefined, undefined, 2],
      refused: [undefined, undefined, 1],
    },
  },
  "an inbox input whose id is known": {
    begin: started,
    before: (stage) => stage.deliver("note.1", { id: "e" }),
    input: (stage) => void stage.deliver("note.1", { id: "e" }),
    ends: {
      stored: [undefined, undefined, 2],
      fenced: [undefined, undefined, 2],
      refused: [undefined, undefined, 1],
    },
  },
  "the outcome of an effect that is closed": {
    definition: hanging,
    begin: (stage) => {
      started(stage);
      stage.command("work");
      stage.one("stored");
    },
    before: (stage) => stage.outcome("one", GENERATION),
    input: (stage) => void stage.outcome("two", GENERATION),
    ends: {
      stored: [undefined, undefined, 3],
      fenced: [undefined, undefined, 3],
      refused: [undefined, undefined, 2],
    },
  },
};

const holds = (stage: Hand): number => stage.tenure.backlog();

for (const [name, kind] of Object.entries(kinds)) {
  t.test(`${name} is answered with the state it was decided on, once that is stored`, async (t) => {
    for (const [how, [status, at, records]] of Object.entries(kind.ends)) {
      const stage = handTenure(kind.definition?.());
      await kind.begin(stage);
      kind.before(stage);
      const held = holds(stage);
      const replies = kind.input(stage);
      t.equal(stage.writeSets.length, 1, `${how}: it writes nothing`);
      const counted = holds(stage) - held;
      await stage.clock.advance(10_000);
      t.same(replies ?? [], [], `${how}: no reply before the end of the write set`);
      t.equal(holds(stage) - held, counted, `${how}: an inbox input is not done before`);
      stage.all(how as How);
      await stage.quiet();
      if (replies) {
        t.equal(replies.length, 1, `${how}: one reply`);
        t.equal(replies[0]?.status, status, `${how}: its status`);
        t.equal(version(replies[0]), at, `${how}: its version`);
      }
      t.equal(stage.records().length, records, `${how}: records in the log`);
      t.equal(holds(stage), 0, `${how}: nothing is left`);
    }
  });
}

t.test("a timer that a dropped state had cancelled is decided again, and fires", async (t) => {
  for (const how of ["stored", "fenced", "refused"] as const) {
    const stage = handTenure(turnstile(() => Promise.resolve({ receipt: "r" })));
    const command = (type: string): ActorReply[] =>
      stage.ask({ kind: "command", machine: "turnstile", event: { type }, commandId: type });
    stage.ask({ kind: "start", input: { lockAfterMs: 60_000 } });
    stage.one("stored");
    command("coin");
    stage.one("stored");
    await stage.clock.advance(1);
    stage.one("stored");
    const timer = stage.stored()?.timers[0];
    if (!timer) throw new Error("no timer");
    const { machine, id, generation } = timer;
    command("push");
    stage.ask({ kind: "timer", machine, timer: id, generation }, { inbox: 90 });
    t.equal(stage.writeSets.length, 1, "it is stale on the new state");
    t.equal(stage.tenure.backlog(), 1);
    stage.one(how);
    await stage.quiet();
    t.equal(stage.tenure.backlog(), 0, how);
    const inputs = stage.records().map(({ input }) => input.replace(/:turnstile.*/u, ""));
    t.same(inputs.slice(3), [how === "refused" ? "timer" : "command:push"], how);
  }
});

t.test("two decisions on one state are confirmed in their order, after its own caller", async (t) => {
  const stage = withDiary();
  const order: string[] = [];
  const ask = (name: string, type: string, id: string): void =>
    stage.tenure.dispatch("d", {
      input: { kind: "command", machine: "diary", event: { type }, commandId: id },
      inbox: 0,
      waitMs: 0,
      mayExist: true,
      attempts: 0,
      reply: ({ status }) => void order.push(`${name} ${status}`),
    });
  ask("first", "note.1", "c1");
  ask("second", "stop", "c2");
  ask("third", "note.1", "c1");
  t.same(order, []);
  stage.one("stored");
  t.same(order, ["first ok", "second illegal", "third ok"]);
});

t.test("a decision shares the outcome of the newest write set, not of an earlier one", async (t) => {
  const stage = withDiary();
  stage.command("note.1");
  stage.command("note.2");
  const illegal = stage.command("stop");
  stage.one("stored");
  t.same(illegal, [], "the second one is not resolved");
  stage.one("stored");
  t.equal(version(illegal[0]), 3);
});
