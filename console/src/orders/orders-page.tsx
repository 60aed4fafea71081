/** The list of orders: found, filtered and counted by the server, kept current by it. */
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { addressOf } from "../api/client.ts";
import type { OrderRow } from "../api/types.ts";
import { Page } from "../app/page.tsx";
import { Button, buttonClass } from "../ui/button.tsx";
import { DataTable } from "../ui/data-table.tsx";
import { formatCount, formatDuration } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { Empty, Failure, Skeleton } from "../ui/panel.tsx";
import { useToasts } from "../ui/toast.tsx";
import { useSearchState } from "../url/use-search-state.ts";
import { CompactOrder, orderColumns } from "./order-columns.tsx";
import { FilterBar, Views } from "./filter-bar.tsx";
import { StatusCounts } from "./status-counts.tsx";
import { isUnfiltered, listCodec, noFilter, queryOf } from "./list-filter.ts";
import { keepList, showList } from "./left-list.ts";
import type { LeftList } from "./list-place.ts";
import { MOST_IDS, targetOf, wordsOf } from "./many.ts";
import { ManyButton } from "./many-button.tsx";
import { useOrders } from "./use-orders.ts";
import styles from "./orders.module.css";

const BulkDialog = lazy(() => import("../bulk/bulk-dialog.tsx"));

/** The page. */
export default function OrdersPage() {
  const [filter, setFilter] = useSearchState(listCodec);
  const [, navigate] = useLocation();
  const { list, rows, freshness, refresh, counts } = useOrders(filter);
  const counted = useQuery(counts);
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [many, setMany] = useState<"chosen" | "all">();
  const columns = useMemo(() => orderColumns(), []);
  const open = useCallback((row: OrderRow) => navigate(`/orders/${row.id}`), [navigate]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = list;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  const select = useCallback(
    (key: string, on: boolean) =>
      setSelection((before) => new Set(on ? [...before, key] : [...before].filter((one) => one !== key))),
    [],
  );
  const first = list.data?.pages[0];
  const left = useRef<LeftList>(undefined);
  useEffect(() => {
    const search = listCodec.write(filter);
    const href = search === "" ? "/orders" : `/orders?${search}`;
    left.current = { href, ids: rows.map(({ id }) => id), total: first?.total.value ?? rows.length };
    showList(left.current);
  });
  useEffect(() => () => left.current && keepList(left.current), []);
  return (
    <Page
      title="Orders"
      fills
      actions={
        <>
          <a className={buttonClass} href={addressOf("/v1/orders.csv", queryOf(filter))} download>
            <Icon name="download" />
            CSV
          </a>
          <Link href="/orders/new" className={buttonClass ?? ""} data-kind="primary">
            <Icon name="plus" />
            Place an order
          </Link>
        </>
      }
    >
      <Views filter={filter} />
      <StatusCounts query={counted} chosen={filter.status} onChange={(status) => setFilter({ status })} />
      <FilterBar filter={filter} setFilter={setFilter} />
      <div className={styles["table"]}>
        {list.hasPreviousPage && (
          <button type="button" className={styles["line"]} onClick={() => void list.fetchPreviousPage()}>
            Show the rows before these
          </button>
        )}
        {rows.length > 0 ? (
          <DataTable
            label="Orders"
            rows={rows}
            columns={columns}
            keyOf={({ id }) => id}
            nameOf={({ id }) => id}
            compact={(row) => <CompactOrder row={row} />}
            onOpen={open}
            selection={selection}
            onSelect={select}
            sort={filter.sort}
            onSort={(sort) => setFilter({ sort: listCodec.read(`?sort=${sort}`).sort })}
            stateOf={({ id, version }) => {
              if (freshness.gone.has(id)) return "gone";
              return freshness.changed.get(id) === version ? "changed" : undefined;
            }}
            onEnd={more}
          />
        ) : (
          <Nothing
            list={list}
            all={isUnfiltered(filter)}
            clear={() => setFilter({ ...noFilter, sort: filter.sort })}
          />
        )}
        <div className={styles["foot"]}>
          {(freshness.newer.size > 0 || freshness.unsure) && (
            <button type="button" className={styles["newer"]} onClick={() => void refresh()}>
              <Icon name="up" />
              {freshness.newer.size === 0
                ? "There may be changes that are not shown. Read the list again"
                : `${freshness.unsure ? "At least " : ""}${formatCount(freshness.newer.size)} newer ${
                    freshness.newer.size === 1 ? "order" : "orders"
                  }. Show`}
            </button>
          )}
          {selection.size > 0 ? (
            <Chosen ids={selection} clear={() => setSelection(new Set())} act={() => setMany("chosen")} />
          ) : (
            <span>
              {first
                ? `${first.total.exact ? "" : "at least "}${formatCount(first.total.value)} orders, ${formatCount(rows.length)} read`
                : " "}
              {rows.length > 0 && (
                <ManyButton
                  refusal={isUnfiltered(filter) ? "Set a filter first, or select rows" : undefined}
                  onClick={() => setMany("all")}
                >
                  All that match…
                </ManyButton>
              )}
            </span>
          )}
          {list.error && first && (
            <span role="alert">
              The list could not be read on.{" "}
              <Button kind="quiet" onClick={() => void refresh()}>
                Try again
              </Button>
            </span>
          )}
          {first && (
            <span>
              {first.asOf.behindMs === 0 ? "as of now" : `${formatDuration(first.asOf.behindMs)} late`}
            </span>
          )}
        </div>
      </div>
      {many && (
        <Suspense fallback={null}>
          <BulkDialog
            target={targetOf(many === "all" ? filter : selection)}
            says={wordsOf(many === "all" ? filter : selection)}
            onClose={() => setMany(undefined)}
          />
        </Suspense>
      )}
    </Page>
  );
}

function Nothing({
  list,
  all,
  clear,
}: {
  readonly list: ReturnType<typeof useOrders>["list"];
  readonly all: boolean;
  readonly clear: () => void;
}) {
  if (list.isPending) return <Skeleton lines={10} />;
  if (list.error) return <Failure error={list.error} retry={() => void list.refetch()} />;
  if (all)
    return (
      <Empty
        title="No orders yet"
        actions={
          <Link href="/orders/new?kind=all" className={buttonClass ?? ""}>
            Place one of each kind
          </Link>
        }
      >
        Each order that is placed here, or through the API, appears in this list at once.
      </Empty>
    );
  return (
    <Empty title="No order fits these filters" actions={<Button onClick={clear}>Remove the filters</Button>}>
      Orders that begin to fit appear here by themselves.
    </Empty>
  );
}

function Chosen({
  act,
  clear,
  ids,
}: {
  readonly ids: ReadonlySet<string>;
  readonly clear: () => void;
  readonly act: () => void;
}) {
  const { fail, report } = useToasts();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText([...ids].join("\n"));
      report(`${ids.size} ids are in the clipboard`);
    } catch (error) {
      fail(error);
    }
  };
  return (
    <span className={styles["bar"]}>
      <strong>{ids.size} selected</strong>
      <ManyButton
        refusal={ids.size > MOST_IDS ? `Select ${MOST_IDS} at most, or set a filter` : undefined}
        onClick={act}
      >
        Do to all selected…
      </ManyButton>
      <Button kind="quiet" icon="copy" onClick={() => void copy()}>
        Copy ids
      </Button>
      <Button kind="quiet" onClick={clear}>
        Clear
      </Button>
    </span>
  );
}
