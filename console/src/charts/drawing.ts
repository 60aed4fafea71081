/**
 * A whole machine as boxes and arrows. Three rules keep it readable: arrows of one pair are one arrow with several
 * lines; a state that many states lead to keeps the arrow of the nearest one before it, the others show a line in
 * their box; and a compound state may be closed, so that it is one box with what leaves it. Pure.
 * Proved by: test/unit/console/drawing.test.ts
 */
import { transitionText } from "./labels.ts";
import { type ChartIndex, type ChartTransition, isWithin, stateTitle } from "./machine-chart.ts";

/** One line in a box. */
export type Row = {
  /** `call`: made while the state is active. `chip`: an arrow that is not drawn. `stays`: the state is not left. */
  readonly kind: "call" | "chip" | "stays" | "inside";
  readonly text: string;
  /** Ids of the transitions that it stands for. */
  readonly edges: readonly string[];
  /** Of a chip: the box that it leads to. */
  readonly to?: string;
};

/** One state. */
export type Box = {
  readonly path: string;
  /** The box around it; empty: none. */
  readonly parent: string;
  readonly isFinal: boolean;
  /** It is entered first in the box around it. */
  readonly isInitial: boolean;
  /** `closed`: a compound state whose states are not drawn. */
  readonly fold: "none" | "open" | "closed";
  readonly rows: readonly Row[];
};

/** One arrow. Its id is `<from>><to>`. */
export type Arrow = {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly lines: readonly { readonly text: string; readonly edges: readonly string[] }[];
};

/** A drawing without places. Boxes from the outside to the inside. */
export type Drawing = { readonly boxes: readonly Box[]; readonly arrows: readonly Arrow[] };

/** A state with arrows from as many others shows one of them. */
export const CHIPS_FROM = 3;

/** A transition between two boxes, merged with those that look the same. */
type Link = { readonly from: string; readonly to: string; readonly text: string; readonly edges: string[] };

/** The drawing of a machine. @param open compound states whose states are drawn; those around them have to be open */
export function drawingOf(index: ChartIndex, open: ReadonlySet<string>): Drawing {
  const closed = new Set(index.compounds().filter((path) => !open.has(path)));
  const links = linksOf(index, closed);
  const drawn = links.filter(({ from, to }) => to !== from);
  const chips = chipsOf(index, drawn);
  return {
    boxes: index.chart.states.flatMap(({ path }) =>
      path === "" || shown(path, closed) !== path ? [] : [boxOf(index, path, closed, links, chips)],
    ),
    arrows: arrowsOf(drawn.filter((link) => !chips.has(link))),
  };
}

/** The box that stands for a state: the outermost closed one around it. */
function shown(path: string, closed: ReadonlySet<string>): string {
  const around = [...closed].filter((one) => isWithin(path, one));
  return around.toSorted((a, b) => a.length - b.length)[0] ?? path;
}

function linksOf(index: ChartIndex, closed: ReadonlySet<string>): Link[] {
  const links = new Map<string, Link>();
  for (const transition of index.chart.transitions) {
    const from = shown(transition.source, closed);
    const to = shown(targetOf(transition), closed);
    const isInside = from === to && closed.has(from);
    if (isInside) continue;
    const text = transitionText(index, transition);
    const key = [from, to, text].join("|");
    const known = links.get(key);
    if (known) known.edges.push(transition.id);
    else links.set(key, { from, to, text, edges: [transition.id] });
  }
  return [...links.values()];
}

/** A transition without a target stays where it is. */
const targetOf = ({ source, targets }: ChartTransition): string => targets[0] ?? source;

/** The links that become lines in the boxes of their sources. */
function chipsOf(index: ChartIndex, links: readonly Link[]): Set<Link> {
  const chips = new Set<Link>();
  for (const to of new Set(links.map((link) => link.to))) {
    const into = links.filter((link) => link.to === to);
    const sources = [...new Set(into.map(({ from }) => from))];
    if (sources.length < CHIPS_FROM) continue;
    const kept = nearestBefore(index, to, sources);
    for (const link of into) if (link.from !== kept) chips.add(link);
  }
  return chips;
}

/** The source whose arrow is kept: the nearest one before the target, else the first. */
function nearestBefore(index: ChartIndex, to: string, sources: readonly string[]): string | undefined {
  const before = sources.filter((from) => index.place(from) < index.place(to));
  return before.toSorted((a, b) => index.place(b) - index.place(a))[0] ?? sources[0];
}

function boxOf(
  index: ChartIndex,
  path: string,
  closed: ReadonlySet<string>,
  links: readonly Link[],
  chips: ReadonlySet<Link>,
): Box {
  const state = index.state(path);
  const parent = state?.parent ?? "";
  const inside = index.countInside(path);
  const isClosed = closed.has(path);
  const own = links.filter(({ from }) => from === path);
  const calls = isClosed ? [] : (state?.invokes ?? []);
  return {
    path,
    parent,
    isFinal: state?.kind === "final",
    isInitial: index.state(parent)?.initial === path,
    fold: inside === 0 ? "none" : isClosed ? "closed" : "open",
    rows: [
      ...(isClosed ? [{ kind: "inside" as const, text: `${inside} states inside`, edges: [] }] : []),
      ...calls.map(({ src }) => ({ kind: "call" as const, text: src, edges: [] })),
      ...own.flatMap((link): Row[] => {
        const { edges, text, to } = link;
        if (to === path) return [{ kind: "stays", text, edges }];
        return chips.has(link) ? [{ kind: "chip", text: `${text} → ${stateTitle(to)}`, edges, to }] : [];
      }),
    ],
  };
}

function arrowsOf(links: readonly Link[]): Arrow[] {
  const arrows = new Map<string, { from: string; to: string; lines: Arrow["lines"][number][] }>();
  for (const { edges, from, text, to } of links) {
    const id = `${from}>${to}`;
    const arrow = arrows.get(id) ?? { from, to, lines: [] };
    arrow.lines.push({ text, edges });
    arrows.set(id, arrow);
  }
  return [...arrows].map(([id, arrow]) => ({ id, ...arrow }));
}

/** Which compound states a layout has open: none, one with those around it, or all. */
export function openSets(index: ChartIndex): ReadonlyMap<string, ReadonlySet<string>> {
  const compounds = index.compounds();
  return new Map([
    ["", new Set<string>()],
    ...compounds.map((path) => [path, new Set(compounds.filter((one) => isWithin(path, one)))] as const),
    ["*", new Set(compounds)],
  ]);
}
