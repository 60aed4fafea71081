/** What the page of an order reads, and how live changes come into it. */
import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { get } from "../api/client.ts";
import type {
  HistoryItem,
  Order,
  OrderHistory,
  OrderInsight,
  OrderInstant,
  OrderMessages,
} from "../api/types.ts";
import { useTopic } from "../live/use-live.ts";
import { withCommit } from "./commits.ts";

/** The order as it is now, with everything about it. */
export type OrderNow = Order & Required<OrderInsight>;

const PAGE = 500;
/** Later commits of an order that has more are not read: the page says so. */
export const MOST_COMMITS = 2000;

/** The order as it is now. */
export const orderQuery = (id: string) =>
  queryOptions({
    queryKey: ["order", id, "now"],
    queryFn: ({ signal }) =>
      get<OrderNow>(`/v1/orders/${id}`, { include: "waits,actions,effects,timers,machines,next" }, signal),
  });

/** All its commits, oldest first. */
export const historyQuery = (id: string) =>
  queryOptions({
    queryKey: ["order", id, "history"],
    queryFn: async ({ signal }): Promise<readonly HistoryItem[]> => {
      const items: HistoryItem[] = [];
      let after: number | null = 0;
      while (after !== null && items.length < MOST_COMMITS) {
        const page: OrderHistory = await get(`/v1/orders/${id}/history`, { after, limit: PAGE }, signal);
        items.push(...page.items);
        after = page.nextAfter;
      }
      return items;
    },
  });

/** One commit with the state that it left; it never changes. */
export const instantQuery = (id: string, version: number) =>
  queryOptions({
    queryKey: ["order", id, "instant", version],
    queryFn: ({ signal }) => get<OrderInstant>(`/v1/orders/${id}/history/${version}`, undefined, signal),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: version > 0,
  });

/** Messages in and out. */
export const messagesQuery = (id: string) =>
  queryOptions({
    queryKey: ["order", id, "messages"],
    queryFn: ({ signal }) => get<OrderMessages>(`/v1/orders/${id}/messages`, undefined, signal),
  });

/** Reads an order and its commits, and keeps both current over the page's stream. */
export function useOrder(id: string) {
  const client = useQueryClient();
  const now = useQuery(orderQuery(id));
  const history = useQuery(historyQuery(id));
  useTopic(`order:${id}`, ({ data, event }) => {
    if (event === "record") {
      const { item } = data as { readonly item: HistoryItem };
      const before = client.getQueryData(historyQuery(id).queryKey);
      const merged = before && withCommit(before, item, MOST_COMMITS);
      if (merged === before && before && before.length < MOST_COMMITS) return;
      if (merged) client.setQueryData(historyQuery(id).queryKey, merged);
      else void client.invalidateQueries({ queryKey: historyQuery(id).queryKey });
    } else void client.invalidateQueries({ queryKey: historyQuery(id).queryKey });
    void client.invalidateQueries({ queryKey: orderQuery(id).queryKey });
    for (const part of ["messages", "ledger", "outside"])
      void client.invalidateQueries({ queryKey: ["order", id, part] });
  });
  return { now, history };
}
