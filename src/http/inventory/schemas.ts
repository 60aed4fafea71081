/** Stock per SKU. */
import { type Static, Type } from "typebox";
import { httpLimits } from "../protocol/limits.ts";
import { closed, money, moneyInput, nullable, ref, text } from "../protocol/schema-parts.ts";

/** Body of `PUT /v1/inventory/{sku}`. */
export const PutStockBody = closed(
  {
    onHand: Type.Integer({
      minimum: 0,
      maximum: httpLimits.onHand,
      description: "Pieces in the warehouse, the reserved ones included",
    }),
    name: text(200),
    price: moneyInput(httpLimits.amount),
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
    available: Type.Integer(),
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
      },
    ],
  },
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
export type PutStockBody = Static<typeof PutStockBody>;
