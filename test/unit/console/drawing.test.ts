/** Whole machines as boxes and arrows, and the outline: nothing of a machine is lost, and rules keep it readable. */
import t from "tap";
import { orderCharts } from "../../../console/build/order-charts.ts";
import { CHIPS_FROM, type Drawing, drawingOf, openSets } from "../../../console/src/charts/drawing.ts";
import { ChartIndex, leavesOf, type MachineChart } from "../../../console/src/charts/machine-chart.ts";
import { outlineOf, type OutlineState } from "../../../console/src/charts/outline.ts";

const state = (path: string, more: Partial<MachineChart["states"][number]> = {}) => ({
  path,
  parent: path === "" ? null : path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : "",
  kind: "atomic" as const,
  invokes: [],
  ...more,
});

const transition = (id: string, to: string | undefined, guard?: string) => {
  const [source = "", event = "", index = "0"] = id.split(":");
  const targets = to === undefined ? [] : [to];
  return { id, source, event, index: Number(index), targets, ...(guard === undefined ? {} : { guard }) };
};

const door = new ChartIndex({
  kind: "door",
  version: 1,
  hash: "x",
  states: [
    state("", { kind: "compound", initial: "shut" }),
    state("shut", { kind: "compound", initial: "shut.locked" }),
    state("shut.locked"),
    state("shut.ajar", { invokes: [{ id: "creak", src: "creak" }] }),
    state("open"),
    state("broken", { kind: "final" }),
  ],
  transitions: [
    transition("shut.locked:turn:0", "shut.ajar"),
    transition("shut.ajar:push:0", "open", "isLight"),
    transition("shut.ajar:push:1", "open"),
    transition("shut.ajar:kick:0", "broken"),
    transition("shut.locked:kick:0", "broken"),
    transition("open:kick:0", "broken"),
    transition("open:look:0", undefined),
  ],
});

const box = ({ boxes }: Drawing, path: string) => boxes.find((one) => one.path === path);
const texts = (drawing: Drawing, path: string) =>
  box(drawing, path)?.rows.map(({ kind, text }) => `${kind}: ${text}`);

t.test("arrows of one pair are one arrow with a line for each", (t) => {
  const drawing = drawingOf(door, new Set(["shut"]));
  const arrow = drawing.arrows.find(({ id }) => id === "shut.ajar>open");
  t.strictSame(
    arrow?.lines.map(({ text }) => text),
    ["push [isLight]", "push [else]"],
  );
  t.strictSame(texts(drawing, "shut.ajar"), ["call: creak", "chip: kick → broken"]);
  t.strictSame(texts(drawing, "open"), ["stays: look"]);
  t.end();
});

t.test("a state that many lead to keeps the arrow of the nearest one before it", (t) => {
  const { arrows } = drawingOf(door, new Set(["shut"]));
  t.strictSame(
    arrows.filter(({ to }) => to === "broken").map(({ from }) => from),
    ["open"],
  );
  t.end();
});

t.test("a closed compound is one box, with what leaves it", (t) => {
  const drawing = drawingOf(door, new Set());
  t.strictSame(
    drawing.boxes.map(({ fold, path }) => `${path} ${fold}`),
    ["shut closed", "open none", "broken none"],
  );
  t.strictSame(texts(drawing, "shut"), ["inside: 2 states inside"]);
  const kicked = drawing.arrows.find(({ id }) => id === "shut>broken");
  t.strictSame(kicked?.lines, [{ text: "kick", edges: ["shut.ajar:kick:0", "shut.locked:kick:0"] }]);
  t.end();
});

t.test("every transition of an order's machines is in the drawing that has all states open", (t) => {
  for (const [kind, chart] of orderCharts()) {
    const index = new ChartIndex(chart);
    t.equal(index.compounds().length > 0, kind !== "order", `${kind} has the compounds that it is known for`);
    const { arrows, boxes } = drawingOf(index, openSets(index).get("*") ?? new Set());
    const drawn = [
      ...arrows.flatMap(({ lines }) => lines.flatMap(({ edges }) => edges)),
      ...boxes.flatMap(({ rows }) => rows.flatMap(({ edges }) => edges)),
    ];
    t.strictSame(drawn.toSorted(), chart.transitions.map(({ id }) => id).toSorted(), kind);
    t.strictSame(
      boxes.map(({ path }) => path),
      chart.states.map(({ path }) => path).filter((path) => path !== ""),
    );
  }
  t.end();
});

t.test("no state has as many arrows from others as become lines", (t) => {
  for (const [kind, chart] of orderCharts()) {
    const index = new ChartIndex(chart);
    for (const [name, open] of openSets(index)) {
      const { arrows } = drawingOf(index, open);
      for (const { to } of arrows)
        t.ok(arrows.filter((one) => one.to === to).length < CHIPS_FROM, `${kind} ${name}: ${to}`);
    }
  }
  t.end();
});

t.test("the states of a value are found, nested ones and parallel ones", (t) => {
  t.strictSame(leavesOf("confirmed"), ["confirmed"]);
  t.strictSame(leavesOf({ hosted: { pending: "waiting" } }), ["hosted.pending.waiting"]);
  t.strictSame(leavesOf({ light: "off", fuse: {} }), ["light.off", "fuse"]);
  t.strictSame(leavesOf(null), []);
  t.end();
});

t.test("the outline of a machine has every state at its depth, with every transition", (t) => {
  const names = (states: readonly OutlineState[]): string[] =>
    states.flatMap(({ level, path, states }) => [`${level} ${path}`, ...names(states)]);
  const tree = outlineOf(door);
  t.strictSame(names(tree), ["1 shut", "2 shut.locked", "2 shut.ajar", "1 open", "1 broken"]);
  t.strictSame(tree[0]?.states[1]?.exits, [
    { text: "push [isLight]", to: "open" },
    { text: "push [else]", to: "open" },
    { text: "kick", to: "broken" },
  ]);
  t.match(tree[2], { isFinal: true, isActive: false, exits: [] });
  t.end();
});
