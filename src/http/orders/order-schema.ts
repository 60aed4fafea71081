/** The order in answers. It drives the serializer: a member that is not listed here does not leave the node. */
import { Type } from "typebox";
import { orderStatuses } from "../../services/orders/contract.ts";
import { httpLimits } from "../protocol/limits.ts";
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
  lines: [
    {
      id: "l1",
      sku: "TSHIRT-M",
      quantity: 2,
      unitPrice: { amount: 1999, currency: "EUR" },
      cancelled: 0,
      shipped: 0,
      returned: 0,
    },
  ],
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
        id: Type.String({ description: "The line's own for the order's life: `l1`, `l2` ..." }),
        sku: Type.String(),
        quantity: Type.Integer({ description: "Pieces ordered" }),
        unitPrice: nullable({ ...money, description: "Null until the reservation has priced the line" }),
        cancelled: Type.Integer({ description: "Pieces that will not be shipped" }),
        shipped: Type.Integer({ description: "Pieces that were handed to the carrier" }),
        returned: Type.Integer({ description: "Pieces that came back, or were lost in transit" }),
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
    erased: Type.Optional(
      Type.Boolean({
        description:
          "True: the customer's data was erased, and `erased` is in place of name, e-mail and address",
      }),
    ),
    reason: nullable(
      Type.String({ description: "Why the order was rejected, refused, cancelled or returned" }),
    ),
    tags: Type.Optional(Type.Array(Type.String(), { description: "Absent: none" })),
    metadata: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: "What other systems have added" }),
    ),
    externalReference: Type.Optional(
      Type.String({ description: "The client's own name of the order; no other order has it" }),
    ),
    note: Type.Optional(Type.String()),
    createdAt: time,
    updatedAt: time,
    nextEvents: Type.Array(Type.String(), { description: "Commands that the order takes now" }),
  },
  { $id: "Order", title: "Order", examples: [orderExample] },
);

const names = Type.Array(Type.String());

/** One step of one machine. */
export const historyTransition = Type.Object({
  machine: Type.String({ examples: ["payment"] }),
  from: Type.Optional(
    Type.Unknown({ description: "Null for a machine that starts", examples: ["authorizing"] }),
  ),
  to: Type.Optional(
    Type.Unknown({
      description: "The same as `from` when the machine only remembered or emitted something",
      examples: ["authorized"],
    }),
  ),
  event: Type.Optional(
    Type.String({
      description: "The event that the machine took; absent in records of version 0.1.0",
      examples: ["xstate.done.actor.authorizePayment"],
    }),
  ),
  edge: Type.Optional(
    Type.String({
      description: "The transition that took it: source, event, and place among those of both",
      examples: ["authorizing:xstate.done.actor.authorizePayment:1"],
    }),
  ),
  edges: Type.Array(Type.String(), {
    description: "All transitions of the step, in order; those after the first followed by themselves",
  }),
});

/** One condition as it was checked. */
export const guardVerdict = Type.Object({
  machine: Type.String({ examples: ["fulfillment"] }),
  state: Type.String({ description: "Whose transition it belongs to; empty: the whole machine" }),
  event: Type.String({ description: "Empty: the transition follows by itself" }),
  guard: Type.String({ examples: ["collectsExactly"] }),
  verdict: Type.Boolean(),
});

const { billingAddress: _, customer: __, erased: ___, shippingAddress: ____, ...outlined } = Order.properties;

/** An order without what concerns its customer. */
export const OrderOutline = Type.Object(outlined);

const { historyPage } = httpLimits;

/** Query of `GET /v1/orders/{id}/history`. */
export const historyQuery = Type.Object(
  {
    after: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: "Only commits after this version: `nextAfter` of the page before",
      }),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: historyPage.max,
        description: `Items on the page; ${historyPage.default} when absent`,
      }),
    ),
  },
  { additionalProperties: false },
);

/** Answer of `GET /v1/orders/{id}/history`. */
export const History = Type.Object(
  {
    nextAfter: nullable(
      Type.Integer({ description: "`after` of the next page; null: this is the last one" }),
    ),
    items: Type.Array(
      Type.Object({
        version: Type.Integer(),
        sequence: Type.Integer({ description: "Position in the journal" }),
        at: time,
        input: Type.String({ description: "What caused the commit", examples: ["command:cancel"] }),
        actor: Type.Object(
          {
            kind: Type.String({
              description:
                "`anonymous`; `system` for timers and calls; `provider` for webhooks, `worker` for the results of workers, by name; `operator` for a skipped input",
              examples: ["provider"],
            }),
            id: nullable(Type.String({ examples: ["payments"] })),
          },
          { description: "Who caused the commit" },
        ),
        reason: Type.Optional(Type.String({ description: "Why, in the words of the one who asked" })),
        durationMs: Type.Optional(
          Type.Integer({
            description:
              "How long the call took whose outcome this is, ms; absent when another node began it",
          }),
        ),
        transitions: Type.Array(historyTransition),
        sent: Type.Array(Type.Object({ from: Type.String(), to: Type.String(), type: Type.String() }), {
          description: "What one machine of the order emitted to another, in order",
        }),
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
