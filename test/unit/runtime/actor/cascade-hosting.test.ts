/** What the runtime refuses to host, what joins, and states of older machines. */
import t from "tap";
import {
  type AnyStateMachine,
  assign,
  createMachine,
  emit,
  enqueueActions,
  log,
  raise,
  sendTo,
  spawnChild,
} from "xstate";
import { limits } from "../../../../src/runtime/limits.ts";
import type { Head } from "../../../../src/runtime/actor/cascade.ts";
import { restore } from "../../../../src/runtime/actor/restore.ts";
import type { Input } from "../../../../src/runtime/actor/input.ts";
import type { ActorDefinition, Joined, MachineEntry, Migration } from "../../../../src/runtime/definition.ts";
import { checkMachine, MachineFault, NewerMachine } from "../../../../src/runtime/actor/machine.ts";
import { turnstile } from "../../../../examples/turnstile/turnstile.ts";
import { NOW, definitionOf, begin, must, next, command, valueOf, withJob, waiting } from "./cascade-stage.ts";

t.test("a machine with an action that cannot be made durable is rejected when it is loaded", (t) => {
  const refused = (machine: AnyStateMachine, effects: string[] = ["job"]): void =>
    void t.throws(() => checkMachine("m", machine, effects), MachineFault, machine.id);
  refused(createMachine({ id: "custom", entry: () => {} }));
  refused(createMachine({ id: "named", exit: "notProvided" }));
  refused(
    createMachine({ id: "provided", on: { go: { actions: "mine" } } }, { actions: { mine: () => {} } }),
  );
  refused(
    createMachine({
      id: "log",
      initial: "a",
      states: { a: { always: { actions: log("x"), target: "b" } }, b: {} },
    }),
  );
  refused(
    createMachine({
      id: "send",
      initial: { target: "a", actions: sendTo("other", { type: "x" }) },
      states: { a: {} },
    }),
  );
  refused(createMachine({ id: "spawn", entry: spawnChild("job") }));
  refused(
    withJob.createMachine({
      id: "half",
      initial: "a",
      context: {},
      states: { a: { invoke: { id: "job", src: "job", onDone: "a" } } },
    }),
  );
  refused(
    createMachine({
      id: "undeclared",
      initial: "a",
      states: { a: { invoke: { id: "job", src: "job", onDone: "b", onError: "b" } }, b: {} },
    }),
  );
  refused(waiting, ["other"]);
  refused(
    createMachine({
      id: "history",
      initial: "a",
      states: { a: { initial: "x", states: { x: {}, h: { type: "history" } } } },
    }),
  );
  t.doesNotThrow(() => checkMachine("m", waiting, ["job"]));
  t.doesNotThrow(() =>
    checkMachine(
      "m",
      createMachine(
        {
          id: "fine",
          entry: [assign({}), emit({ type: "x" }), raise({ type: "y" }), "named", { type: "named" }],
          initial: "a",
          states: { a: { after: { 10: "b" }, exit: enqueueActions(() => {}) }, b: {} },
        },
        { actions: { named: assign({}) } },
      ),
      [],
    ),
  );
  t.end();
});

t.test("an action that appears only when it is chosen is rejected then", (t) => {
  const sly = createMachine({
    id: "sly",
    on: { go: { actions: enqueueActions(({ enqueue }) => enqueue(() => {})) } },
  });
  const definition = definitionOf({ s: sly });
  t.throws(() => next(definition, begin(definition).head, command("s", "go")), MachineFault);
  t.end();
});

/** A co-located resource that decides at once. */
function decided(output: unknown): Joined & { fates: boolean[] } {
  const fates: boolean[] = [];
  return {
    output,
    lock: { subject: "lock", epoch: 1 },
    messages: [],
    resolved: (committed) => void fates.push(committed),
    fates,
  };
}

t.test("the outcome of a joined effect is delivered before every other waiting event", (t) => {
  const order: string[] = [];
  // The types of any machine will do: none is used.
  const note = (name: string): never =>
    assign(() => {
      order.push(name);
      return {};
    }) as never;
  const busy = withJob.createMachine({
    id: "busy",
    initial: "idle",
    context: {},
    states: {
      idle: { on: { go: { target: "asking", actions: emit({ type: "told" }) } } },
      asking: {
        invoke: {
          id: "job",
          src: "job",
          onDone: { target: "end", actions: note("outcome") },
          onError: "end",
        },
        on: { told: { target: "end", actions: note("left before") } },
      },
      end: { on: { told: { actions: note("told") } } },
    },
  });
  const definition = definitionOf({ b: busy }, { told: ["b"] });
  const joined = decided("yes");
  const result = must(next(definition, begin(definition).head, command("b", "go"), { join: () => joined }));
  t.same(order, ["outcome", "told"]);
  t.same([result.joined, result.opened, joined.fates], [[joined], [], []]);
  t.end();
});

t.test("the outcome of a joined effect arrives as late when the same step leaves its state", (t) => {
  const passing = withJob.createMachine({
    id: "passing",
    initial: "idle",
    context: { late: null },
    states: {
      idle: { on: { go: "busy" } },
      busy: { invoke: { id: "job", src: "job", onDone: "wrong", onError: "wrong" }, always: "end" },
      end: {
        on: { "effect.late.job": { actions: assign({ late: ({ event }) => event["output"] }) } },
      },
      wrong: {},
    },
  });
  const definition = definitionOf({ p: passing });
  const result = must(
    next(definition, begin(definition).head, command("p", "go"), { join: () => decided("reserved") }),
  );
  t.equal(valueOf(result.head, "p"), "end");
  t.same(result.head.snapshot.machines["p"]?.context, { late: "reserved" });
  t.equal(result.joined.length, 1, "what the resource decided is stored");
  t.end();
});

