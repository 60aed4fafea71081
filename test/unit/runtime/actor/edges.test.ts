/** Which transitions an input takes, and by which ids a chart finds them again. */
import t from "tap";
import { type AnyStateMachine, createMachine, emit, raise } from "xstate";
import { edgesOf, eventTaken, transitionTaken } from "../../../../src/runtime/actor/edges.ts";
import { readChanges } from "../../../../src/runtime/actor/record-changes.ts";
import type { ActorRecord } from "../../../../src/runtime/actor/snapshot.ts";
import { begin, command, definitionOf, must, next } from "./cascade-stage.ts";

const never = { type: "never" };
const lamp = createMachine(
  {
    id: "lamp",
    initial: "off",
    states: {
      off: {
        on: {
          press: [{ guard: never, target: "broken" }, { target: "on" }],
          tap: { actions: emit({ type: "tapped" }) },
        },
      },
      on: {
        initial: "warming",
        on: { "*": { target: "off" } },
        states: {
          warming: { always: { target: "bright" } },
          bright: {
            always: [{ guard: never, target: "warming" }],
            entry: raise({ type: "lit" }),
            on: { lit: "steady" },
          },
          steady: { after: { 50: { target: "#lamp.off" } } },
        },
      },
      broken: { type: "final" },
    },
  },
  { guards: { never: () => false } },
);

const definition = definitionOf({ lamp });

/** The steps of a command, as its record has them. */
function stepsOf(machines: typeof definition, head: ReturnType<typeof begin>["head"], type: string) {
  const taken = must(next(machines, head, command("lamp", type)));
  return { head: taken.head, stored: taken.transitions };
}

t.test("every edge of a chart has an id of its own, by source, event and place", async (t) => {
  const edges = edgesOf(lamp);
  t.strictSame(
    edges.map(({ id }) => id),
    [
      "off:press:0",
      "off:press:1",
      "off:tap:0",
      "on:*:0",
      "on.warming::0",
      "on.bright:lit:0",
      "on.bright::0",
      "on.steady:xstate.after.50.lamp.on.steady:0",
    ],
  );
  t.strictSame(edges[0], {
    id: "off:press:0",
    source: "off",
    event: "press",
    index: 0,
    targets: ["broken"],
    guard: "never",
  });
  t.strictSame(edges[2], { id: "off:tap:0", source: "off", event: "tap", index: 0, targets: [] });
  t.strictSame(edgesOf(lamp), edges, "always the same ones");
});

t.test(
  "a step names its edges in order: the event's, those that follow, those of raised events",
  async (t) => {
    const pressed = stepsOf(definition, begin(definition).head, "press");
    t.strictSame(pressed.stored, [
      {
        machine: "lamp",
        from: "off",
        to: { on: "steady" },
        edges: ["off:press:1", "on.warming::0", "on.bright:lit:0"],
      },
    ]);
    const { stored } = stepsOf(definition, pressed.head, "kick");
    t.strictSame(stored, [
      { machine: "lamp", from: { on: "steady" }, to: "off", event: "kick", edges: ["on:*:0"] },
    ]);
  },
);

t.test("a transition that stays in its state is recorded with its edge", async (t) => {
  const { stored } = stepsOf(definition, begin(definition).head, "tap");
  t.strictSame(stored, [{ machine: "lamp", from: "off", to: "off", edges: ["off:tap:0"] }]);
});

t.test("a machine's first step has no event's edge, only those that follow by themselves", async (t) => {
  const rising: AnyStateMachine = createMachine({
    initial: "low",
    states: { low: { always: "high" }, high: {} },
  });
  t.strictSame(begin(definitionOf({ lamp })).transitions, [{ machine: "lamp", from: null, to: "off" }]);
  t.strictSame(begin(definitionOf({ rising })).transitions, [
    { machine: "rising", from: null, to: "high", edges: ["low::0"] },
  ]);
});

t.test("edges of one step are not those of another one, also after a step that failed", async (t) => {
  const fragile = createMachine({
    initial: "whole",
    states: {
      whole: {
        on: {
          drop: {
            target: "whole",
            actions: () => {
              throw new Error("broken");
            },
          },
          keep: "kept",
        },
      },
      kept: {},
    },
  });
  const two = definitionOf({ lamp: fragile });
  const { head } = begin(two);
  t.throws(() => next(two, head, command("lamp", "drop")));
  t.strictSame(stepsOf(two, head, "keep").stored[0]?.edges, ["whole:keep:0"]);
});

t.test("the event of a step is stored only where neither its edges nor its beginning state it", async (t) => {
  for (const [from, event, edges, stored] of [
    ["off", "press", ["off:press:1", "on::0"], undefined],
    ["off", "a:b", ["off:a:b:1"], undefined],
    ["off", "press", ["off:*:0"], "press"],
    ["off", "press", [], "press"],
    [null, "xstate.init", ["low::0"], undefined],
    [null, "xstate.init", [], undefined],
  ] as const) {
    const step = transitionTaken("m", from, "on", event, edges);
    t.equal(step.event, stored, JSON.stringify(step));
    t.equal(eventTaken(step), event, JSON.stringify(step));
  }
  t.equal(eventTaken({ machine: "m", from: "off", to: "on" }), undefined, "version 0.1.0 did not state it");
});

t.test("what a record does not know is not invented", async (t) => {
  const snapshot = { machines: {} };
  const old = { snapshot, input: "command:go", transitions: [{ machine: "m", from: "a", to: "b" }] };
  t.strictSame(readChanges(old as unknown as ActorRecord)?.transitions, [
    { machine: "m", from: "a", to: "b", edges: [] },
  ]);
});
