/** Places for a path: layers from the top down (dagre), in the browser. Pure. */
import { graphlib, layout } from "@dagrejs/dagre";
import type { Layout, Rect } from "./layout.ts";
import { stateTitle } from "./machine-chart.ts";
import type { Path, PathArrow, PathLine, PathState } from "./path.ts";
import { boxSize, type Size, sizes } from "./sizes.ts";
import { textWidth } from "./text-width.ts";

/** Longer labels have their condition on a line of its own, px. */
const WIDEST_LABEL = 150;

/** Room for a clock with its remaining time, or for the number of a try, px. */
const STATUS_WIDTH = 170;

/** One line of text on an arrow, with its mark. */
export type LabelRow = {
  readonly text: string;
  /** The commits that took it: `12, 14`; empty on lines that only go on. */
  readonly versions: string;
  readonly line: PathLine;
  /** It begins a transition; else it goes on with the one before. */
  readonly begins: boolean;
};

/** The commits that took a transition, short: `12, 14, 16` or `3 … 40 ×9`. */
export function versionsText(versions: readonly number[]): string {
  if (versions.length <= 3) return versions.join(", ");
  return `${versions[0]} … ${versions.at(-1)} ×${versions.length}`;
}

/** What is written on an arrow of a path. */
export function labelRows({ lines }: Pick<PathArrow, "lines">): LabelRow[] {
  return lines.flatMap((line): LabelRow[] => {
    const versions = versionsText(line.versions);
    const whole = line.guard === "" ? line.event : `${line.event} ${line.guard}`;
    if (line.guard === "" || textWidth(whole, sizes.lineFont) + markWidth(versions) <= WIDEST_LABEL)
      return [{ text: whole, versions, line, begins: true }];
    return [
      { text: line.event, versions, line, begins: true },
      { text: line.guard, versions: "", line, begins: false },
    ];
  });
}

/** Room before the text of a line: the commits that took it, or the mark of what its condition answers. */
export const markWidth = (versions: string): number =>
  versions === "" ? sizes.mark : textWidth(versions, sizes.lineFont, 600) + 8;

function labelSize(arrow: PathArrow): Size {
  const rows = labelRows(arrow);
  const widths = rows.map(({ text, versions }) => textWidth(text, sizes.lineFont) + markWidth(versions));
  return {
    width: Math.max(...widths) + 2 * sizes.labelPadding,
    height: rows.length * sizes.line + sizes.labelPadding,
  };
}

/** What a state of a path is called: with how often it was entered. */
export const pathTitle = ({ path, visits }: Pick<PathState, "path" | "visits">): string =>
  visits.length > 1 ? `${stateTitle(path)} ×${visits.length}` : stateTitle(path);

/** What is written in a state under its title. */
export function stateRows(state: PathState): string[] {
  const chips = state.chips.map(({ event, guard, to }) => `${event} ${guard} → ${stateTitle(to)}`);
  // A clock or a try is written under the current state, whatever it waits for.
  return [...state.calls, ...(state.isCurrent ? [""] : []), ...chips.map((text) => text.replace("  ", " "))];
}

function stateSize(state: PathState): Size {
  const rows = stateRows(state).map((text) => ({ kind: "call" as const, text, edges: [] }));
  const { height, width } = boxSize({ path: state.path, rows }, pathTitle(state));
  return { height, width: state.isCurrent ? Math.max(width, STATUS_WIDTH) : width };
}

/** Places of the states and arrows of a path; arrows have any angle. */
export function layoutPath({ arrows, states }: Path): Layout {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 18, ranksep: 25, edgesep: 14, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const state of states) graph.setNode(state.path, { ...stateSize(state) });
  for (const arrow of arrows) {
    // The path itself is straight, and what is only possible goes around it.
    const weight = arrow.taken ? 8 : 1;
    graph.setEdge(arrow.from, arrow.to, { ...labelSize(arrow), labelpos: "c", weight }, arrow.id);
  }
  layout(graph);
  const { height = 0, width = 0 } = graph.graph() as Partial<Size>;
  return {
    width: Math.ceil(width),
    height: Math.ceil(height),
    boxes: Object.fromEntries(states.map(({ path }) => [path, centered(graph.node(path) as Rect)])),
    arrows: Object.fromEntries(
      arrows.map(({ from, id, to }) => {
        const edge = graph.edge({ v: from, w: to, name: id }) as Rect & {
          points: { x: number; y: number }[];
        };
        const points = edge.points.map(({ x, y }) => [round(x), round(y)] as const);
        return [id, { points, label: centered(edge) }];
      }),
    ),
  };
}

const round = (value: number): number => Math.round(value * 2) / 2;

/** dagre gives the middle of a rectangle. */
const centered = ({ height, width, x, y }: Rect): Rect => ({
  x: round(x - width / 2),
  y: round(y - height / 2),
  width,
  height,
});
