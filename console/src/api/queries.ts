/** What pages read, with the keys under which the answers are kept. */
import { queryOptions } from "@tanstack/react-query";
import { get, type Query } from "./client.ts";
import type {
  Cluster,
  Order,
  OrderCounts,
  OrderInsight,
  OrderList,
  Session,
  Stock,
  StockPage,
} from "./types.ts";

/** Who uses the console. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => get<Session>("/v1/session", undefined, signal),
  staleTime: Number.POSITIVE_INFINITY,
});

/** The cluster as the node of the page sees it. The topic `cluster` keeps it current while a page follows it. */
export const clusterQuery = queryOptions({
  queryKey: ["cluster"],
  queryFn: ({ signal }) => get<Cluster>("/v1/cluster", undefined, signal),
});

/** Counts of orders. */
export const countsQuery = (by: string, filter: Query = {}) =>
  queryOptions({
    queryKey: ["orders", "counts", by, filter],
    queryFn: ({ signal }) => get<OrderCounts>("/v1/orders/counts", { by, ...filter }, signal),
  });

/** One page of the list of orders. */
export const ordersQuery = (query: Query) =>
  queryOptions({
    queryKey: ["orders", "list", query],
    queryFn: ({ signal }) => get<OrderList>("/v1/orders", query, signal),
  });

/** SKUs of the catalogue that a page shows; larger ones are searched by their exact SKU. */
const MOST_STOCK = 1000;

/** The catalogue with its stock, up to a thousand SKUs. */
export const stockQuery = queryOptions({
  queryKey: ["inventory"],
  queryFn: async ({ signal }) => {
    const found: Stock[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await get<StockPage>("/v1/inventory", { limit: 200, cursor }, signal);
      found.push(...page.items);
      if (page.nextCursor === null || found.length >= MOST_STOCK) return found;
      cursor = page.nextCursor;
    }
  },
});

/** One order. */
export const orderQuery = (id: string) =>
  queryOptions({
    queryKey: ["order", id],
    queryFn: ({ signal }) => get<Order>(`/v1/orders/${id}`, undefined, signal),
  });

/** One order with more about it. @param include parts, with commas */
export const insightQuery = (id: string, include: string) =>
  queryOptions({
    queryKey: ["order", id, include],
    queryFn: ({ signal }) => get<Order & OrderInsight>(`/v1/orders/${id}`, { include }, signal),
  });
