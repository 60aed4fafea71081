/** Layouts of whole machines, made once when the console is built (ELK, layered): the browser only draws. */
import elkjs, { type ELK, type ElkExtendedEdge, type ElkNode } from "elkjs/lib/elk.bundled.js";
import { type Arrow, type Box, type Drawing, drawingOf, openSets } from "../src/charts/drawing.ts";
import type { Layout, MachineLayouts, Point, Rect } from "../src/charts/layout.ts";
import { ChartIndex, type MachineChart, ownName } from "../src/charts/machine-chart.ts";
import { arrowLabel, boxSize, sizes } from "../src/charts/sizes.ts";

const options = {
  "elk.algorithm": "layered",
  "elk.direction": "DOWN",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.edgeRouting": "ORTHOGONAL",
  // States keep the order in which the machine names them.
  "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
  "elk.layered.cycleBreaking.strategy": "MODEL_ORDER",
  "elk.layered.feedbackEdges": "true",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.spacing.nodeNode": "24",
  "elk.layered.spacing.nodeNodeBetweenLayers": "30",
  "elk.spacing.edgeNode": "14",
  "elk.spacing.edgeEdge": "10",
  "elk.layered.spacing.edgeNodeBetweenLayers": "14",
  "elk.layered.spacing.edgeEdgeBetweenLayers": "10",
  "elk.spacing.edgeLabel": "4",
  "elk.json.edgeCoords": "ROOT",
  "elk.json.shapeCoords": "ROOT",
};

/** All layouts of a machine: closed, with each compound state open, and all open. */
export async function layoutsOf(chart: MachineChart): Promise<MachineLayouts> {
  const index = new ChartIndex(chart);
  const elk = new elkjs.default();
  const layouts: Record<string, Layout> = {};
  for (const [name, open] of openSets(index)) layouts[name] = await layoutOf(elk, drawingOf(index, open));
  return { hash: chart.hash, version: chart.version, layouts };
}

async function layoutOf(elk: ELK, { arrows, boxes }: Drawing): Promise<Layout> {
  const inside = (parent: string): ElkNode[] =>
    boxes.filter((box) => box.parent === parent).map((box) => nodeOf(box, inside(box.path)));
  const sheet: ElkNode = {
    id: "sheet",
    layoutOptions: options,
    children: inside(""),
    edges: arrows.map(edgeOf),
  };
  const laid = await elk.layout(sheet);
  const places: Record<string, Rect> = {};
  const visit = (node: ElkNode): void => {
    for (const child of node.children ?? []) {
      places[child.id] = rounded(child);
      visit(child);
    }
  };
  visit(laid);
  return {
    width: Math.ceil(laid.width ?? 0),
    height: Math.ceil(laid.height ?? 0),
    boxes: places,
    arrows: Object.fromEntries((laid.edges ?? []).map((edge) => [edge.id, routeOf(edge)])),
  };
}

function nodeOf(box: Box, children: ElkNode[]): ElkNode {
  const { height, width } = boxSize(box, ownName(box.path));
  if (children.length === 0) return { id: box.path, width, height };
  const { padding } = sizes;
  return {
    id: box.path,
    children,
    layoutOptions: {
      "elk.padding": `[top=${height + padding},left=${padding + 4},right=${padding + 4},bottom=${padding + 4}]`,
      "elk.nodeSize.constraints": "MINIMUM_SIZE",
      "elk.nodeSize.minimum": `(${width},${height + 20})`,
    },
  };
}

function edgeOf(arrow: Arrow): ElkExtendedEdge {
  const inline = { "elk.edgeLabels.inline": "true", "elk.edgeLabels.placement": "CENTER" };
  const label = { id: `label ${arrow.id}`, text: " ", ...arrowLabel(arrow), layoutOptions: inline };
  return { id: arrow.id, sources: [arrow.from], targets: [arrow.to], labels: [label] };
}

function routeOf({ id, labels = [], sections = [] }: ElkExtendedEdge): Layout["arrows"][string] {
  const [label] = labels;
  if (!label || sections.length === 0) throw new Error(`ELK has left out the arrow ${id}`);
  const points = sections.flatMap(({ bendPoints = [], endPoint, startPoint }) => [
    startPoint,
    ...bendPoints,
    endPoint,
  ]);
  return { points: points.map(({ x, y }: Point) => [round(x), round(y)] as const), label: rounded(label) };
}

/** Half pixels are enough, and shorter. */
const round = (value: number): number => Math.round(value * 2) / 2;

const rounded = ({ height = 0, width = 0, x = 0, y = 0 }: Partial<Rect>): Rect => ({
  x: round(x),
  y: round(y),
  width: round(width),
  height: round(height),
});
