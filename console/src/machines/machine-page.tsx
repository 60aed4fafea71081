/** A whole machine, with the orders that are in each of its states. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef } from "react";
import { Link } from "wouter";
import { get } from "../api/client.ts";
import { problemOf } from "../api/problem.ts";
import { ordersQuery } from "../api/queries.ts";
import type { MachineCounts } from "../api/types.ts";
import { Page } from "../app/page.tsx";
import { chartQuery, machineKinds, meaningIn, useLayouts } from "../charts/chart-queries.ts";
import { save, svgText } from "../charts/chart-files.ts";
import { drawingOf, openSets } from "../charts/drawing.ts";
import { type ChartIndex, stateTitle } from "../charts/machine-chart.ts";
import { mermaidOf } from "../charts/mermaid.ts";
import { outlineOf } from "../charts/outline.ts";
import { OutlineTree } from "../charts/outline-tree.tsx";
import { WholeChart } from "../charts/whole-chart.tsx";
import { useTopic } from "../live/use-live.ts";
import { useThrottled } from "../live/use-throttled.ts";
import { orderMeanings } from "../orders/meanings.ts";
import { Button, buttonClass } from "../ui/button.tsx";
import { StateChip } from "../ui/chip.tsx";
import { inputClass } from "../ui/field.tsx";
import { formatCount } from "../ui/format.ts";
import { Id } from "../ui/id.tsx";
import { Failure, Loaded, Skeleton } from "../ui/panel.tsx";
import { Time } from "../ui/time.tsx";
import { useNarrow } from "../ui/use-narrow.ts";
import { choiceParam, flagParam, patternParam, searchCodec } from "../url/search-codec.ts";
import { useSearchState } from "../url/use-search-state.ts";
import styles from "./machines.module.css";

const EVERY_MS = 2000;
const LATEST = 8;
const STATE = /^(?:\*|[a-z_]+(?:\.[a-z_]+)*)$/u;

const codec = searchCodec({
  /** The compound state that is open; `*`: all. */
  open: patternParam(STATE),
  state: patternParam(STATE),
  view: choiceParam(["auto", "whole", "outline"]),
  /** The more orders are in a state, the more of its color it has. */
  heat: flagParam,
});

const countsQuery = (kind: string) => ({
  queryKey: ["machines", kind, "counts"] as const,
  queryFn: ({ signal }: { readonly signal: AbortSignal }) =>
    get<MachineCounts>(`/v1/machines/${kind}/counts`, undefined, signal),
});

/** The page. */
export default function MachinePage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const { kind = "order" } = params;
  const query = useQuery(chartQuery(kind));
  if (query.error && !query.data)
    return (
      <Page title={problemOf(query.error).code === "machine_not_found" ? "No such machine" : kind}>
        <Failure error={query.error} retry={() => void query.refetch()} />
      </Page>
    );
  if (!query.data)
    return (
      <Page title={kind}>
        <Skeleton lines={10} />
      </Page>
    );
  return <MachineView key={kind} index={query.data} />;
}

function MachineView({ index }: { readonly index: ChartIndex }) {
  const { chart } = index;
  const { kind, version } = chart;
  const client = useQueryClient();
  const counts = useQuery(countsQuery(kind));
  const renew = useThrottled(
    () => void client.invalidateQueries({ queryKey: countsQuery(kind).queryKey }),
    EVERY_MS,
  );
  useTopic("orders", renew);
  const [{ heat, open, state, view }, setSearch] = useSearchState(codec);
  const narrow = useNarrow();
  const frame = useRef<HTMLDivElement>(null);
  const saveSvg = () => {
    const drawing = frame.current?.querySelector<SVGSVGElement>("svg[role=group]");
    if (drawing) save(`${kind}.svg`, "image/svg+xml", svgText(drawing));
  };
  const asOutline = view === "outline" || (view === "auto" && narrow);
  const byState = useMemo(
    () => new Map(counts.data?.counts.map(({ key, value }) => [key, value])),
    [counts.data],
  );
  const outermost = index.children("").reduce((sum, path) => sum + (byState.get(path) ?? 0), 0);
  const sets = useMemo(() => openSets(index), [index]);
  const compounds = index.compounds();
  return (
    <Page
      title={`Machine ${kind}`}
      heading={
        <span className={styles["heading"]}>
          {kind} <span className="dim">version {version}</span>{" "}
          <span className={styles["total"]}>{formatCount(outermost)} orders</span>
        </span>
      }
      actions={
        <>
          {!asOutline && (
            <Button icon="download" onClick={saveSvg}>
              SVG
            </Button>
          )}
          <Button icon="download" onClick={() => save(`${kind}.mmd`, "text/plain", mermaidOf(index))}>
            Mermaid
          </Button>
          <Link href={`/machines/${kind}/simulate`} className={buttonClass ?? ""}>
            Simulate
          </Link>
        </>
      }
    >
      <nav className={styles["kinds"]} aria-label="Machines">
        {machineKinds.map((one) => (
          <Link key={one} href={`/machines/${one}`} aria-current={one === kind ? "page" : undefined}>
            {one}
          </Link>
        ))}
        <span className={styles["spread"]} />
        {compounds.length > 0 && !asOutline && (
          <label>
            <span>Open</span>
            <select
              className={inputClass}
              value={open}
              onChange={({ target }) => setSearch({ open: target.value })}
            >
              <option value="">none</option>
              {compounds.map((path) => (
                <option key={path} value={path}>
                  {stateTitle(path)}
                </option>
              ))}
              <option value="*">all</option>
            </select>
          </label>
        )}
        {!asOutline && (
          <div className={styles["choices"]} role="group" aria-label="Colors">
            <button type="button" aria-pressed={heat} onClick={() => setSearch({ heat: !heat })}>
              heat
            </button>
          </div>
        )}
        <div className={styles["choices"]} role="group" aria-label="Machine as">
          {(["whole", "outline"] as const).map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={asOutline === (one === "outline")}
              onClick={() => setSearch({ view: one })}
            >
              {one}
            </button>
          ))}
        </div>
      </nav>
      <div className={styles["columns"]}>
        <div className={styles["frame"]} ref={frame}>
          {asOutline ? (
            <OutlineTree
              name={kind}
              states={outlineOf(index)}
              meaningOf={meaningIn(index)}
              counts={byState}
              onChoose={(path) => setSearch({ state: path })}
            />
          ) : (
            <Drawn
              index={index}
              open={sets.has(open) ? open : ""}
              counts={byState}
              heat={heat}
              selected={state}
              onPick={(path) => setSearch({ state: path === state ? "" : path })}
              onFold={(path) =>
                setSearch({ open: sets.get(open)?.has(path) ? (index.state(path)?.parent ?? "") : path })
              }
            />
          )}
        </div>
        <StateInfo
          index={index}
          path={state}
          count={byState.get(state) ?? 0}
          onPick={(path) => setSearch({ state: path })}
        />
      </div>
    </Page>
  );
}

