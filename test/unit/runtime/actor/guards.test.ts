/** Which conditions a dry run names: with their states, in the order in which they are checked. */
import t from "tap";
import { createMachine, raise } from "xstate";
import { dryRun, type PredictedInput } from "../../../../src/runtime/actor/dry-run.ts";
import { type GuardVerdict, observing } from "../../../../src/runtime/actor/guards.ts";
import type { ActorDefinition } from "../../../../src/runtime/definition.ts";
import { begin, calm, command, definitionOf, must, next, NOW } from "./cascade-stage.ts";

/** `high` and `low` compare the event's number; `never` says no. */
const gate = createMachine(
  {
    id: "gate",
    initial: "shut",
    on: { knock: { guard: "never", target: ".shut" }, lean: { guard: "never" } },
    states: {
      shut: {
        initial: "locked",
        on: { try: [{ guard: "high", target: "open" }, { guard: "low" }] },
        states: {
          locked: {
            on: {
              knock: { guard: "high", target: "unlocked" },
              try: { guard: "never" },
              lean: { guard: "never" },
            },
          },
          unlocked: {
            always: { guard: "never", target: "locked" },
            entry: raise({ type: "turned" }),
            on: { turned: { guard: "turnedByHand" } },
          },
        },
      },
      open: { always: [{ guard: "low", target: "shut" }, { guard: "isWide" }] },
    },
  },
  {
    guards: {
      never: () => false,
      high: ({ event }) => (event as unknown as { n: number }).n > 5,
      low: ({ event }) => (event as unknown as { n: number }).n < 3,
      turnedByHand: () => false,
      isWide: () => false,
    },
  },
);

const definition = definitionOf({ g: gate });

const prediction = (machines: ActorDefinition, event: { type: string; n?: number }) => {
  const before = begin(definition).head.snapshot;
  const input: PredictedInput = { kind: "command", machine: "g", event };
  const predicted = dryRun(machines, before, input, { actor: "a", now: NOW, predict: () => undefined });
  if (predicted.status !== "predicted" && predicted.status !== "illegal") throw new Error(predicted.status);
  return predicted;
};

const lines = (guards: readonly GuardVerdict[]): string[] =>
  guards.map(
    ({ event, guard, machine, state, verdict }) => `${machine} ${state} ${event} ${guard} ${verdict}`,
  );

t.test("a refused event names every condition that was checked, the innermost states first", async (t) => {
  t.strictSame(lines(prediction(definition, { type: "try", n: 4 }).guards), [
    "g shut.locked try never false",
    "g shut try high false",
    "g shut try low false",
  ]);
  t.strictSame(lines(prediction(definition, { type: "knock", n: 1 }).guards), [
    "g shut.locked knock high false",
    "g  knock never false",
  ]);
  t.strictSame(lines(prediction(definition, { type: "lean" }).guards), [
    "g shut.locked lean never false",
    "g  lean never false",
  ]);
  t.strictSame(lines(prediction(definition, { type: "sing" }).guards), [], "no transition, no condition");
});

t.test("conditions of the transitions that follow by themselves are named in their states", async (t) => {
  t.strictSame(lines(prediction(definition, { type: "try", n: 7 }).guards), [
    "g shut.locked try never false",
    "g shut try high true",
    "g open  low false",
    "g open  isWide false",
  ]);
  t.strictSame(lines(prediction(definition, { type: "knock", n: 7 }).guards), [
    "g shut.locked knock high true",
    "g shut.unlocked  never false",
    "g shut.unlocked turned turnedByHand false",
    "g shut.unlocked  never false",
  ]);
});

t.test("the same question has the same answer, and leaves the machines as they are", async (t) => {
  const ask = { type: "try", n: 7 };
  const first = prediction(definition, ask);
  t.strictSame(prediction(definition, ask), first);
  // The machine that writes records reports nothing, also while something observes.
  const { guards } = observing(() => next(definition, begin(definition).head, command("g", "try", { n: 7 })));
  t.strictSame(guards, []);
  const real = must(next(definition, begin(definition).head, command("g", "try", { n: 7 })));
  if (first.status !== "predicted") throw new Error(first.status);
  t.strictSame(first.after.machines, real.head.snapshot.machines);
});

t.test("a condition that throws refuses the input, as a command is", async (t) => {
  const broken = createMachine(
    { id: "b", initial: "one", states: { one: { on: { go: { guard: "throws" } } } } },
    {
      guards: {
        throws: () => {
          throw new Error("no such thing");
        },
      },
    },
  );
  const one = definitionOf({ b: broken });
  const predicted = dryRun(
    one,
    begin(one).head.snapshot,
    { kind: "command", machine: "b", event: { type: "go" } },
    { ...calm, predict: () => undefined },
  );
  t.match(predicted, { status: "refused", code: "input_refused", reason: /no such thing/ });
});
