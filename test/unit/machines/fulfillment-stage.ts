/** What can happen to a fulfillment, and how its states are reached. */
import { fulfillmentMachine } from "../../../machines/fulfillment.ts";
import type { OrderInput, PaymentMethod } from "../../../machines/types.ts";
import { Chart } from "./chart.ts";
import { orderInput, total } from "./order-input.ts";
import type { When } from "./scenarios.ts";

/** The order's address. */
export const { shippingAddress } = orderInput();
/** The invoice that every order gets. */
export const invoice = { number: "2026-000001", issuedAt: "2026-11-22T20:00:00.000Z" };
/** The credit note about it. */
export const creditNote = { number: "CN-2026-000001", issuedAt: "2026-11-23T20:00:00.000Z", invoice };
const document = { number: invoice.number, bytes: 20_000, sha256: "digest" };
const send = (event: object): When => ({ happen: (chart) => chart.send(event as never) });

/** All inputs by name. */
export const when = {
  confirmed: send({ type: "order.confirmed", total, shippingAddress }),
  "closed, held": send({ type: "order.closed", orderId: "ord_1", held: true }),
  "closed, nothing held": send({ type: "order.closed", orderId: "ord_1", held: false }),
  "payment captured": send({ type: "payment.captured" }),
  "invoice issued": send({ type: "invoice.issued", ...invoice }),
  pick: send({ type: "pick" }),
  "check passed": send({ type: "quality-check", passed: true }),
  "check failed": send({ type: "quality-check", passed: false }),
  pack: send({ type: "pack" }),
  ship: send({ type: "ship" }),
  deliver: send({ type: "deliver" }),
  "deliver and collect": send({ type: "deliver", collected: total }),
  "deliver and collect too little": send({ type: "deliver", collected: { ...total, amount: 1 } }),
  "deliver and collect nothing": send({ type: "deliver", collected: { ...total, amount: 0 } }),
  "deliver and collect another currency": send({ type: "deliver", collected: { ...total, currency: "USD" } }),
  retry: send({ type: "retry" }),
  "carrier delivered": send({ type: "carrier.delivered", trackingNumber: "ORD1", collected: null }),
  "carrier delivered and collected": send({
    type: "carrier.delivered",
    trackingNumber: "ORD1",
    collected: total,
  }),
  "carrier delivered and collected too little": send({
    type: "carrier.delivered",
    trackingNumber: "ORD1",
    collected: { ...total, amount: 1 },
  }),
  "carrier delivered another parcel": send({
    type: "carrier.delivered",
    trackingNumber: "ORD2",
    collected: null,
  }),
  "carrier delivered another parcel and collected": send({
    type: "carrier.delivered",
    trackingNumber: "ORD2",
    collected: total,
  }),
  "carrier refused": send({ type: "carrier.refused", trackingNumber: "ORD1" }),
  "carrier unclaimed": send({ type: "carrier.unclaimed", trackingNumber: "ORD1" }),
  "carrier lost": send({ type: "carrier.lost", trackingNumber: "ORD1" }),
  "carrier returned": send({ type: "carrier.returned", trackingNumber: "ORD1" }),
  "carrier refused another parcel": send({ type: "carrier.refused", trackingNumber: "ORD2" }),
  "carrier lost another parcel": send({ type: "carrier.lost", trackingNumber: "ORD2" }),
  "carrier returned another parcel": send({ type: "carrier.returned", trackingNumber: "ORD2" }),
  "carrier unclaimed another parcel": send({ type: "carrier.unclaimed", trackingNumber: "ORD2" }),
  "report refused": send({ type: "report-refused" }),
  "report unclaimed": send({ type: "report-unclaimed" }),
  "report lost": send({ type: "report-lost" }),
  receive: send({ type: "receive", restock: true }),
  "receive damaged": send({ type: "receive", restock: false }),
  settle: send({ type: "settle", reason: "the rest is a tip" }),
  "credit note issued": send({ type: "credit_note.issued", ...creditNote }),
  "stock returned": {
    effect: "returnInventory",
    happen: (c) => c.settle("returnInventory", { outcome: "returned" }),
  },
  "stock not returned": {
    effect: "returnInventory",
    happen: (c) => c.fail("returnInventory", "retryable"),
  },
  "late label": send({ type: "effect.late.createShippingLabel", output: { trackingNumber: "ORD1" } }),
  unrelated: send({ type: "something.else" }),
  "pause over": { timer: true, happen: (c) => c.elapse() },
  labelled: {
    effect: "createShippingLabel",
    happen: (c) => c.settle("createShippingLabel", { trackingNumber: "ORD1" }),
  },
  retrieved: {
    effect: "retrieveInvoice",
    happen: (c) => c.settle("retrieveInvoice", document),
  },
  "not retrieved": { effect: "retrieveInvoice", happen: (c) => c.fail("retrieveInvoice", "retryable") },
  "late document": send({ type: "effect.late.retrieveInvoice", output: document }),
  "handed over": {
    effect: "handOverParcel",
    happen: (c) => c.settle("handOverParcel", { outcome: "taken" }),
  },
  "not handed over": { effect: "handOverParcel", happen: (c) => c.fail("handOverParcel", "unknown") },
  "no label": { effect: "createShippingLabel", happen: (c) => c.fail("createShippingLabel", "retryable") },
  "stock shipped": {
    effect: "shipInventory",
    happen: (c) => c.settle("shipInventory", { outcome: "shipped" }),
  },
  "stock released before": {
    effect: "shipInventory",
    happen: (c) => c.settle("shipInventory", { outcome: "released" }),
  },
  "stock not shipped": { effect: "shipInventory", happen: (c) => c.fail("shipInventory", "retryable") },
  "stock released": {
    effect: "releaseInventory",
    happen: (c) => c.settle("releaseInventory", { outcome: "released" }),
  },
  "stock not released": {
    effect: "releaseInventory",
    happen: (c) => c.fail("releaseInventory", "retryable"),
  },
} satisfies Record<string, When>;

/** Name of an input. */
export type W = keyof typeof when;

/** The machine takes the steps by itself. */
export const auto = { mode: "auto", stepDelayMs: 1500 } as const;
/** A warehouse takes the steps. */
export const manual = { mode: "manual", stepDelayMs: 1500 } as const;

/** A machine after the given inputs. */
export const reach =
  (method: PaymentMethod, plan: OrderInput["fulfillment"], ...path: W[]) =>
  (): Chart => {
    const chart = new Chart(fulfillmentMachine, orderInput(method, plan));
    for (const event of path) when[event].happen(chart);
    return chart;
  };
