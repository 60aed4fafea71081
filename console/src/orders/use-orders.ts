/** The list of orders as it is read page by page, and as live changes keep it. */
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useRef, useState } from "react";
import { get } from "../api/client.ts";
import type { OrderCounts, OrderList, OrderRow } from "../api/types.ts";
import { countsQuery } from "../api/queries.ts";
import { useTopic } from "../live/use-live.ts";
import { useThrottled } from "../live/use-throttled.ts";
import { applyChanges, fresh } from "./live-rows.ts";
import { type ListFilter, queryOf, queryWithout } from "./list-filter.ts";

const PAGE = 100;
/** Rows kept: 5 000. Those before are read again when the reader asks for them. */
const MOST_PAGES = 50;
const COUNTS_EVERY_MS = 2000;
/** A list of up to 2 pages is read again by itself; of a longer one the reader decides. */
const SHORT = 2;

type Frame = { readonly items: readonly OrderRow[]; readonly more: boolean };
type Pages = { readonly pages: OrderList[]; readonly pageParams: (string | undefined)[] };

/** The list of a filter, and what to call for more of it. */
export function useOrders(filter: ListFilter) {
  const client = useQueryClient();
  const query = useMemo(() => queryOf(filter), [filter]);
  const queryKey = useMemo(() => ["orders", "list", "pages", query] as const, [query]);
  const [{ freshness, of }, setFreshness] = useState({ freshness: fresh, of: queryKey });
  // What is known about the list of another filter says nothing about this one.
  const current = of === queryKey ? freshness : fresh;
  const list = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      get<OrderList>("/v1/orders", { ...query, limit: PAGE, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    getPreviousPageParam: ({ previousCursor }) => previousCursor ?? undefined,
    maxPages: MOST_PAGES,
  });

  /** Frames that arrive while the list is read again: what is read may be older than they are. */
  const during = useRef<Frame[] | undefined>(undefined);

  /** Reads the list again from its beginning. */
  const refresh = useCallback(async () => {
    client.setQueryData<Pages>(queryKey, (before) =>
      before ? { pages: before.pages.slice(0, 1), pageParams: [undefined] } : before,
    );
    const frames: Frame[] = [];
    during.current = frames;
    await client.refetchQueries({ queryKey });
    if (during.current === frames) during.current = undefined;
    let state = { pages: client.getQueryData<Pages>(queryKey)?.pages ?? [], freshness: fresh };
    for (const frame of frames) {
      const { freshness, pages } = applyChanges(state.pages, state.freshness, frame, filter);
      state = { pages: [...pages], freshness };
    }
    if (frames.length > 0)
      client.setQueryData<Pages>(queryKey, (read) => read && { ...read, pages: state.pages });
    setFreshness({ freshness: state.freshness, of: queryKey });
  }, [client, filter, queryKey]);

  const others = useMemo(() => queryWithout(filter, "status", "sort"), [filter]);
  const counts = useMemo(() => countsQuery("status", others), [others]);
  const renewCounts = useThrottled(
    () => void client.invalidateQueries({ queryKey: counts.queryKey }),
    COUNTS_EVERY_MS,
  );
  useTopic("orders", ({ data, event }) => {
    if (event === "counts") {
      if (Object.keys(others).length === 0) client.setQueryData(counts.queryKey, data as OrderCounts);
      return;
    }
    if (Object.keys(others).length > 0) renewCounts();
    const known = client.getQueryData<Pages>(queryKey);
    if (!known) return;
    if (event === "gap") {
      if (known.pages.length <= SHORT) void refresh();
      else setFreshness({ freshness: { ...current, unsure: true }, of: queryKey });
      return;
    }
    const frame = data as Frame;
    during.current?.push(frame);
    const next = applyChanges(known.pages, current, frame, filter);
    if (next.pages !== known.pages)
      client.setQueryData<Pages>(queryKey, { ...known, pages: [...next.pages] });
    setFreshness({ freshness: next.freshness, of: queryKey });
  });

  const rows = useMemo(() => list.data?.pages.flatMap(({ items }) => items) ?? [], [list.data]);
  return { list, rows, freshness: current, refresh, counts };
}
