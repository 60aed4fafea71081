/** Public events of the machine `fulfillment` (machines/fulfillment-events.ts), as they are published. */
import { Type } from "typebox";
import { cause, goods } from "./order-events.ts";
import { money, orderId, orNull, publicEvent, time } from "./schema-parts.ts";

const example = { orderId: "ord_4f0v5Xk2" };
const invoiceExample = { number: "2026-000042", issuedAt: "2026-11-22T10:00:00.000Z" };
const ofOrder = { orderId };
const issued = { number: Type.String(), issuedAt: time };
const collected = orNull(money, "Paid at the door; null: nothing");

/** A step within fulfillment: published by a setting only. */
const step = (type: string, summary: string) =>
  publicEvent(type, { summary, example, internal: true }, ofOrder);

/** Those of fulfillment, in the order of its life. */
export const fulfillmentEvents = [
  step("fulfillment.stored", "The goods are set apart for the order"),
  step("fulfillment.picked", "The goods are picked"),
  step("fulfillment.quality_checked", "The goods have passed the quality check"),
  publicEvent(
    "fulfillment.quality_failed",
    { summary: "The goods have failed the quality check, and are picked again", example },
    ofOrder,
  ),
  step("fulfillment.packed", "The parcel is packed"),
  publicEvent(
    "invoice.created",
    { summary: "The order has its invoice", example: { ...example, ...invoiceExample } },
    { ...ofOrder, ...issued },
  ),
  publicEvent(
    "fulfillment.delivered",
    {
      summary: "The receiver has the parcel",
      example: { ...example, collected: null },
      internal: true,
    },
    { ...ofOrder, collected },
  ),
  publicEvent(
    "fulfillment.amount_differs",
    {
      summary: "The carrier reports a delivery with another amount than the one due; an operator has to act",
      example: {
        ...example,
        collected: { amount: 3000, currency: "EUR" },
        expected: { amount: 3998, currency: "EUR" },
      },
    },
    { ...ofOrder, collected, expected: orNull(money, "Due at the door; null: nothing") },
  ),
  publicEvent(
    "fulfillment.returning",
    {
      summary: "The receiver does not take the parcel; it comes back",
      example: { ...example, cause: "refused" },
    },
    { ...ofOrder, cause },
  ),
  publicEvent(
    "fulfillment.returned",
    {
      summary: "The parcel is back, or lost",
      example: { ...example, cause: "refused", goods: "restocked" },
    },
    { ...ofOrder, cause, goods },
  ),
  publicEvent(
    "credit_note.created",
    {
      summary: "The credit note that cancels the order's invoice is made",
      example: {
        ...example,
        number: "CN-2026-000001",
        issuedAt: "2026-11-23T10:00:00.000Z",
        invoice: invoiceExample,
      },
    },
    { ...ofOrder, ...issued, invoice: Type.Object(issued, { description: "The invoice that it cancels" }) },
  ),
] as const;
