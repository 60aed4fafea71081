/** Cascades over small machines made for the purpose, and over the turnstile. */
import t from "tap";
import {
  type AnyStateMachine,
  assign,
  createMachine,
  emit,
  enqueueActions,
  type EventObject,
  fromPromise,
  log,
  raise,
  sendTo,
  setup,
  spawnChild,
} from "xstate";
import { limits } from "../../../config/limits.ts";
import {
  type Cascade,
  type CascadeContext,
  cascade,
  effectKey,
  type Head,
  type Input,
  restore,
} from "../../../src/runtime/cascade.ts";
import type { ActorDefinition, Joined, MachineEntry } from "../../../src/runtime/definition.ts";
import { checkMachine, MachineFault } from "../../../src/runtime/machine.ts";
import { turnstile } from "../../support/turnstile.ts";

const NOW = 1_000_000;

function definitionOf(
  machines: Readonly<Record<string, AnyStateMachine>>,
  listens: ActorDefinition["listens"] = {},
  more: Partial<ActorDefinition> = {},
): ActorDefinition {
  const entries = Object.entries(machines).map(([name, machine]): [string, MachineEntry] => [
    name,
    { machine, version: 1 },
  ]);
  return { machines: Object.fromEntries(entries), listens, effects: {}, settled: () => true, ...more };
}

const calm: CascadeContext = { actor: "a", now: NOW, inbox: 0, join: () => undefined };
const begin = (
  definition: ActorDefinition,
  context: Partial<CascadeContext> = {},
  input: object = {},
): Cascade => must(cascade(definition, undefined, { kind: "start", input }, { ...calm, ...context }));

function must(result: Cascade | undefined): Cascade {
  if (!result) throw new Error("nothing took the input");
  return result;
}

/** Applies an input to what is stored: every step goes through JSON, as over a restart. */
function next(
  definition: ActorDefinition,
  { snapshot }: Head,
  input: Input,
  context: Partial<CascadeContext> = {},
): Cascade | undefined {
  const stored = JSON.parse(JSON.stringify(snapshot)) as Head["snapshot"];
  return cascade(definition, restore(definition, stored), input, { ...calm, ...context });
}

const command = (machine: string, type: string, more: object = {}): Input => ({
  kind: "command",
  machine,
  event: { type, ...more },
  commandId: `${type}!`,
});
const valueOf = (head: Head, machine: string): unknown => head.snapshot.machines[machine]?.value;

/** A machine with an effect `job`, declared as the machines of an application declare theirs. */
const jobTypes = {} as { context: Record<string, unknown>; events: EventObject & Record<string, unknown> };
const withJob = setup({
  types: jobTypes,
  actors: { job: fromPromise<unknown, unknown>(() => Promise.reject(new Error("run by the runtime"))) },
});

const waiting = withJob.createMachine({
  id: "waiting",
  initial: "idle",
  context: {},
  states: {
    idle: { on: { go: "busy" } },
    busy: {
      invoke: { id: "job", src: "job", onDone: "done", onError: "failed" },
      on: { leave: "left" },
    },
    left: { on: { "effect.late.job": "late", go: "busy" } },
    done: {},
    failed: {},
    late: {},
  },
});
const jobs = definitionOf({ w: waiting });

t.test("an emitted event reaches its listeners in the same cascade, in order, as one record", (t) => {
  const first = createMachine({ id: "first", on: { go: { actions: emit({ type: "a.happened" }) } } });
  const second = createMachine({
    id: "second",
    initial: "idle",
    states: {
      idle: { on: { "a.happened": { target: "told", actions: emit({ type: "b.happened" }) } } },
      told: {},
    },
  });
  const third = createMachine({
    id: "third",
    context: { heard: [] as string[] },
    on: {
      "*": { actions: assign({ heard: ({ context, event }) => [...context.heard, event.type] }) },
    },
  });
  const definition = definitionOf(
    { first, second, third },
    { "a.happened": ["second", "third"], "b.happened": ["third"] },
    { privateEvents: new Set(["a.happened"]) },
  );
  const result = must(next(definition, begin(definition).head, command("first", "go")));
  t.equal(valueOf(result.head, "second"), "told");
  t.same(result.head.snapshot.machines["third"]?.context, { heard: ["a.happened", "b.happened"] });
  t.equal(result.head.snapshot.version, 2);
  t.same(result.events, [{ type: "b.happened" }], "a private event is not published");
  t.same(
    result.transitions.map(({ machine }) => machine),
    ["second"],
  );
  t.end();
});

