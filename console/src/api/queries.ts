/** What pages read, with the keys under which the answers are kept. */
import { queryOptions } from "@tanstack/react-query";
import { get, type Query } from "./client.ts";
import type { Cluster, OrderCounts, OrderList } from "./types.ts";

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
