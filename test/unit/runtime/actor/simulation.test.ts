/** Steps of an actor that is only thought of: what each does, and what ends them. */
import t from "tap";
import {
  simulate,
  type SimulatedStep,
  type SimulationStart,
} from "../../../../src/runtime/actor/simulation.ts";
import { begin, command, definitionOf, jobs, jobTypes, must, next, NOW, waiting } from "./cascade-stage.ts";
import { setup } from "xstate";

const how = { actor: "a", now: NOW, goesOn: () => true };
const fresh: SimulationStart = { kind: "start", input: {} };
const event = (type: string, more: object = {}): SimulatedStep => ({
  kind: "event",
  event: { type },
  ...more,
});
const run = (steps: readonly SimulatedStep[], start: SimulationStart = fresh) => [
  ...simulate(jobs, start, steps, how),
];

t.test("events, outcomes of calls and their refusals lead from state to state", async (t) => {
  const outcomes = run([
    event("leave"),
    event("go"),
    { kind: "effect", name: "w.job", outcome: { output: 1 } },
    { kind: "effect", name: "w.job", outcome: { output: 1 } },
  ]);
  t.strictSame(
    outcomes.map(({ accepted, states, why = "" }) => `${String(states["w"])} ${accepted} ${why}`.trim()),
    [
      "idle true",
      "idle false no machine takes it now",
      "busy true",
      "done true",
      "done false no call w.job is open",
    ],
  );
  t.match(outcomes[2], { changes: { effects: { opened: ["w.job"] } }, effects: [{ id: "w.job" }] });
  t.match(outcomes[1], { changes: null });
});

t.test("each step is what the runtime would write", async (t) => {
  const [, taken] = run([event("go")]);
  const real = must(next(jobs, begin(jobs).head, command("w", "go")));
  t.strictSame(
    taken?.changes?.transitions.map(({ edges }) => edges),
    real.transitions.map(({ edges }) => edges),
  );
  t.strictSame(taken?.effects, real.head.snapshot.effects);
});

t.test("a stored actor goes on from its state, and stays as it is", async (t) => {
  const { snapshot } = must(next(jobs, begin(jobs).head, command("w", "go"))).head;
  const before = JSON.stringify(snapshot);
  const outcomes = run([event("leave"), event("go")], { kind: "stored", snapshot });
  t.strictSame(
    outcomes.map(({ states }) => states["w"]),
    ["busy", "left", "busy"],
  );
  t.equal(JSON.stringify(snapshot), before);
});

const clock = setup({
  types: jobTypes,
  delays: { soon: 500 },
  guards: { isOpen: () => false },
}).createMachine({
  id: "clock",
  context: {},
  initial: "one",
  states: {
    one: { after: { soon: "two" }, on: { open: { guard: "isOpen", target: "two" } } },
    two: { after: { soon: "one" }, on: { fail: { guard: () => fail() } } },
  },
});
const fail = (): boolean => {
  throw new Error("broken");
};

t.test("a timer fires at its due time, and later ones are armed from there", async (t) => {
  const machines = definitionOf({ c: clock });
  const timer: SimulatedStep = { kind: "timer", name: "c.xstate.after.soon.clock.one" };
  const [first, second, third] = [...simulate(machines, fresh, [timer, timer], how)];
  t.match(first, { timers: [{ dueAt: NOW + 500 }] });
  t.match(second, { accepted: true, states: { c: "two" }, timers: [{ dueAt: NOW + 1000 }] });
  t.match(third, { accepted: false, why: /no timer/ });
});

t.test("a refused step names its conditions, and a fault of a machine ends nothing", async (t) => {
  const machines = definitionOf({ c: clock });
  const timer: SimulatedStep = { kind: "timer", name: "c.xstate.after.soon.clock.one" };
  const [, refused, , broken, after] = [
    ...simulate(machines, fresh, [event("open"), timer, event("fail"), event("open")], how),
  ];
  t.match(refused, {
    guards: [{ machine: "c", state: "one", event: "open", guard: "isOpen", verdict: false }],
  });
  t.match(broken, { accepted: false, why: /broken/, states: { c: "two" } });
  t.match(after, { accepted: false, states: { c: "two" } });
});

t.test("an event goes to the machine that is named, to the first one otherwise", async (t) => {
  const two = definitionOf({ a: waiting, b: waiting });
  const moved = (step: SimulatedStep) => {
    const [, outcome] = [...simulate(two, fresh, [step], how)];
    return outcome?.changes?.transitions.map(({ machine }) => machine);
  };
  t.strictSame(moved(event("go")), ["a"]);
  t.strictSame(moved(event("go", { machine: "b" })), ["b"]);
  t.strictSame(moved(event("go", { first: "b" })), ["b"]);
  t.strictSame(moved(event("go", { machine: "none" })), undefined);
});

t.test("a simulation ends when its time is up", async (t) => {
  let left = 2;
  const outcomes = [
    ...simulate(jobs, fresh, Array<SimulatedStep>(9).fill(event("go")), { ...how, goesOn: () => left-- > 0 }),
  ];
  t.equal(outcomes.length, 3, "the beginning, and two steps");
});
