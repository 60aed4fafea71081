/** Layouts of whole machines, made at build time: nothing overlaps, and hardly anything crosses. */
import t from "tap";
import { orderCharts, orderLayouts } from "../../../console/build/order-charts.ts";
import { drawingOf, openSets } from "../../../console/src/charts/drawing.ts";
import { type Layout, scoreOf } from "../../../console/src/charts/layout.ts";
import { ChartIndex } from "../../../console/src/charts/machine-chart.ts";

/** What a chart may have: two arrows that cross, twice. */
const MOST_CROSSINGS = 2;

const rect = (x: number, y: number, width = 100, height = 30) => ({ x, y, width, height });

/** Two states with an arrow each; what is added to it is bad. */
function sheet(arrows: Layout["arrows"]): Layout {
  return { width: 400, height: 400, boxes: { a: rect(0, 0), b: rect(0, 200), c: rect(200, 100) }, arrows };
}

t.test("what makes a drawing hard to read is counted", (t) => {
  const good = {
    points: [
      [50, 30],
      [50, 200],
    ] as const,
    label: rect(30, 60, 40, 15),
  };
  const leaves = ["a", "b", "c"];
  t.strictSame(scoreOf(sheet({ good }), leaves), {
    crossings: 0,
    labelsOverLabels: 0,
    labelsOverStates: 0,
    arrowsThroughStates: 0,
    statesOverStates: 0,
  });
  const crossing = {
    points: [
      [20, 30],
      [90, 150],
    ] as const,
    label: rect(300, 300, 40, 15),
  };
  t.match(scoreOf(sheet({ good, crossing }), leaves), { crossings: 1 });
  const onLabel = {
    points: [
      [150, 0],
      [150, 20],
    ] as const,
    label: rect(60, 70, 40, 15),
  };
  t.match(scoreOf(sheet({ good, onLabel }), leaves), { labelsOverLabels: 1 });
  const onState = {
    points: [
      [150, 0],
      [150, 20],
    ] as const,
    label: rect(210, 110, 40, 15),
  };
  t.match(scoreOf(sheet({ good, onState }), leaves), { labelsOverStates: 1 });
  const through = {
    points: [
      [150, 115],
      [350, 115],
    ] as const,
    label: rect(300, 300, 40, 15),
  };
  t.match(scoreOf(sheet({ good, through }), leaves), { arrowsThroughStates: 1 });
  t.match(scoreOf({ ...sheet({ good }), boxes: { a: rect(0, 0), b: rect(90, 20) } }, leaves), {
    statesOverStates: 1,
  });
  t.end();
});

t.test("every machine has a layout for each of its drawings, and all of them can be read", async (t) => {
  const layouts = await orderLayouts();
  for (const [kind, chart] of orderCharts()) {
    const made = layouts[kind];
    t.equal(made?.hash, chart.hash, `${kind}: made from the chart that nodes answer`);
    const index = new ChartIndex(chart);
    for (const [name, open] of openSets(index)) {
      const { arrows, boxes } = drawingOf(index, open);
      const layout = made?.layouts[name];
      if (!layout) throw new Error(`${kind} ${name} has no layout`);
      t.strictSame(Object.keys(layout.boxes).toSorted(), boxes.map(({ path }) => path).toSorted());
      t.strictSame(Object.keys(layout.arrows).toSorted(), arrows.map(({ id }) => id).toSorted());
      const leaves = boxes.filter(({ fold }) => fold !== "open").map(({ path }) => path);
      const { crossings, ...faults } = scoreOf(layout, leaves);
      t.ok(crossings <= MOST_CROSSINGS, `${kind} ${name}: ${crossings} crossings`);
      const none = { labelsOverLabels: 0, labelsOverStates: 0, arrowsThroughStates: 0, statesOverStates: 0 };
      t.strictSame(faults, none, `${kind} ${name}`);
    }
  }
});