t.test("an input that nothing takes changes nothing", (t) => {
  const { head } = begin(jobs);
  t.equal(next(jobs, head, command("w", "unknown")), undefined);
  t.equal(next(jobs, head, command("nobody", "go")), undefined);
  t.equal(
    cascade(jobs, undefined, command("w", "go"), calm),
    undefined,
    "nor does an actor that is not there",
  );
  t.end();
});

const outcome = (generation: number): Input => ({
  kind: "effect",
  id: "w.job",
  generation,
  outcome: { output: 1 },
});

t.test("the outcome of an open effect is taken once, a closed or stale one never", (t) => {
  const busy = must(next(jobs, begin(jobs).head, command("w", "go")));
  const [effect] = busy.opened;
  if (!effect) throw new Error("no effect");
  t.equal(effectKey("a", effect), `a:w.job:${effect.generation}`);
  t.equal(next(jobs, busy.head, outcome(effect.generation - 1)), undefined, "stale");
  const done = must(next(jobs, busy.head, outcome(effect.generation)));
  t.equal(valueOf(done.head, "w"), "done");
  t.same(done.closed, ["w.job"]);
  t.same(done.head.snapshot.effects, []);
  t.equal(next(jobs, done.head, outcome(effect.generation)), undefined, "closed");
  const failed = must(
    next(jobs, busy.head, {
      kind: "effect",
      id: "w.job",
      generation: effect.generation,
      outcome: { error: { code: "no", message: "no", kind: "refused" } },
    }),
  );
  t.equal(valueOf(failed.head, "w"), "failed");
  t.end();
});

t.test("an effect whose state was left is abandoned, and its outcome comes as late", (t) => {
  const busy = must(next(jobs, begin(jobs).head, command("w", "go")));
  const left = must(next(jobs, busy.head, command("w", "leave")));
  t.match(left.head.snapshot.effects, [{ id: "w.job", abandoned: true }]);
  // The same state entered again: another effect beside the abandoned one.
  const again = must(next(jobs, left.head, command("w", "go")));
  t.equal(again.head.snapshot.effects.length, 2);
  const [old, fresh] = again.head.snapshot.effects;
  t.not(old?.generation, fresh?.generation);
  const outcome: Input = {
    kind: "effect",
    id: "w.job",
    generation: old?.generation ?? 0,
    outcome: { output: "too late" },
  };
  const ignored = must(next(jobs, again.head, outcome));
  t.equal(valueOf(ignored.head, "w"), "busy", "the late outcome is not taken for the new effect's");
  t.same(
    ignored.head.snapshot.effects.map(({ generation }) => generation),
    [fresh?.generation],
  );
  const late = must(next(jobs, left.head, { ...outcome, generation: busy.opened[0]?.generation ?? 0 }));
  t.equal(valueOf(late.head, "w"), "late");
  t.end();
});

t.test("an effect opened and left in one cascade never happens", (t) => {
  const passing = withJob.createMachine({
    id: "passing",
    initial: "idle",
    context: {},
    states: {
      idle: { on: { go: "busy" } },
      busy: { invoke: { id: "job", src: "job", onDone: "end", onError: "end" }, always: "end" },
      end: {},
    },
  });
  const definition = definitionOf({ p: passing });
  const result = must(next(definition, begin(definition).head, command("p", "go")));
  t.same([result.opened, result.head.snapshot.effects], [[], []]);
  t.end();
});

