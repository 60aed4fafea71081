/** One machine of an order, at an instant: its path, all its states, or its outline. */
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import { meaningIn, useLayouts } from "../charts/chart-queries.ts";
import { drawingOf, openSets } from "../charts/drawing.ts";
import { type ChartIndex, isWithin, leavesOf, stateTitle } from "../charts/machine-chart.ts";
import { outlineOf } from "../charts/outline.ts";
import { OutlineTree } from "../charts/outline-tree.tsx";
import { type CommitSteps, pathOf } from "../charts/path.ts";
import { PathChart } from "../charts/path-chart.tsx";
import { layoutPath } from "../charts/path-layout.ts";
import { WholeChart } from "../charts/whole-chart.tsx";
import { StateChip } from "../ui/chip.tsx";
import { Skeleton } from "../ui/panel.tsx";
import type { MachineAt } from "./instants.ts";
import styles from "./order.module.css";

/** How machines are drawn. */
export const machineViews = ["path", "whole", "outline"] as const;
/** One of {@link machineViews}. */
export type MachineView = (typeof machineViews)[number];

/** One machine at an instant. */
export type MachinePanelProps = {
  readonly index: ChartIndex;
  /** Up to the instant. */
  readonly commits: readonly CommitSteps[];
  readonly at: MachineAt;
  readonly view: MachineView;
  readonly status: (now: number) => string;
  /** Version that the instant is compared with, and the state of the machine then. */
  readonly since?: { readonly version: number; readonly value: unknown } | undefined;
  readonly onPick: (version: number) => void;
};

/** A machine with a short path has as much room as this one needs, px. */
const NARROWEST = 260;

/** Draws it. */
export function MachinePanel({ at, commits, index, onPick, since, status, view }: MachinePanelProps) {
  const { kind } = index.chart;
  const path = useMemo(() => pathOf(index, commits, at.value, at.next), [index, commits, at]);
  const layout = useMemo(() => layoutPath(path), [path]);
  const meaningOf = useMemo(() => meaningIn(index), [index]);
  const [leaf] = leavesOf(at.value);
  const [before] = leavesOf(since?.value);
  const layouts = useLayouts(index);
  const frame = useCurrentInView(`${view} ${leaf} ${layouts === "loading"}`);
  return (
    <section
      className={styles["machine"]}
      aria-label={`Machine ${kind}`}
      // Machines share the room by what they need of it.
      style={{ flexGrow: view === "path" ? Math.max(layout.width, NARROWEST) : 1 }}
    >
      <header>
        <h2>{kind}</h2>
        {since && before !== undefined && before !== leaf && (
          <>
            <StateChip meaning={meaningOf(before)} label={stateTitle(before)} />
            <span className="dim">→</span>
          </>
        )}
        {leaf === undefined ? (
          <span className="dim">not begun</span>
        ) : (
          <StateChip meaning={meaningOf(leaf)} label={stateTitle(leaf)} />
        )}
      </header>
      <div ref={frame} className={styles["sheetFrame"]}>
        {view === "path" && (
          <PathChart
            name={kind}
            path={path}
            layout={layout}
            meaningOf={meaningOf}
            status={status}
            since={since?.version}
            onPick={onPick}
          />
        )}
        {view === "whole" && <Whole index={index} commits={commits} layouts={layouts} leaf={leaf} />}
        {view === "outline" && (
          <OutlineTree
            name={kind}
            states={outlineOf(index, { path, value: at.value, next: at.next })}
            meaningOf={meaningOf}
            onPick={onPick}
          />
        )}
      </div>
    </section>
  );
}

/** Scrolls the frame, not the page, so that the current state is seen. */
function useCurrentInView(key: string) {
  const frame = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = frame.current;
    const current = element?.querySelector('[data-kind="current"], [data-active]');
    if (!element || !current) return;
    const [outer, inner] = [element.getBoundingClientRect(), current.getBoundingClientRect()];
    element.scrollTop += inner.top + inner.height / 2 - (outer.top + outer.height / 2);
    element.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2);
  }, [key]);
  return frame;
}

function Whole({
  commits,
  index,
  layouts,
  leaf,
}: {
  readonly index: ChartIndex;
  readonly layouts: ReturnType<typeof useLayouts>;
  readonly commits: readonly CommitSteps[];
  readonly leaf: string | undefined;
}) {
  const sets = useMemo(() => openSets(index), [index]);
  const around = [...sets.keys()].filter(
    (path) => path !== "" && path !== "*" && leaf !== undefined && isWithin(leaf, path),
  );
  const innermost = around.toSorted((a, b) => b.length - a.length)[0] ?? "";
  const [chosen, setChosen] = useState<string>();
  const open = chosen ?? innermost;
  const drawing = useMemo(() => drawingOf(index, sets.get(open) ?? new Set()), [index, open, sets]);
  const steps = commits.flatMap(({ transitions }) =>
    transitions.filter(({ machine }) => machine === index.chart.kind),
  );
  const entered = steps.flatMap(({ edges, to }) => [
    ...leavesOf(to),
    ...edges.flatMap((edge) => index.transition(edge)?.source ?? []),
  ]);
  const withOuter = (states: readonly string[]): ReadonlySet<string> =>
    new Set(
      states.flatMap((state) =>
        index.chart.states.filter(({ path }) => path !== "" && isWithin(state, path)).map(({ path }) => path),
      ),
    );
  if (layouts === "loading") return <Skeleton lines={8} />;
  const layout = layouts === "other" ? undefined : layouts.layouts[open];
  if (!layout)
    return (
      <p className={styles["note"]}>
        This node runs version {index.chart.version} of the machine, which is not the one that this page was
        built with. The path and the outline show it.
      </p>
    );
  return (
    <WholeChart
      name={index.chart.kind}
      drawing={drawing}
      layout={layout}
      meaningOf={meaningIn(index)}
      active={withOuter(leaf === undefined ? [] : [leaf])}
      visited={withOuter(entered)}
      taken={new Set(steps.flatMap(({ edges }) => edges))}
      onFold={(path) => setChosen(sets.get(open)?.has(path) ? (index.state(path)?.parent ?? "") : path)}
    />
  );
}
