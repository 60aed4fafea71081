/** What on the overview asks for a person: a count each, and the list that has its orders. */
import { queryOptions } from "@tanstack/react-query";
import { get, type Query } from "../api/client.ts";
import type { OrderList } from "../api/types.ts";

/** One reason to act. */
export type Need = {
  readonly title: string;
  readonly why: string;
  /** Of the list of orders. */
  readonly filter: Query;
  readonly href: string;
};

const need = (title: string, why: string, filter: Record<string, string>, href?: string): Need => ({
  title,
  why,
  filter,
  href: href ?? `/orders?${new URLSearchParams(filter).toString().replaceAll("%2C", ",")}`,
});

/** All of them, the gravest first. */
export const needs: readonly Need[] = [
  need("Parked", "No input reaches these orders until an operator acts.", { parked: "true" }),
  need("Charge failed", "The parcel waits until the card is charged or the order is canceled.", {
    payment: "capture_failed",
  }),
  need("Stuck for 15 minutes", "Not ended, and without a change.", { stuckFor: "15m" }),
  need("Coming back", "Parcels that were refused, unclaimed or lost.", { fulfillment: "returning" }),
  need("Wait for the warehouse", "The next step is one of picking, checking, packing, shipping.", {
    waitsFor: "person",
  }),
  need("Wait for the customer", "To pay on the page of the gateway.", { waitsFor: "customer" }),
];

/** Counts them all. */
export const needsQuery = queryOptions({
  queryKey: ["orders", "needs"],
  queryFn: ({ signal }) =>
    Promise.all(
      needs.map(async (one) => {
        const list = await get<OrderList>("/v1/orders", { ...one.filter, limit: 1 }, signal);
        return { need: one, value: list.total.value };
      }),
    ),
});
