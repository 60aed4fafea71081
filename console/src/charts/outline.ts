/** A machine as a tree of its states: for phones, keyboards, screen readers and print. Pure. */
import { transitionText } from "./labels.ts";
import { type ChartIndex, isWithin, leavesOf, ownName, stateTitle } from "./machine-chart.ts";
import type { Path, Verdict } from "./path.ts";

/** One transition in the outline. */
export type OutlineExit = {
  readonly text: string;
  /** What it leads to; empty: the state stays. */
  readonly to: string;
  readonly verdict?: Verdict;
};

/** One state in the outline, with those inside it. */
export type OutlineState = {
  readonly path: string;
  readonly name: string;
  readonly level: number;
  readonly isActive: boolean;
  readonly isFinal: boolean;
  /** Versions of the commits that entered it, or a state inside it. */
  readonly visits: readonly number[];
  readonly calls: readonly string[];
  readonly exits: readonly OutlineExit[];
  readonly states: readonly OutlineState[];
};

/** What an order did in a machine; absent: the machine alone. */
export type OutlineOrder = {
  readonly path: Path;
  readonly value: unknown;
  readonly next: ReadonlyMap<string, Verdict>;
};

/** The outermost states of a machine, each with what is inside. */
export function outlineOf(index: ChartIndex, order?: OutlineOrder): OutlineState[] {
  const leaves = order ? leavesOf(order.value) : [];
  const build = (path: string, level: number): OutlineState => {
    const state = index.state(path);
    const inside = order?.path.states.filter((one) => isWithin(one.path, path)) ?? [];
    return {
      path,
      name: ownName(path),
      level,
      isActive: leaves.some((leaf) => isWithin(leaf, path)),
      isFinal: state?.kind === "final",
      visits: [...new Set(inside.flatMap(({ visits }) => visits))].toSorted((a, b) => a - b),
      calls: (state?.invokes ?? []).map(({ src }) => src),
      exits: index.chart.transitions
        .filter(({ source }) => source === path)
        .map((edge) => {
          const verdict = order?.next.get(edge.id);
          return {
            text: transitionText(index, edge),
            to: edge.targets[0] === undefined ? "" : stateTitle(edge.targets[0]),
            ...(verdict === undefined ? {} : { verdict }),
          };
        }),
      states: index.children(path).map((child) => build(child, level + 1)),
    };
  };
  return index.children("").map((path) => build(path, 1));
}
