/** Actors whose definition gains or loses a machine, and nodes that are too old to read them. */
import t from "tap";
import { assign, createMachine, emit, setup } from "xstate";
import type { Head } from "../../../../src/runtime/actor/cascade.ts";
import { restore } from "../../../../src/runtime/actor/restore.ts";
import type { ActorDefinition, MachineEntry, MachineStates } from "../../../../src/runtime/definition.ts";
import { MachineFault, NewerMachine } from "../../../../src/runtime/actor/machine.ts";
import {
  begin,
  command,
  definitionOf,
  must,
  next,
  outcome,
  valueOf,
  waiting,
  withJob,
} from "./cascade-stage.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { diary, notes, NOW } from "../tenure/tenure-stage.ts";

/** Counts the events that it takes, from its initial input. */
const counter = setup({
  types: { input: {} as { heard: number }, context: {} as { heard: number }, events: {} as { type: "go" } },
}).createMachine({
  id: "counter",
  context: ({ input }) => ({ heard: input.heard }),
  on: { go: { actions: assign({ heard: ({ context }) => context.heard + 1 }) } },
});

const first = definitionOf({ w: waiting });

function withCounter(initialInput?: MachineEntry["initialInput"], version = 2): ActorDefinition {
  const entry: MachineEntry = { machine: counter, version: 1, ...(initialInput ? { initialInput } : {}) };
  return { ...first, version, machines: { ...first.machines, c: entry } };
}

const stored = ({ snapshot }: Head): Head["snapshot"] =>
  JSON.parse(JSON.stringify(snapshot)) as Head["snapshot"];

t.test(
  "an actor stored without a machine gains it, with an initial input from the states of the others",
  (t) => {
    const busy = must(next(first, begin(first).head, command("w", "go"))).head;
    const seen: MachineStates[] = [];
    const two = withCounter((others) => {
      seen.push(others);
      return { heard: others["w"]?.value === "busy" ? 10 : 0 };
    });
    const head = restore(two, stored(busy));
    t.match(seen, [{ w: { value: "busy" } }]);
    t.same(head.snapshot.machines["c"], { status: "active", value: {}, context: { heard: 10 }, version: 1 });
    t.equal(head.snapshot.version, busy.snapshot.version, "nothing is stored for it");
    const done = must(next(two, busy, outcome(busy.snapshot.effects[0]?.generation ?? 0)));
    t.equal(valueOf(done.head, "w"), "done", "its effect is still open");
    const counted = must(next(two, done.head, command("c", "go")));
    t.same(counted.head.snapshot.machines["c"]?.context, { heard: 11 });
    t.equal(counted.head.snapshot.definition, 2);
    t.equal(seen.length, 2, "the initial input is computed until the first record, and never again");
    t.end();
  },
);

t.test(
  "the other machines are migrated before the initial input of a new machine is computed from them",
  (t) => {
    const two = withCounter((others) => others["w"]?.context);
    const migrations = { 1: (state: MachineStates[string]) => ({ ...state, context: { heard: 7 } }) };
    const machines = { ...two.machines, w: { machine: waiting, version: 2, migrations } };
    const head = restore({ ...two, machines }, stored(begin(first).head));
    t.same(head.snapshot.machines["c"]?.context, { heard: 7 });
    t.end();
  },
);

t.test(
  "an actor cannot gain a machine without an initial input, or when that fails or does not start at rest",
  (t) => {
    const from = stored(begin(first).head);
    const refused = (definition: ActorDefinition, why: RegExp): void =>
      void t.throws(() => restore(definition, from), why, String(why));
    refused(withCounter(), /has no initial input/);
    refused(
      withCounter(() => {
        throw new TypeError("no such state");
      }),
      /no such state/,
    );
    t.throws(() => restore(withCounter(), from), MachineFault);
    const restless = {
      emit: createMachine({ id: "emits", entry: emit({ type: "born" }) }),
      delay: createMachine({ id: "waits", initial: "a", states: { a: { after: { 10: "b" } }, b: {} } }),
      invoke: withJob.createMachine({
        id: "calls",
        context: {},
        initial: "a",
        states: { a: { invoke: { id: "job", src: "job", onDone: "b", onError: "b" } }, b: {} },
      }),
    };
    for (const [kind, machine] of Object.entries(restless)) {
      const machines = { ...first.machines, c: { machine, version: 1, initialInput: () => ({}) } };
      refused({ ...first, version: 2, machines }, new RegExp(`at rest: ${kind}`));
    }
    t.end();
  },
);

