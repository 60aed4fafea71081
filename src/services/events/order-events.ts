/** Public events of the machine `order` (machines/order-events.ts), as they are published. */
import { type TProperties, Type } from "typebox";
import { paymentMethods } from "../../../machines/payment-methods.ts";
import {
  customer,
  money,
  oneOf,
  orderedLine,
  orderId,
  payment,
  pricedLine,
  publicEvent,
  reason,
  taxBasisPoints,
  wideDetails,
  widePersonal,
} from "./schema-parts.ts";

const total = { amount: 3998, currency: "EUR" };
const order = { orderId: "ord_4f0v5Xk2", customer: { id: "cus_1" } };
const line = { sku: "TSHIRT-M", quantity: 2 };
const priced = { ...line, name: "T-shirt M", unitPrice: { amount: 1999, currency: "EUR" } };

/** What each event of a reserved order has. */
const ofPricedOrder = {
  orderId,
  customer,
  total: money,
  ...wideDetails(paymentMethods),
  ...widePersonal,
};

/** Why a parcel does not stay with its receiver. */
export const cause = oneOf(
  ["refused", "unclaimed", "lost", "returned"],
  "`refused`: at the door. `unclaimed`: not collected in time. `returned`: without a known reason",
);
/** What becomes of the goods of a returned order. */
export const goods = oneOf(
  ["restocked", "written_off"],
  "`restocked`: they can be sold again. `written_off`: they are lost or damaged",
);

const missing = Type.Object({
  sku: Type.String(),
  requested: Type.Integer({ minimum: 1 }),
  available: Type.Integer({ minimum: 0 }),
});
const rejectedAs = (outcome: string, more: TProperties = {}) =>
  Type.Object({ outcome: Type.Literal(outcome), ...more });

/** Why no order came of it, by `outcome`. */
const rejection = Type.Union([
  rejectedAs("out_of_stock", { missing: Type.Array(missing) }),
  rejectedAs("unknown_sku", {
    skus: Type.Array(Type.String()),
    notForSale: Type.Optional(Type.Literal(true, { description: "They are in the catalogue, and off sale" })),
  }),
  rejectedAs("mixed_currency", { currencies: Type.Array(Type.String()) }),
  rejectedAs("price_changed", { lines: Type.Array(pricedLine), total: money }),
  rejectedAs("closed", { as: oneOf(["released", "shipped"]) }),
  rejectedAs("unavailable"),
]);

const rejected = { orderId, customer, lines: Type.Array(orderedLine), rejection };
const rejectedExample = {
  ...order,
  lines: [line],
  rejection: { outcome: "out_of_stock", missing: [{ sku: "TSHIRT-M", requested: 2, available: 1 }] },
};

/** Those of an order, in the order of its life. */
export const orderEvents = [
  publicEvent(
    "order.created",
    {
      summary: "The order is accepted: its stock is reserved at these prices",
      example: {
        ...order,
        lines: [{ id: "l1", ...priced }],
        payment: { method: "credit_card" },
        taxBasisPoints: 2300,
        country: "PT",
        total,
      },
    },
    {
      ...ofPricedOrder,
      lines: Type.Array(pricedLine, { minItems: 1, description: "In the order of the request" }),
      payment: payment(paymentMethods),
      taxBasisPoints,
      country: Type.Optional(
        Type.String({
          pattern: "^[A-Z]{2}$",
          description: "Of the shipping address, ISO 3166-1 alpha-2; absent in the wide form",
        }),
      ),
    },
  ),
  publicEvent(
    "order.rejected",
    { summary: "No order came of the request: nothing is reserved or charged", example: rejectedExample },
    rejected,
  ),
  publicEvent(
    "order.rejected_unanswered",
    {
      summary: "In addition to `order.rejected`, when the caller may not have waited for the answer",
      example: rejectedExample,
    },
    rejected,
  ),
  publicEvent(
    "order.confirmed",
    {
      summary: "The payment is secured, or is due at the door; fulfillment begins",
      example: { ...order, total },
    },
    ofPricedOrder,
  ),
  publicEvent(
    "order.payment_failed",
    {
      summary: "The order has ended: its payment was refused",
      example: { ...order, total, reason: "card_declined" },
    },
    { ...ofPricedOrder, reason: reason("The payment's code") },
  ),
  publicEvent(
    "order.payment_expired",
    {
      summary: "The order has ended: its payment did not succeed in time",
      example: { ...order, total, reason: "timeout" },
    },
    { ...ofPricedOrder, reason: reason("The payment's code") },
  ),
  publicEvent(
    "order.ready",
    { summary: "The order is packed and labeled; its invoice can be made", example: { ...order, total } },
    ofPricedOrder,
  ),
  publicEvent(
    "order.shipped",
    {
      summary: "The carrier has the parcel",
      example: { ...order, total, trackingNumber: "TRK-4f0v5Xk2" },
    },
    { ...ofPricedOrder, trackingNumber: Type.String() },
  ),
  publicEvent(
    "order.completed",
    {
      summary: "The order has ended: delivered and paid",
      example: { orderId: order.orderId, total },
    },
    { orderId, total: money },
  ),
  publicEvent(
    "order.cancelled",
    {
      summary: "The order has ended by a cancellation; a void or refund may follow",
      example: { ...order, total, reason: "Ordered by mistake" },
    },
    { ...ofPricedOrder, reason: reason("In the words of the caller who asked for it") },
  ),
  publicEvent(
    "order.returning",
    {
      summary: "The receiver does not take the parcel, and it comes back",
      example: { ...order, total, cause: "refused" },
    },
    { ...ofPricedOrder, cause },
  ),
  publicEvent(
    "order.returned",
    {
      summary: "The order has ended: its parcel is back or lost; a refund may follow",
      example: { ...order, total, cause: "refused", goods: "restocked" },
    },
    { ...ofPricedOrder, cause, goods },
  ),
] as const;
