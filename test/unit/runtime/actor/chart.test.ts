/** The chart of a machine is the machine: every state and every transition, with the names that are in it. */
import t from "tap";
import { type AnyStateMachine, createMachine } from "xstate";
import { chartOf, type ChartTransition } from "../../../../src/runtime/actor/chart.ts";
import { type Edge, edgesOf } from "../../../../src/runtime/actor/edges.ts";
import { statesOf } from "../../../../src/runtime/actor/machine.ts";
import { orderMachines } from "../../../../src/services/orders/definition.ts";

const lamp = createMachine(
  {
    id: "lamp",
    type: "parallel",
    states: {
      light: {
        initial: "off",
        states: {
          off: {
            on: {
              press: [{ guard: "isDark", target: "on", actions: "count" }, { actions: ["count", "say"] }],
            },
          },
          on: {
            meta: { says: "It is on." },
            entry: "say",
            exit: "count",
            invoke: { id: "watch", src: "watcher", onDone: "off" },
            after: { soon: "off", 50: { actions: "say" } },
            always: { guard: "isBroken", target: "#lamp.fuse.blown" },
          },
        },
      },
      fuse: { initial: "whole", states: { whole: {}, blown: { type: "final" } } },
    },
  },
  { delays: { soon: 10 }, guards: { isDark: () => true, isBroken: () => false } },
);

t.test("a chart has each state with what is in it", (t) => {
  const { id, guards, states } = chartOf(lamp);
  t.equal(id, "lamp");
  t.strictSame(guards, ["isBroken", "isDark"]);
  const none = { invokes: [], entry: [], exit: [] };
  t.strictSame(states, [
    { path: "", parent: null, kind: "parallel", ...none },
    { path: "light", parent: "", kind: "compound", initial: "light.off", ...none },
    { path: "light.off", parent: "light", kind: "atomic", ...none },
    {
      path: "light.on",
      parent: "light",
      kind: "atomic",
      invokes: [{ id: "watch", src: "watcher" }],
      entry: ["say", "xstate.raise", "xstate.raise"],
      exit: ["count", "xstate.cancel", "xstate.cancel"],
      meta: { says: "It is on." },
    },
    { path: "fuse", parent: "", kind: "compound", initial: "fuse.whole", ...none },
    { path: "fuse.whole", parent: "fuse", kind: "atomic", ...none },
    { path: "fuse.blown", parent: "fuse", kind: "final", ...none },
  ]);
  t.end();
});

t.test("a chart has each transition with condition, actions and delay", (t) => {
  const { transitions } = chartOf(lamp);
  const by = (id: string) => transitions.find((one) => one.id === id);
  t.strictSame(by("light.off:press:0"), {
    id: "light.off:press:0",
    source: "light.off",
    event: "press",
    index: 0,
    targets: ["light.on"],
    guard: "isDark",
    actions: ["count"],
  });
  t.match(by("light.off:press:1"), { targets: [], actions: ["count", "say"] });
  t.match(by("light.on:xstate.after.soon.lamp.light.on:0"), { after: "soon", targets: ["light.off"] });
  t.match(by("light.on:xstate.after.50.lamp.light.on:0"), { after: 50, actions: ["say"] });
  t.match(by("light.on:xstate.done.actor.watch:0"), { targets: ["light.off"] });
  t.match(by("light.on::0"), { guard: "isBroken", targets: ["fuse.blown"] });
  t.end();
});

/** Without what the chart adds. */
function edgeIn(transition: ChartTransition): Edge {
  const { id, source, event, index, targets, guard } = transition;
  return { id, source, event, index, targets, ...(guard === undefined ? {} : { guard }) };
}

const machines: Readonly<Record<string, AnyStateMachine>> = Object.fromEntries(
  Object.entries(orderMachines).map(([name, { machine }]) => [name, machine]),
);

for (const [name, machine] of Object.entries(machines))
  t.test(`the chart of ${name} is the machine, state by state and edge by edge`, (t) => {
    const chart = chartOf(machine);
    const nodes = [...statesOf(machine.root)];
    t.strictSame(
      chart.states.map(({ path }) => path),
      nodes.map(({ path }) => path.join(".")),
    );
    t.strictSame(chart.transitions.map(edgeIn), edgesOf(machine));
    const count = nodes.reduce(
      (sum, { always = [], transitions }) => sum + always.length + [...transitions.values()].flat().length,
      0,
    );
    t.equal(chart.transitions.length, count);
    const paths = new Set(chart.states.map(({ path }) => path));
    for (const { source, targets } of chart.transitions)
      for (const path of [source, ...targets]) if (!paths.has(path)) t.fail(`no state ${path}`);
    for (const state of chart.states) {
      const node = nodes.find(({ path }) => path.join(".") === state.path);
      t.equal(state.kind, node?.type);
      t.strictSame(state.meta, node?.meta);
      if (state.kind === "compound") t.ok(paths.has(state.initial ?? "-"), `${state.path} begins somewhere`);
    }
    // A chart shows names: a condition, a delay or an action without one could not be read in it.
    t.strictSame(
      chart.guards.filter((guard) => !machine.implementations.guards[guard]),
      [],
    );
    for (const { actions, after, guard, id } of chart.transitions) {
      t.notOk(actions.includes("inline"), id);
      if (typeof after === "string")
        t.ok(machine.implementations.delays[after] !== undefined, `${id}: ${after}`);
      if (guard === undefined) continue;
      t.ok(guard in machine.implementations.guards, `${id}: ${guard}`);
    }
    t.strictSame(JSON.parse(JSON.stringify(chart)), chart, "it is JSON");
    t.end();
  });
