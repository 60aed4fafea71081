/** An order in its own statecharts: now, live, and at any instant of its past. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { Link } from "wouter";
import { clusterQuery } from "../api/queries.ts";
import { problemOf } from "../api/problem.ts";
import type { Cluster } from "../api/types.ts";
import { Page } from "../app/page.tsx";
import { machineKinds, useCharts } from "../charts/chart-queries.ts";
import { useTopic } from "../live/use-live.ts";
import { leftList } from "../orders/left-list.ts";
import { orderMeanings } from "../orders/meanings.ts";
import { Button, buttonClass } from "../ui/button.tsx";
import { StateChip } from "../ui/chip.tsx";
import { inWords } from "../ui/format.ts";
import { Id } from "../ui/id.tsx";
import { Money } from "../ui/money.tsx";
import { Empty, Failure, Skeleton } from "../ui/panel.tsx";
import { Time } from "../ui/time.tsx";
import { choiceParam, patternParam, searchCodec } from "../url/search-codec.ts";
import { useNarrow } from "../ui/use-narrow.ts";
import { useSearchState } from "../url/use-search-state.ts";
import { Actions } from "./actions.tsx";
import { commitFilters } from "./commits.ts";
import { Compare, CompareWith } from "./compare.tsx";
import { machineAt, upTo } from "./instants.ts";
import { ListSteps } from "./list-steps.tsx";
import { MachinePanel, machineViews } from "./machine-panel.tsx";
import { instantQuery, MOST_COMMITS, type OrderNow, useOrder } from "./order-queries.ts";
import { OrderTabs, orderTabs } from "./order-tabs.tsx";
import { outsideQuery } from "./outside.ts";
import type { Outside } from "./outside-events.ts";
import { Scrubber } from "./scrubber.tsx";
import { Timeline } from "./timeline.tsx";
import { useKeys } from "./use-keys.ts";
import { waitWords } from "./wait-words.ts";
import { Waits } from "./waits.tsx";
import styles from "./order.module.css";

const VERSION = /^[1-9]\d{0,8}$/u;
const codec = searchCodec({
  at: patternParam(VERSION),
  vs: patternParam(VERSION),
  view: choiceParam(["auto", ...machineViews]),
  /** Of the whole machines one is drawn at a time. */
  m: choiceParam(machineKinds),
  tab: choiceParam(orderTabs),
  show: choiceParam(commitFilters),
});

const nothing: readonly Outside[] = [];

const version = (text: string): number | undefined => (text === "" ? undefined : Number(text));

/** The page. */
export default function OrderPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const { id = "" } = params;
  const client = useQueryClient();
  const { history, now } = useOrder(id);
  const { charts, error, retry } = useCharts();
  // Who else could show this order, should this node be gone.
  useTopic("cluster", ({ data, event }) => {
    if (event === "cluster") client.setQueryData(clusterQuery.queryKey, data as Cluster);
  });
  const failed = now.data ? undefined : now.error;
  const missing = failed && problemOf(failed).code === "order_not_found";
  if (missing)
    return (
      <Page title="No such order">
        <Empty
          title={`There is no order ${id}`}
          actions={
            <Link href="/orders" className={buttonClass ?? ""}>
              All orders
            </Link>
          }
        >
          It was never placed here, or the id is not complete.
        </Empty>
      </Page>
    );
  const problem = failed ?? (history.data ? undefined : history.error) ?? (charts ? undefined : error);
  if (problem)
    return (
      <Page title={id}>
        <Failure
          error={problem}
          retry={() => {
            void now.refetch();
            void history.refetch();
            retry();
          }}
        />
      </Page>
    );
  if (!now.data || !history.data || !charts)
    return (
      <Page title={id}>
        <Skeleton lines={10} />
      </Page>
    );
  return <OrderView order={now.data} commits={history.data} charts={charts} />;
}

type ViewProps = {
  readonly order: OrderNow;
  readonly commits: NonNullable<ReturnType<typeof useOrder>["history"]["data"]>;
  readonly charts: NonNullable<ReturnType<typeof useCharts>["charts"]>;
};