t.test(
  "an older definition does not change the state of a newer one, whether that has more machines or fewer",
  (t) => {
    const two = withCounter(() => ({ heard: 0 }));
    const more = must(next(two, begin(first).head, command("c", "go"))).head;
    t.throws(() => restore(first, stored(more)), NewerMachine);
    const three: ActorDefinition = { ...first, version: 3 };
    const fewer = must(next(three, more, command("w", "go"))).head;
    t.same(Object.keys(fewer.snapshot.machines), ["w"]);
    t.throws(() => restore(two, stored(fewer)), NewerMachine, "not parked as one whose machine is missing");
    t.end();
  },
);

t.test("a removed machine disappears with its timers, unless one of its effects is open", (t) => {
  const sleeper = createMachine({
    id: "sleeper",
    initial: "a",
    states: { a: { after: { 1000: "b" } }, b: {} },
  });
  const two: ActorDefinition = { ...definitionOf({ w: waiting, s: sleeper }), version: 2 };
  const { head } = begin(two);
  t.equal(head.snapshot.timers.length, 1);
  const three: ActorDefinition = { ...first, version: 3 };
  const restored = restore(three, stored(head));
  t.same([Object.keys(restored.snapshot.machines), restored.snapshot.timers], [["w"], []]);
  const [timer] = head.snapshot.timers;
  const fired = {
    kind: "timer",
    machine: "s",
    timer: timer?.id ?? "",
    generation: timer?.generation ?? 0,
  } as const;
  t.equal(next(three, head, fired), undefined, "a timer that fires later belongs to no machine");
  const busy = must(next(two, head, command("w", "go"))).head;
  const without: ActorDefinition = { ...definitionOf({ s: sleeper }), version: 3 };
  t.throws(() => restore(without, stored(busy)), /one of its effects is open/);
  const left = must(next(two, busy, command("w", "leave"))).head;
  t.throws(
    () => restore(without, stored(left)),
    /one of its effects is open/,
    "abandoned, and without an outcome",
  );
  t.end();
});

const secondVersion = { ...diary(), version: 2 };
const grown: ActorDefinition = {
  ...secondVersion,
  machines: {
    ...secondVersion.machines,
    counter: { machine: counter, version: 1, initialInput: () => ({ heard: 5 }) },
  },
};
const shrunk: ActorDefinition = { ...secondVersion, version: 3 };

t.test(
  "a cluster changes from two machines to three and back, and its older nodes park no actor",
  async (t) => {
    const cluster = memoryCluster({ partitions: 1 });
    const send = (node: Awaited<ReturnType<typeof cluster.start>>, machine: string, type: string) =>
      cluster.done(node.actors.command("d", machine, { type }, { commandId: type, waitMs: 0 }));
    const one = await cluster.start("one", diary());
    await cluster.settled();
    await cluster.done(one.actors.start("d", {}, NOW));
    await cluster.done(one.actors.start("e", {}, NOW));
    one.kill();

    const two = await cluster.start("two", grown);
    await cluster.settled();
    cluster.ok(await send(two, "diary", "note.1"));
    const { snapshot } = cluster.ok(await send(two, "counter", "go"));
    t.same([notes(snapshot), snapshot.machines["counter"]?.context], [["note.1"], { heard: 6 }]);
    two.kill();

    const three = await cluster.start("three", shrunk);
    await cluster.settled();
    t.same(notes(cluster.ok(await send(three, "diary", "note.2")).snapshot), ["note.1", "note.2"]);
    three.kill();

    for (const older of [diary(), grown]) {
      const old = await cluster.start("old", older);
      await cluster.settled();
      cluster.inbox(0, "d", "diary", `note.${older.version ?? 1}`, `e${older.version ?? 1}`);
      await cluster.clock.advance(1000);
      t.equal((await cluster.done(old.actors.read("d"))).status, "unavailable");
      cluster.ok(await cluster.done(old.actors.read("e")));
      t.same(await cluster.done(old.parked.list()), [], "never parked by a node that is too old");
      old.kill();
    }
    const last = await cluster.start("last", shrunk);
    await cluster.settled();
    await cluster.clock.advance(1000);
    const now = cluster.ok(await cluster.done(last.actors.read("d"))).snapshot;
    t.same(notes(now).toSorted(), ["note.1", "note.1", "note.2", "note.2"], "inputs that waited are applied");
    t.same(Object.keys(now.machines), ["diary"]);
  },
);