t.test("timers are armed, fire once by generation, and are cancelled when their state is left", (t) => {
  const timed = createMachine({
    id: "timed",
    initial: "on",
    states: { on: { after: { 500: "off" }, on: { stop: "off" } }, off: { on: { start: "on" } } },
  });
  const definition = definitionOf({ m: timed });
  const started = begin(definition);
  const [timer] = started.armed;
  if (!timer) throw new Error("no timer");
  t.equal(timer.dueAt, NOW + 500);
  const fire = (generation: number): Input => ({ kind: "timer", machine: "m", timer: timer.id, generation });
  t.equal(next(definition, started.head, fire(timer.generation + 1)), undefined);
  const fired = must(next(definition, started.head, fire(timer.generation)));
  t.equal(valueOf(fired.head, "m"), "off");
  t.same([fired.head.snapshot.timers, fired.cancelled], [[], []], "a fired timer needs no cancelling");
  const stopped = must(next(definition, started.head, command("m", "stop")));
  t.same(stopped.cancelled, [timer]);
  t.equal(next(definition, stopped.head, fire(timer.generation)), undefined, "too late");
  const again = must(next(definition, stopped.head, command("m", "start")));
  t.equal(next(definition, again.head, fire(timer.generation)), undefined, "of the first time");
  t.not(again.armed[0]?.generation, timer.generation);
  t.end();
});

t.test("a delay of nothing is applied at once, and arms nothing", (t) => {
  const quick = createMachine({
    id: "quick",
    initial: "one",
    states: { one: { after: { 0: "two" } }, two: { after: { 10: "three" } }, three: {} },
  });
  const result = begin(definitionOf({ q: quick }));
  t.equal(valueOf(result.head, "q"), "two");
  t.equal(result.armed.length, 1);
  t.end();
});

const pong = (hear: string, say: string): AnyStateMachine =>
  createMachine({ id: hear, on: { [hear]: { actions: emit({ type: say }) } } });

t.test("a loop is found out, whatever it goes through", (t) => {
  const listening = definitionOf(
    { ping: pong("ping", "pong"), pong: pong("pong", "ping") },
    { ping: ["ping"], pong: ["pong"] },
  );
  t.throws(() => next(listening, begin(listening).head, command("ping", "ping")), MachineFault);
  const circling = createMachine({
    id: "circling",
    initial: "one",
    states: { one: { after: { 0: "two" } }, two: { after: { 0: "one" } } },
  });
  t.throws(() => begin(definitionOf({ c: circling })), new RegExp(String(limits.cascadeSteps), "u"));
  t.end();
});

t.test("what cannot be made durable is refused when a machine is loaded", (t) => {
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

t.test("an action that shows only when it is chosen is refused then", (t) => {
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
    settled: (committed) => void fates.push(committed),
    fates,
  };
}

t.test("a joined effect is told before anything else that waits", (t) => {
  const order: string[] = [];
  // Takes any machine's types: nothing of them is used.
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

t.test("a joined effect whose state is left in the very same step is told as late", (t) => {
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

t.test("what has joined is let go when the cascade fails", (t) => {
  const failing = withJob.createMachine({
    id: "failing",
    initial: "idle",
    context: {},
    states: {
      idle: { on: { go: "asking" } },
      asking: {
        invoke: {
          id: "job",
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
  const joined = decided(1);
  t.throws(
    () => next(definition, begin(definition).head, command("f", "go"), { join: () => joined }),
    MachineFault,
  );
  t.same(joined.fates, [false]);
  t.end();
});

t.test("a machine that fails leaves the actor as it was", (t) => {
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

t.test("a state of an older version is migrated step by step, one without a way is refused", (t) => {
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
  t.throws(() => restore(at(1), restored.snapshot), MachineFault, "stored by a newer machine");
  t.throws(() => restore(definitionOf({ c: counter, other: waiting }), head.snapshot), MachineFault);
  t.end();
});

t.test("recent commands are bounded, the inbox only rises", (t) => {
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

t.test("the turnstile: a coin, its check, a passage that is counted, a lock that closes by itself", (t) => {
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
