/** The path of an order through a machine: where it was, where it is, where it can go; and its places on the sheet. */
import * as fc from "fast-check";
import t from "tap";
import { orderCharts } from "../../../console/build/order-charts.ts";
import { scoreOf } from "../../../console/src/charts/layout.ts";
import { ChartIndex, leavesOf } from "../../../console/src/charts/machine-chart.ts";
import { type CommitSteps, type Path, pathOf, type Verdict } from "../../../console/src/charts/path.ts";
import { layoutPath, versionsText } from "../../../console/src/charts/path-layout.ts";
import { orderInsight } from "../../../src/services/insight/order-insight.ts";
import type { TransitionTaken } from "../../../src/runtime/actor/snapshot.ts";
import { orderInput } from "../machines/order-input.ts";
import { happen, happening, methods, type Straggler } from "../services/orders/order-walk.ts";
import { OrderWorld } from "../services/orders/order-world.ts";

const indexes = new Map([...orderCharts()].map(([kind, chart]) => [kind, new ChartIndex(chart)]));
const index = (kind: string): ChartIndex => {
  const found = indexes.get(kind);
  if (!found) throw new Error(`no machine ${kind}`);
  return found;
};

const toldStep = ({ edges = [], event = "", ...step }: TransitionTaken) => ({ ...step, event, edges });

/** What histories have of an order that is played in memory; a commit for each input. */
class Told {
  readonly commits: CommitSteps[] = [];
  readonly world: OrderWorld;

  constructor(world: OrderWorld) {
    this.world = world;
    world.onCascade = ({ transitions }) =>
      this.commits.push({ version: this.commits.length + 1, transitions: transitions.map(toldStep) });
  }

  path(kind: string): Path {
    const { next = [] } = orderInsight(this.world.id, this.world.snapshot, ["next"], this.world.now);
    const own = next.filter(({ machine }) => machine === kind);
    const verdicts = new Map<string, Verdict>(own.map(({ edge, verdict }) => [edge, verdict]));
    return pathOf(index(kind), this.commits, this.world.snapshot.machines[kind]?.value, verdicts);
  }
}

const visited = ({ states }: Path) =>
  states.filter(({ visits }) => visits.length > 0).map(({ path, visits }) => `${path} ${visits.length}`);

t.test("states come in the order in which they were entered, those that were left at once too", async (t) => {
  const told = new Told(new OrderWorld(orderInput("cash_on_delivery", { mode: "manual", stepDelayMs: 0 })));
  await told.world.start().performAll();
  t.strictSame(visited(told.path("order")), ["reserving 1", "created 1", "confirmed 1"]);
  for (const step of [
    { type: "pick" },
    { type: "quality-check", passed: false },
    { type: "pick" },
    { type: "quality-check", passed: true },
  ])
    told.world.step(step);
  const path = told.path("fulfillment");
  t.strictSame(visited(path), [
    "unconfirmed 1",
    "stored.awaiting 2",
    "picked.awaiting 2",
    "quality_checked.awaiting 1",
  ]);
  const current = path.states.find(({ isCurrent }) => isCurrent);
  t.equal(current?.path, "quality_checked.awaiting");
  const picked = path.arrows.find(({ id }) => id === "stored.awaiting>picked.awaiting");
  t.equal(picked?.lines[0]?.versions.length, 2, "the arrow names both commits that took it");
  t.ok(picked?.taken);
});

t.test(
  "what is possible next has its condition's answer; three or more are lines in the state",
  async (t) => {
    const told = new Told(new OrderWorld(orderInput("credit_card", { mode: "manual", stepDelayMs: 0 })));
    await told.world.start().performAll();
    const { arrows, states } = told.path("payment");
    const current = states.find(({ isCurrent }) => isCurrent);
    t.strictSame(
      current?.chips.map(({ event, guard, to, verdict }) => [event, guard, to, verdict]),
      [
        ["capture.requested", "[needsCapture]", "capturing", true],
        ["authorization.lapsed", "", "lapsed", true],
        ["order.closed", "[isSettledAtOnce]", "reversing.refunding", false],
        ["fulfillment.returned", "[isSettledAtOnce]", "reversing.refunding", false],
        ["order.closed", "[else]", "reversing.voiding", true],
      ],
    );
    t.ok(arrows.every(({ taken }) => taken));
    const order = told.path("order");
    t.strictSame(
      order.arrows.filter(({ taken }) => !taken).map(({ id }) => id),
      ["confirmed>ready", "confirmed>cancelled"],
      "two are drawn",
    );
  },
);

t.test("a record of an earlier version is drawn from what it says", (t) => {
  const path = pathOf(
    index("order"),
    [
      { version: 1, transitions: [{ machine: "order", from: null, to: "reserving", edges: [] }] },
      { version: 2, transitions: [{ machine: "order", from: "reserving", to: "confirmed", edges: [] }] },
      {
        version: 3,
        transitions: [{ machine: "order", from: "confirmed", to: "held", edges: ["confirmed:hold:0"] }],
      },
    ],
    "held",
    new Map(),
  );
  t.strictSame(
    path.states.map((one) => one.path),
    ["reserving", "confirmed", "held"],
  );
  t.strictSame(
    path.arrows.map(({ id, lines }) => [id, lines[0]?.event]),
    [
      ["reserving>confirmed", ""],
      ["confirmed>held", "hold"],
    ].map(([id, event]) => [id, event === "" ? "always" : event]),
  );
  t.end();
});

t.test("the commits that took an arrow are named, many of them by the first and the last", (t) => {
  t.equal(versionsText([3]), "3");
  t.equal(versionsText([3, 5, 9]), "3, 5, 9");
  t.equal(versionsText([3, 5, 9, 12]), "3 … 12 ×4");
  t.end();
});

t.test("random orders have paths that can be drawn, whose last state is the one they are in", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...methods),
      fc.array(happening, { maxLength: 40 }),
      async (method, all) => {
        const world = new OrderWorld(orderInput(method, { mode: "manual", stepDelayMs: 0 }));
        const told = new Told(world);
        world.start();
        const stragglers: Straggler[] = [];
        for (const one of all) await happen(world, one, stragglers);
        for (const kind of indexes.keys()) {
          const path = told.path(kind);
          const [leaf] = leavesOf(world.snapshot.machines[kind]?.value);
          const current = path.states.filter(({ isCurrent }) => isCurrent);
          if (current.length !== 1 || current[0]?.path !== leaf)
            throw new Error(`${kind}: ${JSON.stringify(current)} instead of ${leaf}`);
          if (current[0]?.visits.length === 0)
            throw new Error(`${kind}: it is in ${leaf}, and never entered it`);
          const ids = path.states.map((state) => state.path);
          if (path.arrows.some(({ from, to }) => !ids.includes(from) || !ids.includes(to)))
            throw new Error(`${kind}: an arrow without a state`);
          const { labelsOverLabels, labelsOverStates, statesOverStates } = scoreOf(layoutPath(path), ids);
          if (labelsOverLabels + labelsOverStates + statesOverStates > 0)
            throw new Error(`${kind}: something overlaps in ${ids.join()}`);
        }
      },
    ),
    { numRuns: 60, seed: 7 },
  );
});