function OrderView({ charts, commits, order }: ViewProps) {
  const { id } = order;
  const client = useQueryClient();
  const [search, setSearch] = useSearchState(codec);
  const [at, vs] = [version(search.at), version(search.vs)];
  const newest = commits.at(-1)?.version ?? order.version;
  const shown = at ?? newest;
  const instant = useQuery(instantQuery(id, at ?? 0));
  const outside = useQuery(outsideQuery(id));
  const until = useMemo(() => upTo(commits, at), [commits, at]);
  const next = at === undefined ? order.next : instant.data?.next;
  // Of an order with more commits than are shown, the newest state is the one that the order has.
  const cut = at === undefined && commits.length >= MOST_COMMITS ? order.machines : undefined;
  const machines = useMemo(
    () =>
      machineKinds.map((kind) => {
        const found = machineAt(kind, until, next ?? []);
        return [kind, cut ? { ...found, value: cut[kind]?.state } : found] as const;
      }),
    [cut, until, next],
  );
  const former = useMemo(
    () =>
      vs === undefined ? undefined : machineKinds.map((kind) => machineAt(kind, upTo(commits, vs), []).value),
    [commits, vs],
  );
  useEffect(() => {
    if (at === undefined) return;
    // The next move along the line finds its record here already.
    for (const near of [at - 1, at + 1])
      if (near >= 1 && near < newest) void client.prefetchQuery(instantQuery(id, near));
  }, [client, id, at, newest]);
  const go = (to: number | undefined): void => setSearch({ at: to === undefined ? "" : `${to}` });
  const narrow = useNarrow();
  const view = search.view === "auto" ? (narrow ? "outline" : "path") : search.view;
  useKeys({ e: () => setSearch({ view: view === "outline" ? "path" : "outline" }) });
  const isPast = at !== undefined && at !== newest;
  const item = until.at(-1);
  return (
    <Page
      title={id}
      heading={<Heading order={order} />}
      actions={<Actions id={id} version={order.version} actions={order.actions} />}
    >
      <div className={styles["about"]}>
        <p className={styles["summary"]}>
          <span>{order.customer.name}</span>
          <Money value={order.total} />
          <span>{inWords(order.payment.method)}</span>
          <span>
            placed <Time at={order.createdAt} />
          </span>
        </p>
        <Waits order={order} />
      </div>
      {commits.length >= MOST_COMMITS && (
        <p className={styles["note"]} role="status">
          Only the first {MOST_COMMITS} records are shown.
        </p>
      )}
      <div className={styles["body"]} data-past={isPast || undefined}>
        <div className={styles["line"]}>
          {isPast && item && (
            <p className={styles["past"]} role="status">
              <span>
                <strong>
                  Record {shown} of {newest}
                </strong>
                , <Time at={item.at} />. Actions are about now.
              </span>
              <Button kind="plain" onClick={() => go(undefined)}>
                Back to now
              </Button>
            </p>
          )}
          <Scrubber commits={commits} at={at} onGo={go} />
          <CompareWith
            commits={commits}
            at={shown}
            version={vs}
            onChoose={(chosen) => setSearch({ vs: chosen === undefined ? "" : `${chosen}` })}
          />
          <Link className={buttonClass ?? ""} href={`/machines/order/simulate?from=${id}@${shown}`}>
            Simulate from here
          </Link>
          {view === "whole" && (
            <div className={styles["choices"]} role="group" aria-label="Machine">
              {machineKinds.map((one) => (
                <button
                  key={one}
                  type="button"
                  aria-pressed={search.m === one}
                  onClick={() => setSearch({ m: one })}
                >
                  {one}
                </button>
              ))}
            </div>
          )}
          <div className={styles["choices"]} role="group" aria-label="Machines as">
            {machineViews.map((one) => (
              <button
                key={one}
                type="button"
                aria-pressed={view === one}
                onClick={() => setSearch({ view: one })}
              >
                {one}
              </button>
            ))}
          </div>
        </div>
        <div className={styles["panes"]}>
          <div className={styles["machines"]} data-view={view}>
            {machines.map(([kind, state], place) => {
              if (view === "whole" && kind !== search.m) return null;
              const index = charts.get(kind);
              const wait = isPast ? undefined : order.waits.find(({ machine }) => machine === kind);
              return (
                index && (
                  <MachinePanel
                    key={kind}
                    index={index}
                    commits={until}
                    at={state}
                    view={view}
                    status={(moment) => (isPast ? `at record ${shown}` : waitWords(wait, moment))}
                    since={vs === undefined ? undefined : { version: vs, value: former?.[place] }}
                    onPick={(picked) => go(picked === newest ? undefined : picked)}
                  />
                )
              );
            })}
          </div>
          <Timeline
            commits={commits}
            outside={outside.data ?? nothing}
            at={at}
            filter={search.show}
            onFilter={(show) => setSearch({ show })}
            onGo={go}
          />
        </div>
        {vs !== undefined && vs !== shown && (
          <Compare id={id} at={shown} version={vs} onEnd={() => setSearch({ vs: "" })} />
        )}
        <OrderTabs
          order={order}
          charts={charts}
          commits={until}
          instant={isPast ? (instant.data ?? "loading") : undefined}
          tab={search.tab}
          onTab={(tab) => setSearch({ tab })}
        />
      </div>
      <Announcer order={order} />
    </Page>
  );
}

function Heading({ order }: { readonly order: OrderNow }) {
  return (
    <span className={styles["heading"]}>
      <Link href={leftList()?.href ?? "/orders"}>Orders</Link>
      <span className="dim" aria-hidden="true">
        /
      </span>
      <Id id={order.id} />
      <StateChip meaning={orderMeanings[order.status]} label={order.status} />
      <ListSteps id={order.id} />
    </span>
  );
}

/** Says a change once, for those who do not see the charts. */
function Announcer({ order }: { readonly order: OrderNow }) {
  return (
    <p className="visually-hidden" role="status">
      Record {order.version}: order {inWords(order.status)}, payment {inWords(order.payment.status)},
      fulfillment {inWords(order.fulfillment.status)}
    </p>
  );
}
