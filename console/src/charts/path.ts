/**
 * The path of one order through one machine: states in the order in which they were first entered, the current one,
 * and what is possible next. Pure.
 * Proved by: test/unit/console/path.test.ts
 */
import { eventText, guardText } from "./labels.ts";
import { type ChartIndex, type ChartTransition, isWithin, leavesOf } from "./machine-chart.ts";

/** One step of a machine, as histories have it. */
export type StepTaken = {
  readonly machine: string;
  readonly from?: unknown;
  readonly to?: unknown;
  readonly event?: string;
  readonly edges: readonly string[];
};

/** What of a commit the path needs. */
export type CommitSteps = { readonly version: number; readonly transitions: readonly StepTaken[] };

/** Whether a transition would be taken if its event happened now; null: that depends on what the event says. */
export type Verdict = boolean | null;

/** One state on the path. A machine with parallel states shows the first of those that are active. */
export type PathState = {
  readonly path: string;
  /** Versions of the commits that entered it, oldest first; empty: it is only possible. */
  readonly visits: readonly number[];
  readonly isCurrent: boolean;
  readonly isFinal: boolean;
  /** Calls that it makes. */
  readonly calls: readonly string[];
  /** Of the current state: what is possible next, where there is too much of it for arrows. */
  readonly chips: readonly (PathLine & { readonly to: string })[];
};

/** As many states that are only possible become lines in the current one; fewer are drawn. */
const CHIPS_FROM = 3;

/** One transition between two states of the path. */
export type PathLine = {
  readonly event: string;
  /** `[hasTriesLeft]`, `[else]` or empty. */
  readonly guard: string;
  /** Commits that took it, oldest first; empty: it is only possible. */
  readonly versions: readonly number[];
  /** Of one that is possible now. */
  readonly verdict?: Verdict;
};

/** All transitions from one state of the path to another one. Its id is `<from>><to>`. */
export type PathArrow = {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly taken: boolean;
  readonly lines: readonly PathLine[];
};

/** The path of an order through one machine. Visited states come before those that are only possible. */
export type Path = { readonly states: readonly PathState[]; readonly arrows: readonly PathArrow[] };

/** A line while the path is built. */
type Line = { event: string; guard: string; versions: number[]; verdict?: Verdict };

/**
 * @param commits of the order, oldest first, up to the instant that is shown
 * @param value the machine's state at that instant
 * @param next what is possible, by the ids of the transitions that leave its active states
 */
export function pathOf(
  index: ChartIndex,
  commits: readonly CommitSteps[],
  value: unknown,
  next: ReadonlyMap<string, Verdict>,
): Path {
  const visits = new Map<string, number[]>();
  const arrows = new Map<string, { from: string; to: string; lines: Map<string, Line> }>();
  const enter = (path: string, version: number): void => {
    visits.set(path, [...(visits.get(path) ?? []), version]);
  };
  const lineOf = (from: string, to: string, event: string, guard: string): Line => {
    const id = `${from}>${to}`;
    const arrow = arrows.get(id) ?? { from, to, lines: new Map<string, Line>() };
    arrows.set(id, arrow);
    const key = `${event} ${guard}`;
    const line = arrow.lines.get(key) ?? { event, guard, versions: [] };
    arrow.lines.set(key, line);
    return line;
  };
  for (const { transitions, version } of commits)
    for (const step of transitions)
      if (step.machine === index.chart.kind)
        for (const move of movesOf(index, step)) {
          enter(move.to, version);
          if (move.from !== undefined && move.from !== move.to)
            lineOf(move.from, move.to, move.event, move.guard).versions.push(version);
        }
  const [current] = leavesOf(value);
  if (current !== undefined && !visits.has(current)) visits.set(current, []);
  const visited = [...visits.keys()];
  for (const { edge, to } of possibleFrom(index, current, next)) {
    const line = lineOf(current as string, to, eventText(edge.event, edge.after), guardText(index, edge));
    const before = line.verdict;
    line.verdict =
      before === undefined ? (next.get(edge.id) ?? null) : either(before, next.get(edge.id) ?? null);
  }
  const possible = [...arrows.values()].flatMap(({ to }) => (visits.has(to) ? [] : [to]));
  const inOrder = [...new Set(possible)].toSorted((a, b) => index.place(a) - index.place(b));
  const isChip = ({ to }: { readonly to: string }): boolean =>
    inOrder.length >= CHIPS_FROM && inOrder.includes(to);
  const all = [...arrows].map(([id, { from, lines, to }]) => ({ id, from, to, lines: [...lines.values()] }));
  const chips = all.filter(isChip).flatMap(({ lines, to }) => lines.map((line) => ({ ...line, to })));
  return {
    states: [...visited, ...inOrder.filter((to) => !isChip({ to }))].map((path) =>
      stateOf(index, path, visits.get(path) ?? [], path === current ? chips : undefined),
    ),
    arrows: all
      .filter((arrow) => !isChip(arrow))
      .map((arrow) => ({ ...arrow, taken: arrow.lines.some(({ versions }) => versions.length > 0) })),
  };
}