t.test("all joined decisions are resolved as not committed when the cascade fails", (t) => {
  const failing = withJob.createMachine({
    id: "failing",
    initial: "idle",
    context: {},
    states: {
      idle: { on: { go: "first" } },
      first: { invoke: { id: "first", src: "job", onDone: "second", onError: "idle" } },
      second: {
        invoke: {
          id: "second",
          src: "job",
          onDone: {
            actions: assign(() => {
              throw new Error("poison");
            }),
          },
          onError: "idle",
        },
      },
    },
  });
  const definition = definitionOf({ f: failing });
  const all = [decided(1), decided(2)];
  const left = [...all];
  t.throws(
    () => next(definition, begin(definition).head, command("f", "go"), { join: () => left.shift() }),
    MachineFault,
  );
  t.same(
    all.map(({ fates }) => fates),
    [[false], [false]],
  );
  t.end();
});

t.test("a machine that fails leaves its actor unchanged", (t) => {
  const definition = definitionOf({ w: waiting, x: createMachine({ id: "x" }) });
  const { head } = begin(definition);
  const before = JSON.stringify(head.snapshot);
  next(definition, head, command("w", "go"));
  t.equal(JSON.stringify(head.snapshot), before);
  t.end();
});

const add = (field: string) => (state: Head["snapshot"]["machines"][string]) => ({
  ...state,
  context: { ...(state.context as object), [field]: true },
});

const broken = (): never => {
  throw new TypeError("no such field");
};

t.test(
  "a state of an older version is migrated step by step, and rejected when a migration is missing",
  (t) => {
    const counter = createMachine({
      id: "counter",
      context: { count: 0 },
      on: { up: { actions: assign({}) } },
    });
    const at = (version: number, migrations?: MachineEntry["migrations"]): ActorDefinition => ({
      ...definitionOf({}),
      machines: { c: { machine: counter, version, ...(migrations ? { migrations } : {}) } },
    });
    const { head } = begin(at(1));
    const restored = restore(at(3, { 1: add("one"), 2: add("two") }), head.snapshot);
    t.same(restored.snapshot.machines["c"]?.context, { count: 0, one: true, two: true });
    t.equal(restored.snapshot.machines["c"]?.version, 3);
    t.throws(() => restore(at(3, { 1: add("one") }), head.snapshot), MachineFault);
    const sees: unknown[] = [];
    const look: Migration = (state, stored) => {
      sees.push(stored);
      return state;
    };
    restore(at(2, { 1: look }), head.snapshot);
    t.same(sees, [head.snapshot.machines], "a migration sees all machines as they were stored");
    t.throws(() => restore(at(2, { 1: broken }), head.snapshot), MachineFault, "a migration that throws");
    t.throws(() => restore(at(1), restored.snapshot), NewerMachine, "stored by a newer machine");
    const two = definitionOf({ c: counter, other: waiting });
    t.throws(
      () => restore(definitionOf({ c: counter }), begin(two).head.snapshot),
      NewerMachine,
      "one more machine, which a node without it would lose",
    );
    t.throws(() => restore(definitionOf({ c: counter, other: waiting }), head.snapshot), MachineFault);
    t.end();
  },
);

t.test("recent commands are bounded, and the inbox offset only rises", (t) => {
  const note = createMachine({
    id: "note",
    context: { n: 0 },
    on: { go: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
  });
  const definition = definitionOf({ n: note });
  let { head } = begin(definition);
  for (let i = 0; i < limits.recentCommands + 5; i++) {
    const input: Input = { kind: "command", machine: "n", event: { type: "go" }, commandId: `c${i}` };
    ({ head } = must(next(definition, head, input, { inbox: i === 3 ? 99 : 0 })));
  }
  t.equal(head.snapshot.commands.length, limits.recentCommands);
  t.equal(head.snapshot.commands.at(-1), `c${limits.recentCommands + 4}`);
  t.equal(head.snapshot.inbox, 99);
  t.end();
});

t.test("the turnstile takes a coin, checks it, counts a passage and locks by itself", (t) => {
  const definition = turnstile(() => Promise.reject(new Error("not called here")));
  const started = begin(definition, {}, { lockAfterMs: 1000 });
  const coin = must(next(definition, started.head, command("turnstile", "coin")));
  const [check] = coin.opened;
  t.match(check, { src: "checkCoin", input: { coins: 1 } });
  const open = must(
    next(definition, coin.head, {
      kind: "effect",
      id: "turnstile.checkCoin",
      generation: check?.generation ?? 0,
      outcome: { output: { receipt: "r" } },
    }),
  );
  t.match(open.events, [{ type: "turnstile.unlocked", coins: 1 }]);
  t.equal(open.armed[0]?.dueAt, NOW + 1000);
  const passed = must(next(definition, open.head, command("turnstile", "push")));
  t.same(passed.head.snapshot.machines["counter"]?.context, { passed: 1 });
  t.equal(passed.cancelled.length, 1);
  t.end();
});
