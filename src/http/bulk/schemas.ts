/** Schemas of bulk operations. */
import { type Static, Type } from "typebox";
import { bulkActions, bulkLimits, bulkStatuses } from "../../services/bulk/contract.ts";
import { filterProperties, listAsOf, minSequence } from "../orders/list-schema.ts";
import { httpLimits } from "../protocol/limits.ts";
import { closed, nullable, ORDER_ID, oneOf, text, time } from "../protocol/schema-parts.ts";

/** Body of `POST /v1/bulk`: a plan to preview, or the token of a preview. */
export const BulkRequest = closed(
  {
    action: Type.Optional(
      oneOf(bulkActions, "What is done to each order; `quality-check` reports that the check was passed"),
    ),
    filter: Type.Optional(
      Type.Object(filterProperties, {
        additionalProperties: false,
        description: "Which orders: the filters of the list of orders, as texts",
      }),
    ),
    ids: Type.Optional(
      Type.Array(Type.String({ pattern: ORDER_ID }), {
        minItems: 1,
        maxItems: bulkLimits.ids,
        description: "Which orders, in place of a filter",
      }),
    ),
    reason: Type.Optional(text(500, "Why; recorded with every command. No personal data")),
    minSequence: Type.Optional(minSequence),
    dryRun: Type.Optional(Type.Boolean({ description: "True is required with a plan: nothing is done" })),
    token: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9_-]+$",
        maxLength: bulkLimits.tokenCharacters,
        description: "Of a preview: starts its operation. Alone in the body",
      }),
    ),
  },
  {
    $id: "BulkRequest",
    examples: [
      { action: "cancel", filter: { status: "confirmed" }, reason: "The warehouse is closed", dryRun: true },
    ],
  },
);

/** Answer of a preview. */
export const BulkPreview = Type.Object(
  {
    token: Type.String({ description: "Starts the operation, once, for 5 minutes" }),
    expiresAt: time,
    count: Type.Integer({ description: "Orders that fit" }),
    exact: Type.Boolean({ description: "False: the list of orders lags, see `asOf`" }),
    eligible: Type.Array(Type.Object({ state: Type.String(), count: Type.Integer() }), {
      description:
        "Orders that take the action in their present state, by `status`, most first. The others will be refused",
    }),
    samples: Type.Array(Type.Object({ id: Type.String(), state: Type.String() }), {
      description: "Some of the orders",
    }),
    asOf: listAsOf,
  },
  { $id: "BulkPreview", title: "BulkPreview" },
);

/** A bulk operation. */
export const BulkOperation = Type.Object(
  {
    id: Type.String({ examples: ["blk_01jdkq0r9dfk8t3e4m5n6p7q8r"] }),
    action: Type.String({ examples: ["cancel"] }),
    reason: Type.String(),
    status: oneOf(
      bulkStatuses,
      "`stopping`: the orders that are being sent are finished first. `failed`: its list of orders is gone",
    ),
    count: Type.Integer({ description: "Orders of the operation" }),
    processed: Type.Integer({ description: "Orders that have their outcome" }),
    outcomes: Type.Array(Type.Object({ code: Type.String(), count: Type.Integer() }), {
      description:
        "Of the processed orders: `done`, or the code of the refusal; `unavailable`: no answer for minutes, the order may have been reached",
    }),
    startedAt: time,
    updatedAt: time,
  },
  { $id: "BulkOperation", title: "BulkOperation" },
);

/** One page of the orders of an operation. */
export const BulkItemPage = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        orderId: Type.String(),
        outcome: Type.String({ description: "`pending`: none yet" }),
      }),
    ),
    nextCursor: nullable(Type.String({ description: "A page may be short although another one follows" })),
  },
  { $id: "BulkItemPage", title: "BulkItemPage" },
);

/** Query of the orders of an operation. */
export const bulkItemsQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: httpLimits.page.max,
        description: `Items on the page; ${httpLimits.page.default} when absent`,
      }),
    ),
    cursor: Type.Optional(
      Type.String({ pattern: "^[A-Za-z0-9_-]{1,128}$", description: "`nextCursor` of the page before" }),
    ),
    outcome: Type.Optional(
      Type.String({
        pattern: "^[a-z_]{1,64}$",
        description: "Only orders with this outcome",
        examples: ["done"],
      }),
    ),
  },
  { additionalProperties: false },
);

/** Path parameters of the routes of one operation. */
export const bulkParams = Type.Object({
  id: Type.String({ pattern: "^blk_[a-z0-9]{26}$", examples: ["blk_01jdkq0r9dfk8t3e4m5n6p7q8r"] }),
});

/** The validated body. */
export type BulkRequest = Static<typeof BulkRequest>;
