/** Public events of the machine `payment` (machines/payment-events.ts), as they are published. */
import { Type } from "typebox";
import { customer, money, oneOf, orderId, orNull, publicEvent, reason } from "./schema-parts.ts";

const example = { orderId: "ord_4f0v5Xk2", amount: { amount: 3998, currency: "EUR" } };
const ofOrder = { orderId, amount: { ...money, description: "Of the whole order" } };

/** Those of a payment, in the order of its life. */
export const paymentEvents = [
  publicEvent("payment.authorized", { summary: "The gateway has promised the amount", example }, ofOrder),
  publicEvent(
    "payment.failed",
    { summary: "The payment was refused", example: { ...example, reason: "card_declined" } },
    { ...ofOrder, reason: reason("The gateway's code, or the step that failed") },
  ),
  publicEvent(
    "payment.expired",
    {
      summary: "The payment did not succeed in time, or its authorization has lapsed uncaptured",
      example: { ...example, reason: "timeout" },
    },
    {
      ...ofOrder,
      reason: reason("`authorization_expired`: a confirmed order is held. Any other: the order ends"),
    },
  ),
  publicEvent("payment.captured", { summary: "The amount is taken", example }, ofOrder),
  publicEvent(
    "payment.capture_failed",
    {
      summary: "The amount could not be taken; an operator may have to act",
      example: { ...example, reason: "card_declined", tries: 1, retryInMs: 60_000 },
    },
    {
      ...ofOrder,
      reason: reason("The gateway's code"),
      tries: Type.Integer({ minimum: 1, description: "Failures in a row" }),
      retryInMs: orNull(Type.Integer({ minimum: 0 }), "The next try follows after this time; null: never"),
    },
  ),
  publicEvent(
    "payment.collected",
    { summary: "The carrier, or the shop, has collected the amount", example },
    { orderId, amount: { ...money, description: "What was collected" } },
  ),
  publicEvent("payment.voided", { summary: "An authorization is returned uncaptured", example }, ofOrder),
  publicEvent(
    "payment.refunded",
    {
      summary: "The amount is paid back",
      example: { customer: { id: "cus_1" }, ...example, reason: "cancelled" },
    },
    {
      ...ofOrder,
      customer,
      reason: oneOf(
        ["cancelled", "returned", "expired", "failed"],
        "The order was cancelled or returned, or the money came after the payment had expired or failed",
      ),
    },
  ),
] as const;