/** Two transitions that look the same: possible when one of them is. */
const either = (a: Verdict, b: Verdict): Verdict => (a === true || b === true ? true : (a ?? b));

function stateOf(
  index: ChartIndex,
  path: string,
  visits: readonly number[],
  chips: PathState["chips"] | undefined,
): PathState {
  const state = index.state(path);
  return {
    path,
    visits,
    isCurrent: chips !== undefined,
    isFinal: state?.kind === "final",
    calls: (state?.invokes ?? []).map(({ src }) => src),
    chips: chips ?? [],
  };
}

type Move = { readonly from?: string; readonly to: string; readonly event: string; readonly guard: string };

/** The states that one step went through: those that it left at once, by themselves, are part of the path. */
function movesOf(index: ChartIndex, { edges, event = "", from, to }: StepTaken): Move[] {
  const [last] = leavesOf(to);
  if (last === undefined) return [];
  const isStart = from === null || from === undefined;
  const known = edges.map((id) => index.transition(id) ?? idOf(id));
  let [at] = leavesOf(from);
  const moves: Move[] = [];
  if (isStart) {
    at = known[0]?.source ?? last;
    moves.push({ to: at, event: eventText("xstate.init"), guard: "" });
  }
  const moving = known.filter(({ targets }) => targets.length > 0);
  for (const [place, edge] of moving.entries()) {
    const entered = place === moving.length - 1 ? last : index.entered(edge.targets[0] ?? edge.source);
    moves.push(move(at, entered, eventText(edge.event, edge.after), guardText(index, edge)));
    at = entered;
  }
  // Records of version 0.1.0 name no transitions.
  if (moving.length === 0 && at !== last) moves.push(move(at, last, eventText(event), ""));
  return moves;
}

const move = (from: string | undefined, to: string, event: string, guard: string): Move =>
  from === undefined ? { to, event, guard } : { from, to, event, guard };

/** A transition that an earlier version of the machine had: what its id says. */
function idOf(id: string): ChartTransition {
  const source = id.slice(0, id.indexOf(":"));
  const event = id.slice(id.indexOf(":") + 1, id.lastIndexOf(":"));
  const place = id.slice(id.lastIndexOf(":") + 1);
  return { id, source, event, index: Number(place), targets: [source] };
}

/** The transitions that leave the active states, innermost first; those that would follow by themselves have not. */
function possibleFrom(
  index: ChartIndex,
  current: string | undefined,
  next: ReadonlyMap<string, Verdict>,
): { readonly edge: ChartTransition; readonly to: string }[] {
  if (current === undefined) return [];
  return index.chart.transitions.flatMap((edge) => {
    const [target] = edge.targets;
    if (target === undefined || edge.event === "" || !isWithin(current, edge.source)) return [];
    const to = index.entered(target);
    return to === current || !next.has(edge.id) ? [] : [{ edge, to }];
  });
}
