/** Which orders the list gives to a command to many of them. Pure. */
import type { Query } from "../api/client.ts";
import { inWords } from "../ui/format.ts";
import { type ListFilter, queryWithout, setFilters } from "./list-filter.ts";

/** Ids that one command to many orders takes, as the API bounds them. */
export const MOST_IDS = 1000;

const isSelection = (orders: ListFilter | ReadonlySet<string>): orders is ReadonlySet<string> =>
  orders instanceof Set;

/** Selected orders, or those of a filter: as a request has them. */
export function targetOf(
  orders: ListFilter | ReadonlySet<string>,
): { readonly ids: readonly string[] } | { readonly filter: Query } {
  return isSelection(orders) ? { ids: [...orders] } : { filter: queryWithout(orders, "sort") };
}

/** The same in words, one for each condition. */
export function wordsOf(orders: ListFilter | ReadonlySet<string>): string[] {
  if (isSelection(orders)) return [orders.size === 1 ? "1 selected order" : `${orders.size} selected orders`];
  const { q } = orders;
  return [
    ...(orders.status.length > 0 ? [`status is ${orders.status.map(inWords).join(" or ")}`] : []),
    ...(q === "" ? [] : [`found by “${q}”`]),
    ...setFilters(orders).map(({ text }) => text),
  ];
}
