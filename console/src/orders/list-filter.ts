/** The filters of the list of orders: in the address, in requests, and whether a changed order still fits. Pure. */
import type { Query } from "../api/client.ts";
import type { OrderRow, OrderStatus, PaymentMethod } from "../api/types.ts";
import {
  choiceParam,
  flagParam,
  listParam,
  patternParam,
  searchCodec,
  textParam,
} from "../url/search-codec.ts";
import { fulfillmentStatuses, orderMeanings, paymentStatuses } from "./meanings.ts";

/** All statuses of an order, in the order of its life. */
export const orderStatuses = Object.keys(orderMeanings) as OrderStatus[];

/** How orders are paid. */
export const methodTitles: Readonly<Record<PaymentMethod, string>> = {
  credit_card: "Credit card",
  debit_card: "Debit card",
  tokenized: "Saved payment method",
  async: "Online payment page",
  cash_on_delivery: "Cash on delivery",
  in_person: "In person",
};

/** Kinds of what an order can wait for. */
export const waits = ["person", "customer", "effect", "timer"] as const;

/** What the kinds are called on the page. */
export const waitTitles: Readonly<Record<(typeof waits)[number], string>> = {
  person: "a person",
  customer: "the customer",
  effect: "a service's answer",
  timer: "a timer",
};

/** Sorts of the API. */
export const sorts = ["-createdAt", "createdAt", "-updatedAt", "updatedAt", "-total", "total"] as const;

/** Reads and writes the address of the list. */
export const listCodec = searchCodec({
  status: listParam(orderStatuses),
  payment: listParam(paymentStatuses),
  fulfillment: listParam(fulfillmentStatuses),
  method: listParam(Object.keys(methodTitles) as PaymentMethod[]),
  in: patternParam(/^[a-z]{1,32}:[A-Za-z_.]{1,100}(?:,[a-z]{1,32}:[A-Za-z_.]{1,100}){0,49}$/u),
  waitsFor: listParam(waits),
  stuckFor: patternParam(/^[1-9]\d{0,5}[smhd]$/u),
  parked: flagParam,
  q: textParam,
  sku: textParam,
  customerId: textParam,
  createdAfter: textParam,
  createdBefore: textParam,
  node: textParam,
  partition: patternParam(/^\d{1,4}(?:,\d{1,4}){0,99}$/u),
  sort: choiceParam(sorts),
});

/** Filters and sort of a list. */
export type ListFilter = ReturnType<typeof listCodec.read>;

/** Nothing filtered, the newest first. */
export const noFilter: ListFilter = listCodec.read("");

/** The parameters that a request has for a filter: the same as those of the address. */
export function queryOf(filter: ListFilter): Query {
  return Object.fromEntries(new URLSearchParams(listCodec.write(filter)));
}

/** Whether nothing is filtered. */
export const isUnfiltered = (filter: ListFilter): boolean =>
  listCodec.write({ ...filter, sort: noFilter.sort }) === "";

/** The same without status and sort: for counts by status, and for exports. */
export function queryWithout(filter: ListFilter, ...left: (keyof ListFilter)[]): Query {
  return Object.fromEntries(
    Object.entries(queryOf(filter)).filter(([name]) => !left.includes(name as never)),
  );
}

const among = <Value>(values: readonly Value[], value: Value) =>
  values.length === 0 || values.includes(value);

/**
 * Whether an order fits. Undefined where only the server knows: full text, states of machines, owners.
 * An order that has just changed is not stuck.
 */
export function fits(row: OrderRow, filter: ListFilter): boolean | undefined {
  const known =
    among(filter.status, row.status) &&
    among(filter.payment as readonly string[], row.payment.status) &&
    among(filter.fulfillment as readonly string[], row.fulfillment.status) &&
    among(filter.method, row.payment.method) &&
    (filter.waitsFor.length === 0 || row.waitsFor.some((one) => filter.waitsFor.includes(one))) &&
    (!filter.parked || row.parked) &&
    filter.stuckFor === "" &&
    (filter.customerId === "" || row.customer.id === filter.customerId) &&
    (filter.sku === "" || row.lines.some(({ sku }) => filter.sku.split(",").includes(sku))) &&
    (filter.partition === "" || filter.partition.split(",").includes(String(row.partition))) &&
    (filter.createdAfter === "" || Date.parse(row.createdAt) >= Date.parse(filter.createdAfter)) &&
    (filter.createdBefore === "" || Date.parse(row.createdAt) < Date.parse(filter.createdBefore));
  if (!known) return false;
  return filter.q === "" && filter.in === "" && filter.node === "" ? true : undefined;
}

/** One filter that is set, for people, and the values without it. */
export type SetFilter = { readonly text: string; readonly without: Partial<ListFilter> };

const words = (values: readonly string[]) => values.map((value) => value.replaceAll("_", " ")).join(" or ");

/** The filters that are set, except for status and search, which the page shows by themselves. */
export function setFilters(filter: ListFilter): SetFilter[] {
  const found: (SetFilter | false)[] = [
    filter.payment.length > 0 && { text: `payment is ${words(filter.payment)}`, without: { payment: [] } },
    filter.fulfillment.length > 0 && {
      text: `fulfillment is ${words(filter.fulfillment)}`,
      without: { fulfillment: [] },
    },
    filter.method.length > 0 && {
      text: `paid by ${filter.method.map((method) => methodTitles[method].toLowerCase()).join(" or ")}`,
      without: { method: [] },
    },
    filter.waitsFor.length > 0 && {
      text: `waits for ${filter.waitsFor.map((wait) => waitTitles[wait]).join(" or ")}`,
      without: { waitsFor: [] },
    },
    filter.stuckFor !== "" && { text: `unchanged for ${filter.stuckFor}`, without: { stuckFor: "" } },
    filter.parked && { text: "parked", without: { parked: false } },
    filter.in !== "" && { text: `in ${filter.in}`, without: { in: "" } },
    filter.sku !== "" && { text: `has ${filter.sku}`, without: { sku: "" } },
    filter.customerId !== "" && { text: `of ${filter.customerId}`, without: { customerId: "" } },
    filter.createdAfter !== "" && {
      text: `since ${filter.createdAfter.slice(0, 16)}`,
      without: { createdAfter: "" },
    },
    filter.createdBefore !== "" && {
      text: `before ${filter.createdBefore.slice(0, 16)}`,
      without: { createdBefore: "" },
    },
    filter.node !== "" && { text: `owned by ${filter.node}`, without: { node: "" } },
    filter.partition !== "" && { text: `partition ${filter.partition}`, without: { partition: "" } },
  ];
  return found.filter((one) => one !== false);
}
