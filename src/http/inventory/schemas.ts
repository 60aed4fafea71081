/** Stock per SKU. */
import { type Static, Type } from "typebox";
import { httpLimits } from "../protocol/limits.ts";
import { adjustmentReasons } from "../../services/inventory/contract.ts";
import { closed, money, moneyInput, nullable, oneOf, ref, text, time } from "../protocol/schema-parts.ts";

/** Body of `PUT /v1/inventory/{sku}`. */
export const PutStockBody = closed(
  {
    onHand: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: httpLimits.onHand,
        description:
          "Pieces in the warehouse, the reserved ones included. Without it the count stays as it is, 0 for a new SKU",
      }),
    ),
    name: Type.Optional(text(200, "Required for a new SKU")),
    price: Type.Optional(moneyInput(httpLimits.amount)),
    listed: Type.Optional(
      Type.Boolean({ description: "False: off sale, new orders are refused. A new SKU is listed" }),
    ),
  },
  {
    $id: "PutStock",
    examples: [{ onHand: 100, name: "T-shirt M", price: { amount: 1999, currency: "EUR" } }],
  },
);

/** The stock of one SKU; quantities in pieces. */
export const Stock = Type.Object(
  {
    sku: Type.String(),
    name: Type.String(),
    price: money,
    onHand: Type.Integer({ description: "available + reserved" }),
    reserved: Type.Integer({ description: "Held by orders that are not shipped yet" }),
    available: Type.Integer({ description: "Below 0 when less was counted than orders hold" }),
    short: Type.Optional(Type.Integer({ description: "Pieces that orders hold and that are not there" })),
    listed: Type.Optional(
      Type.Boolean({
        description: "False: off sale. Absent where a node of version 0.1.0 owns the inventory: for sale",
      }),
    ),
  },
  {
    $id: "Stock",
    title: "Stock",
    examples: [
      {
        sku: "TSHIRT-M",
        name: "T-shirt M",
        price: { amount: 1999, currency: "EUR" },
        onHand: 100,
        reserved: 2,
        available: 98,
        listed: true,
      },
    ],
  },
);

/** The answer to a dry run of `PUT /v1/inventory/{sku}`. */
export const StockDryRun = Type.Object(
  {
    dryRun: Type.Literal(true),
    accepted: Type.Boolean({ description: "False: the request would be refused, see `refusal`" }),
    refusal: Type.Optional(
      Type.Object(
        { code: Type.String({ description: "Code of the problem" }), status: Type.Integer() },
        { additionalProperties: true, description: "The problem that would be answered, with its members" },
      ),
    ),
    before: nullable(Type.Object(Stock.properties)),
    after: nullable(Type.Object(Stock.properties)),
    basedOn: Type.Object({
      version: Type.Integer({ description: "Of the stock; 0 for a new SKU" }),
      source: Type.Literal("owner"),
    }),
  },
  { $id: "StockDryRun", title: "StockDryRun", description: "What a put would do. Nothing is written" },
);

const pieces = (minimum: number, description: string) =>
  Type.Integer({ minimum, maximum: httpLimits.onHand, description });

/** Body of `POST /v1/inventory/{sku}/adjustments`. */
export const AdjustStockBody = closed(
  {
    delta: Type.Optional(pieces(-httpLimits.onHand, "Pieces more, or less; not 0. Either this or countedTo")),
    countedTo: Type.Optional(pieces(0, "Pieces that were counted. Either this or delta")),
    expected: Type.Optional(pieces(0, "What onHand must be; otherwise nothing is done")),
    reason: oneOf(adjustmentReasons, "Why the count differs"),
    reference: Type.Optional(text(200, "Of the document that says so")),
    note: Type.Optional(text(500)),
  },
  {
    $id: "AdjustStock",
    examples: [{ delta: 50, reason: "received", reference: "PO-2026-118" }],
  },
);

/** An adjustment as it was done. */
export const AdjustmentSchema = Type.Object(
  {
    id: Type.String({ examples: ["adj_01kb8y7a5pe8ct2m3v5f9q0r1s"] }),
    sku: Type.String(),
    delta: Type.Integer({ description: "Pieces more, or less" }),
    countedTo: Type.Optional(Type.Integer()),
    expected: Type.Optional(Type.Integer()),
    onHand: Type.Integer({ description: "After it" }),
    short: Type.Integer({
      description: "Pieces that orders held then and that were not there; their orders wait",
    }),
    reason: oneOf(adjustmentReasons),
    reference: Type.Optional(Type.String()),
    note: Type.Optional(Type.String()),
  },
  { $id: "Adjustment", title: "Adjustment" },
);

/** One page of what changed the stock of a SKU. */
export const MovementPage = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        sequence: Type.Integer({ description: "Position in the log; changes stored together share it" }),
        at: time,
        kind: oneOf(
          ["reserved", "released", "shipped", "returned", "put", "adjusted", "unrecorded"],
          "`unrecorded`: made by a node of version 0.1.0, which records no causes",
        ),
        onHand: Type.Integer({ description: "Difference" }),
        reserved: Type.Integer({ description: "Difference" }),
        orderId: Type.Optional(Type.String()),
        adjustmentId: Type.Optional(Type.String()),
        reason: Type.Optional(oneOf(adjustmentReasons)),
        reference: Type.Optional(Type.String()),
        note: Type.Optional(Type.String()),
      }),
      { description: "Newest first" },
    ),
    nextCursor: nullable(Type.String({ description: "Null on the last page" })),
  },
  { $id: "MovementPage", title: "MovementPage" },
);

/** The orders that give way while a SKU is short. */
export const Shortages = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        orderId: Type.String(),
        quantity: Type.Integer({ description: "Pieces that the order holds" }),
        short: Type.Integer({ description: "Pieces of them that are not there" }),
      }),
      { description: "Newest reservation first" },
    ),
    unnamed: Type.Integer({
      description:
        "Short pieces of orders that a node of version 0.1.0 reserved, or that are too old to be searched for",
    }),
  },
  { $id: "Shortages", title: "Shortages" },
);

/** One page of `GET /v1/inventory`. */
export const StockPage = Type.Object(
  {
    items: Type.Array(ref<Static<typeof Stock>>("Stock"), {
      description: "By SKU, ascending",
    }),
    nextCursor: nullable(Type.String({ description: "Null on the last page" })),
  },
  { $id: "StockPage", title: "StockPage" },
);

/** The validated body. */
export type AdjustStockBody = Static<typeof AdjustStockBody>;
/** The validated body. */
export type PutStockBody = Static<typeof PutStockBody>;
