/** The order in answers. It drives the serializer: a member that is not listed here does not leave the node. */
import { Type } from "typebox";
import { orderStatuses } from "../../services/orders/contract.ts";
import { money, nullable, oneOf, time } from "../protocol/schema-parts.ts";
import {
  billingAddress,
  customer,
  paymentMethod,
  placeOrderExample,
  shippingAddress,
} from "./place-order-schema.ts";

/** Status of an order. */
export const orderStatus = oneOf(orderStatuses);

const orderExample = {
  id: "ord_4f0v5Xk2",
  version: 3,
  status: "confirmed",
  customer: placeOrderExample.customer,
  lines: [{ sku: "TSHIRT-M", quantity: 2, unitPrice: { amount: 1999, currency: "EUR" } }],
  total: { amount: 3998, currency: "EUR" },
  payment: { method: "credit_card", status: "authorized", reason: null, url: null },
  fulfillment: { status: "stored", trackingNumber: null },
  invoice: null,
  shippingAddress: placeOrderExample.shippingAddress,
  reason: null,
  createdAt: "2026-11-22T10:00:00.000Z",
  updatedAt: "2026-11-22T10:00:00.120Z",
  nextEvents: ["cancel", "pick"],
};

/** An order, as every route that returns one answers it. */
export const Order = Type.Object(
  {
    id: Type.String(),
    version: Type.Integer({ minimum: 1, description: "Number of commits; also the ETag" }),
    status: orderStatus,
    customer,
    lines: Type.Array(
      Type.Object({
        sku: Type.String(),
        quantity: Type.Integer(),
        unitPrice: nullable({ ...money, description: "Null until the reservation has priced the line" }),
      }),
    ),
    total: nullable(money),
    payment: Type.Object({
      method: paymentMethod,
      status: Type.String({
        description:
          "none, authorizing, authorized, failed, expired, pending, captured, capture_failed, collected, voided or refunded",
      }),
      reason: nullable(
        Type.String({
          description:
            "Why it failed or expired, or why its capture failed. `expired` with `authorization_expired` holds a confirmed order: cancel it, or retry",
        }),
      ),
      url: nullable(Type.String({ description: "Hosted payment page, while it waits for the customer" })),
    }),
    fulfillment: Type.Object({
      status: Type.String({
        description:
          "none, stored, picked, quality_checked, packed, ready, shipped, delivered, returning, returned or cancelled",
      }),
      trackingNumber: nullable(Type.String()),
      dispute: Type.Optional(
        Type.Object(
          {
            collected: nullable(money),
            expected: nullable(money),
            reason: nullable(Type.String({ description: "Why an operator accepted it" })),
          },
          { description: "The carrier collected another amount than the one due; absent otherwise" },
        ),
      ),
      return: Type.Optional(
        Type.Object(
          {
            cause: oneOf(["refused", "unclaimed", "lost", "returned"]),
            goods: nullable(oneOf(["restocked", "written_off"])),
          },
          { description: "The parcel does not stay with its receiver; absent otherwise" },
        ),
      ),
    }),
    invoice: nullable(
      Type.Object({
        number: Type.String(),
        issuedAt: time,
        url: Type.String(),
        creditNote: Type.Optional(
          Type.Object(
            { number: Type.String(), issuedAt: time, url: Type.String() },
            { description: "Cancels the invoice; absent while there is none" },
          ),
        ),
      }),
    ),
    shippingAddress,
    billingAddress: Type.Optional({ ...billingAddress, description: "Absent: the shipping address" }),
    reason: nullable(
      Type.String({ description: "Why the order was rejected, refused, cancelled or returned" }),
    ),
    createdAt: time,
    updatedAt: time,
    nextEvents: Type.Array(Type.String(), { description: "Commands that the order takes now" }),
  },
  { $id: "Order", title: "Order", examples: [orderExample] },
);

const names = Type.Array(Type.String());

/** Answer of `GET /v1/orders/{id}/history`. */
export const History = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        version: Type.Integer(),
        sequence: Type.Integer({ description: "Position in the journal" }),
        at: time,
        input: Type.String({ description: "What caused the commit", examples: ["command:cancel"] }),
        transitions: Type.Array(
          Type.Object({
            machine: Type.String(),
            from: Type.Optional(Type.Unknown({ description: "Absent for a machine that starts" })),
            to: Type.Optional(Type.Unknown()),
          }),
        ),
        events: names,
        effects: Type.Object({ opened: names, closed: names }),
        timers: Type.Object({ armed: names, cancelled: names }),
        node: Type.String(),
        epoch: Type.Integer({ description: "Revision of the partition's lock under which it was committed" }),
      }),
      { description: "One item per commit, oldest first" },
    ),
  },
  { $id: "History", title: "History" },
);

/** Answer of `GET /v1/orders/{id}/messages`. */
export const OrderMessages = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        id: Type.String({ description: "Of the message, as its sender named it" }),
        sequence: Type.Integer({ description: "Position in the journal" }),
        at: time,
        machine: Type.String({ description: "The machine that it is for" }),
        type: Type.String({ examples: ["carrier.delivered"] }),
        data: Type.Record(Type.String(), Type.Unknown(), { description: "What it says" }),
        version: nullable(
          Type.Integer({
            description: "The version that it led to; null when it changed nothing, or is not evaluated yet",
          }),
        ),
      }),
    ),
  },
  { $id: "OrderMessages", title: "OrderMessages" },
);