function Drawn({
  counts,
  index,
  onFold,
  onPick,
  heat,
  open,
  selected,
}: {
  readonly heat: boolean;
  readonly index: ChartIndex;
  readonly open: string;
  readonly counts: ReadonlyMap<string, number>;
  readonly selected: string;
  readonly onPick: (state: string) => void;
  readonly onFold: (state: string) => void;
}) {
  const layouts = useLayouts(index);
  const drawing = useMemo(() => drawingOf(index, openSets(index).get(open) ?? new Set()), [index, open]);
  if (layouts === "loading") return <Skeleton lines={10} />;
  const layout = layouts === "other" ? undefined : layouts.layouts[open];
  if (!layout)
    return (
      <p className={styles["note"]}>
        This node runs version {index.chart.version} of the machine, which is not the one that this page was
        built with. The outline shows it.
      </p>
    );
  return (
    <WholeChart
      name={index.chart.kind}
      drawing={drawing}
      layout={layout}
      meaningOf={meaningIn(index)}
      counts={counts}
      heat={heat}
      selected={selected}
      onPick={onPick}
      onFold={onFold}
    />
  );
}

/** What a state means, and orders that are in it. */
function StateInfo({
  count,
  index,
  onPick,
  path,
}: {
  readonly index: ChartIndex;
  readonly path: string;
  readonly count: number;
  readonly onPick: (path: string) => void;
}) {
  const { kind } = index.chart;
  const state = index.state(path);
  const query = useQuery({
    ...ordersQuery({ in: `${kind}:${path}`, limit: LATEST, sort: "-updatedAt" }),
    enabled: state !== undefined && path !== "",
  });
  if (!state || path === "")
    return (
      <aside className={styles["info"]} aria-label="State">
        <h2>States</h2>
        <p className="dim">
          Choose a state: what it means, what it waits for, and the orders that are in it.
        </p>
        <p className="dim">The numbers are orders. An order counts for its state and for those around it.</p>
      </aside>
    );
  const inside = index.children(path);
  return (
    <aside className={styles["info"]} aria-label="State">
      <h2>{stateTitle(path)}</h2>
      <StateChip meaning={meaningIn(index)(path)} label={state.texts?.meaning ?? "moving"} />
      {state.texts && (
        <>
          <p>{state.texts.says}</p>
          <p className="dim">{state.texts.waitsFor}</p>
        </>
      )}
      {inside.length > 0 && (
        <ul className={styles["inside"]} aria-label="States inside">
          {inside.map((one) => (
            <li key={one}>
              <button type="button" onClick={() => onPick(one)}>
                {stateTitle(one)}
              </button>
            </li>
          ))}
        </ul>
      )}
      <h3>
        {formatCount(count)} {count === 1 ? "order" : "orders"}
      </h3>
      <Loaded query={query} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">No order is here.</p>
          ) : (
            <>
              <ul className={styles["orders"]}>
                {items.map(({ id, status, updatedAt }) => (
                  <li key={id}>
                    <Id id={id} to={`/orders/${id}`} copy={false} />
                    <StateChip meaning={orderMeanings[status]} label={status} />
                    <span className="dim">
                      <Time at={updatedAt} />
                    </span>
                  </li>
                ))}
              </ul>
              <Link href={`/orders?in=${kind}:${path}`}>All orders in this state</Link>
            </>
          )
        }
      </Loaded>
    </aside>
  );
}
