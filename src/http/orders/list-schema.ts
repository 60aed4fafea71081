/** Schemas of the lists of orders: their query, a page, counts, and the projection that answers them. */
import { type Static, type TSchema, Type } from "typebox";
import { orderStatuses, paymentMethods } from "../../services/orders/contract.ts";
import {
  countKeys,
  fulfillmentStatuses,
  paymentStatuses,
  sorts,
  waits,
} from "../../services/projection/contract.ts";
import { httpLimits } from "../protocol/limits.ts";
import { money, nullable, oneOf, SKU, text, time } from "../protocol/schema-parts.ts";
import { orderStatus } from "./order-schema.ts";
import { paymentMethod } from "./place-order-schema.ts";

const listOf = (values: readonly string[], what: string) =>
  Type.String({
    minLength: 1,
    maxLength: 1000,
    description: `${what}; several with commas: ${values.map((value) => `\`${value}\``).join(", ")}`,
  });

const whole = (what: string) => Type.String({ pattern: "^\\d{1,15}$", description: what });
const moment = (what: string) => Type.String({ format: "date-time", description: `${what} (RFC 3339)` });

/** The filters of a query, all optional; what is in no schema is checked in list-filters.ts. */
const filters = {
  status: listOf(orderStatuses, "Status of the order"),
  payment: listOf(paymentStatuses, "`payment.status`"),
  fulfillment: listOf(fulfillmentStatuses, "`fulfillment.status`"),
  method: listOf(paymentMethods, "Payment method"),
  in: Type.String({
    pattern: "^[a-z]{1,32}:[A-Za-z_.]{1,100}(?:,[a-z]{1,32}:[A-Za-z_.]{1,100}){0,49}$",
    description: "States of machines, nested ones included; several with commas",
    examples: ["payment:capture_failed"],
  }),
  waitsFor: listOf(waits, "What the order waits for; a parked one waits for a person"),
  parked: Type.Enum(["true", "false"], {
    type: "string",
    description: "Whether no input reaches it until an operator acts",
  }),
  customerId: text(255, "Id of the customer"),
  sku: Type.String({
    pattern: `${SKU.slice(0, -1)}(?:,${SKU.slice(1, -1)}){0,49}$`,
    description: "A SKU of its lines; several with commas",
  }),
  trackingNumber: text(200, "Exact"),
  invoiceNumber: text(100, "Exact"),
  externalReference: text(128, "Exact"),
  q: text(
    200,
    "Words of id, customer id, SKUs, item names, tracking and invoice number. Each has to be found; one of three characters or more also as the beginning of a word",
  ),
  createdAfter: moment("Made at that moment or later"),
  createdBefore: moment("Made before"),
  updatedAfter: moment("Last changed at that moment or later"),
  updatedBefore: moment("Last changed before"),
  minTotal: whole("Least total, in minor units of its currency"),
  maxTotal: whole("Greatest total"),
  stuckFor: Type.String({
    pattern: "^[1-9]\\d{0,5}[smhd]$",
    description: "Not ended, and without a change for so long",
    examples: ["15m"],
  }),
  partition: Type.String({
    pattern: "^\\d{1,4}(?:,\\d{1,4}){0,99}$",
    description: "Partitions, with commas",
  }),
  node: Type.String({
    pattern: "^[A-Za-z0-9_-]{1,64}(?:,[A-Za-z0-9_-]{1,64}){0,31}$",
    description: "Nodes that own the order now, with commas",
  }),
} as const;

/** A text that an answer has to know. */
export const minSequence = Type.String({
  pattern: "^(?:\\d{1,15}|\\d{1,2}\\.\\d{1,15}(?:,\\d{1,2}\\.\\d{1,15}){0,15})$",
  description:
    "The header `Orderly-Sequence` of an answer: waits up to 5 s until the list knows that change. With several order streams `<stream>.<sequence>`, several with commas",
});

const optional = <P extends Record<string, TSchema>>(properties: P) => Type.Partial(Type.Object(properties));
const optionalFilters = optional({ ...filters, minSequence }).properties;
/** The filters of a list, all optional. */
export const filterProperties = optional(filters).properties;

const sort = oneOf(
  sorts,
  "A minus: the greatest first. `-createdAt` when absent; pages by `createdAt` have every order once while orders come in",
);

/** Query of `GET /v1/orders`. */
export const ordersQuery = Type.Object(
  {
    ...optionalFilters,
    sort: Type.Optional(sort),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: httpLimits.page.max,
        description: `Items on the page; ${httpLimits.page.default} when absent`,
      }),
    ),
    cursor: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9_-]{1,128}$",
        description: "`nextCursor` or `previousCursor` of an answer with the same sort",
      }),
    ),
  },
  { additionalProperties: false },
);

/** Query of `GET /v1/orders/counts`. */
export const countsQuery = Type.Object(
  {
    ...optionalFilters,
    by: oneOf(countKeys, "What to count by; days and hours are those of the making, in UTC"),
  },
  { additionalProperties: false },
);

/** Query of `GET /v1/orders.csv`. */
export const csvQuery = Type.Object(
  { ...optionalFilters, sort: Type.Optional(sort) },
  { additionalProperties: false },
);

/** The filters of any of these queries. */
export type FilterQuery = Omit<Static<typeof csvQuery>, "sort">;

/** How far an answer reaches. */
export const listAsOf = Type.Object(
  {
    sequence: Type.Unsafe<number | string>({
      description:
        "What the answer knows of the order stream; `minSequence` takes it. A text with several streams",
    }),
    at: { ...time, description: "When the newest message that it knows was stored" },
    behindMs: Type.Integer({
      description: "How much older that is than the end of the stream; 0: it knows all",
    }),
  },
  { description: "How far the answer reaches" },
);

/** One page of `GET /v1/orders`. */
export const OrderList = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        id: Type.String(),
        version: Type.Integer(),
        sequence: Type.Integer({ description: "Of its newest record" }),
        status: orderStatus,
        customer: Type.Object({ id: Type.String() }),
        lines: Type.Array(Type.Object({ sku: Type.String(), quantity: Type.Integer() })),
        total: nullable(money),
        payment: Type.Object({ method: paymentMethod, status: Type.String() }),
        fulfillment: Type.Object({ status: Type.String(), trackingNumber: nullable(Type.String()) }),
        invoice: nullable(Type.Object({ number: Type.String() })),
        externalReference: Type.Optional(Type.String()),
        waitsFor: Type.Array(oneOf(waits)),
        parked: Type.Boolean(),
        partition: Type.Integer(),
        createdAt: time,
        updatedAt: time,
      }),
      { description: "Orders without personal data: `GET /v1/orders/{id}` has all of one" },
    ),
    nextCursor: nullable(Type.String()),
    previousCursor: nullable(Type.String()),
    total: Type.Object({
      value: Type.Integer(),
      exact: Type.Boolean({ description: "False: there are at least that many" }),
    }),
    asOf: listAsOf,
  },
  { $id: "OrderList", title: "OrderList" },
);

/** Answer of `GET /v1/machines/{kind}/counts`. */
export const MachineCounts = Type.Object(
  {
    kind: Type.String({ examples: ["payment"] }),
    counts: Type.Array(Type.Object({ key: Type.String(), value: Type.Integer() }), {
      description: "By path of a state, parents included, the greatest first",
    }),
    asOf: listAsOf,
  },
  { $id: "MachineCounts", title: "MachineCounts" },
);

/** Answer of `GET /v1/orders/counts`. */
export const OrderCounts = Type.Object(
  {
    counts: Type.Array(Type.Object({ key: Type.String(), value: Type.Integer() }), {
      description: "Greatest first; days and hours oldest first. Keys without orders are left out",
    }),
    asOf: listAsOf,
  },
  { $id: "OrderCounts", title: "OrderCounts" },
);

/** Answer of `GET /v1/projection`. */
export const ProjectionSchema = Type.Object(
  {
    status: oneOf(["off", "starting", "building", "following", "failing"]),
    progress: Type.Number({ description: "0 to 1 while it is built, then 1" }),
    orders: Type.Integer(),
    streams: Type.Array(
      Type.Object({ stream: Type.Integer(), sequence: Type.Integer(), end: Type.Integer() }),
      { description: "What it knows of each order stream, and its end" },
    ),
    behindMs: Type.Integer(),
    builds: Type.Integer({ description: "How often it was begun anew since the start of its thread" }),
    folded: Type.Integer({ description: "Messages since the start of its thread" }),
    unreadable: Type.Integer({ description: "Messages that it could not read, and passed over" }),
    reason: Type.Optional(Type.String({ description: "Why it fails" })),
  },
  { $id: "Projection", title: "Projection" },
);
