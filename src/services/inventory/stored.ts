/**
 * The inventory's messages in the log: stock, catalogue item and hold, as JSON. Writing is plain; reading checks,
 * because a wrong entry would be promised to a customer.
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { inventorySubjects } from "./subjects.ts";
import type { Message } from "../../runtime/ports.ts";
import type { Money, PricedLine } from "../../../machines/types.ts";
import type { ReserveOutput } from "./contract.ts";
import { checked, type Item, type Stock } from "./rules.ts";

/** Stock of one SKU; `put`: command id of the latest put, which identifies a repeated one. */
export type StoredStock = Stock & { readonly sku: string; readonly put: string };

/** Payload of `$KV.ORDERS.catalogue.<sku>`. */
export type StoredItem = Item & { readonly sku: string };

/** Why nothing was reserved. Permanent: a repetition gets the same answer. */
export type Refusal = Exclude<ReserveOutput, { readonly outcome: "reserved" | "closed" }>;

/**
 * One order's hold. `released` without lines and `refused` are tombstones: nothing was reserved, and nothing will be.
 */
export type StoredHold = {
  readonly orderId: string;
  readonly state: "reserved" | "released" | "shipped" | "refused";
  readonly lines: readonly PricedLine[];
  /** Null on a tombstone. */
  readonly total: Money | null;
  /** With `refused` only. */
  readonly refusal?: Refusal;
};

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const MoneySchema = Type.Object({ amount: Count, currency: Type.String() });
const StockSchema = Compile(
  Type.Object({
    sku: Type.String({ minLength: 1 }),
    onHand: Count,
    reserved: Count,
    received: Count,
    shipped: Count,
    put: Type.String(),
  }),
);
const ItemSchema = Compile(
  Type.Object({ sku: Type.String({ minLength: 1 }), name: Type.String(), price: MoneySchema }),
);
const RefusalSchema = Type.Union([
  Type.Object({
    outcome: Type.Literal("out_of_stock"),
    missing: Type.Array(Type.Object({ sku: Type.String(), requested: Count, available: Count })),
  }),
  Type.Object({ outcome: Type.Literal("unknown_sku"), skus: Type.Array(Type.String()) }),
  Type.Object({ outcome: Type.Literal("mixed_currency"), currencies: Type.Array(Type.String()) }),
]);
const HoldSchema = Compile(
  Type.Object({
    orderId: Type.String(),
    state: Type.Union(
      (["reserved", "released", "shipped", "refused"] as const).map((state) => Type.Literal(state)),
    ),
    lines: Type.Array(
      Type.Object({ sku: Type.String(), name: Type.String(), quantity: Count, unitPrice: MoneySchema }),
    ),
    total: Type.Union([MoneySchema, Type.Null()]),
    refusal: Type.Optional(RefusalSchema),
  }),
);

/** The SKU's next stock message. Without a precondition: the lock check of its batch protects it. */
export function stockMessage(sku: string, stock: Stock, put: string): Message {
  const { onHand, reserved, received, shipped } = stock;
  const payload: StoredStock = { sku, onHand, reserved, received, shipped, put };
  return { subject: inventorySubjects.stock(sku), payload: JSON.stringify(payload) };
}

/** The catalogue entry; its writer adds the precondition. */
export function itemMessage(sku: string, { name, price }: Item): Message {
  const payload: StoredItem = { sku, name, price };
  return { subject: inventorySubjects.item(sku), payload: JSON.stringify(payload) };
}

/** The order's hold; its writer adds the precondition. */
export function holdMessage(hold: StoredHold): Message {
  return { subject: inventorySubjects.hold(hold.orderId), payload: JSON.stringify(hold) };
}

/** A stock message. @throws Error for a payload that breaks the stock's invariants. */
export function readStock(payload: string): StoredStock {
  const stock: unknown = JSON.parse(payload);
  if (!StockSchema.Check(stock)) throw new Error(`not a stock entry: ${payload}`);
  checked(stock);
  return stock;
}

/** A catalogue entry. @throws Error for a payload that is none. */
export function readItem(payload: string): StoredItem {
  const item: unknown = JSON.parse(payload);
  if (!ItemSchema.Check(item)) throw new Error(`not a catalogue entry: ${payload}`);
  return item;
}

/** A hold. @throws Error for a payload that is none. */
export function readHold(payload: string): StoredHold {
  const hold: unknown = JSON.parse(payload);
  if (!HoldSchema.Check(hold)) throw new Error(`not a hold: ${payload}`);
  return hold;
}
