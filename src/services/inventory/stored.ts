/**
 * The inventory's messages in the log: stock, catalogue item and hold, as JSON. Writing is plain; reading checks,
 * because a wrong entry would be promised to a customer.
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { inventorySubjects } from "./subjects.ts";
import type { Message } from "../../runtime/ports.ts";
import type { Money, PricedLine } from "../../../machines/types.ts";
import { type Adjustment, adjustmentReasons, type Movement, type ReserveOutput } from "./contract.ts";
import { checked, type Item, type Stock } from "./rules.ts";

/**
 * Stock of one SKU; `put`: command id of the latest put, which identifies a repeated one. `version`: number of changes;
 * version 0.1.0 writes none, and the next owner continues with the message's sequence, which is above all versions
 * before. `moves`: what has changed since the SKU's message before, oldest first; 0.1.0 writes none.
 */
export type StoredStock = Stock & {
  readonly sku: string;
  readonly put: string;
  readonly version?: number;
  readonly moves?: readonly Move[];
};

/** One change of a SKU's stock, with its cause. Differences in pieces; one that is absent is 0. */
export type Move = {
  readonly kind: Exclude<Movement["kind"], "unrecorded">;
  /** Id of the order, of the put's command, or of the adjustment. */
  readonly by: string;
  readonly onHand?: number;
  readonly reserved?: number;
} & Pick<Movement, "reason" | "reference" | "note">;

/** Payload of `$KV.ORDERS.adjustments.<id>`: the adjustment, and the hash of the request that its key belongs to. */
export type StoredAdjustment = Adjustment & { readonly request: string };

/** Payload of `$KV.ORDERS.puts.<id>`: a put that was made under an idempotency key, and the hash of its request. */
export type StoredPut = { readonly id: string; readonly sku: string; readonly request: string };

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
  /** With `shipped` only: its pieces came back into stock. */
  readonly returned?: true;
};

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const MoneySchema = Type.Object({ amount: Count, currency: Type.String() });
const Reason = Type.Union(adjustmentReasons.map((reason) => Type.Literal(reason)));
const MoveSchema = Type.Object({
  kind: Type.Union(
    (["reserved", "released", "shipped", "returned", "put", "adjusted"] as const).map((kind) =>
      Type.Literal(kind),
    ),
  ),
  by: Type.String(),
  onHand: Type.Optional(Type.Integer()),
  reserved: Type.Optional(Type.Integer()),
  reason: Type.Optional(Reason),
  reference: Type.Optional(Type.String()),
  note: Type.Optional(Type.String()),
});
const StockSchema = Compile(
  Type.Object({
    sku: Type.String({ minLength: 1 }),
    onHand: Count,
    reserved: Count,
    received: Count,
    shipped: Count,
    put: Type.String(),
    version: Type.Optional(Count),
    moves: Type.Optional(Type.Array(MoveSchema)),
  }),
);
const AdjustmentSchema = Compile(
  Type.Object({
    id: Type.String(),
    request: Type.String(),
    sku: Type.String({ minLength: 1 }),
    delta: Type.Integer(),
    countedTo: Type.Optional(Count),
    expected: Type.Optional(Count),
    onHand: Count,
    short: Count,
    reason: Reason,
    reference: Type.Optional(Type.String()),
    note: Type.Optional(Type.String()),
  }),
);
const PutSchema = Compile(
  Type.Object({ id: Type.String(), sku: Type.String({ minLength: 1 }), request: Type.String() }),
);
const ItemSchema = Compile(
  Type.Object({
    sku: Type.String({ minLength: 1 }),
    name: Type.String(),
    price: MoneySchema,
    listed: Type.Optional(Type.Literal(false)),
  }),
);
const RefusalSchema = Type.Union([
  Type.Object({
    outcome: Type.Literal("out_of_stock"),
    missing: Type.Array(Type.Object({ sku: Type.String(), requested: Count, available: Count })),
  }),
  Type.Object({
    outcome: Type.Literal("unknown_sku"),
    skus: Type.Array(Type.String()),
    notForSale: Type.Optional(Type.Literal(true)),
  }),
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
    returned: Type.Optional(Type.Literal(true)),
  }),
);

/** The SKU's next stock message. Without a precondition: the lock check of its batch protects it. */
export function stockMessage(
  sku: string,
  stock: Stock,
  log: Required<Pick<StoredStock, "put" | "version" | "moves">>,
): Message {
  const { onHand, reserved, received, shipped } = stock;
  const { put, version, moves } = log;
  const payload: StoredStock = { sku, onHand, reserved, received, shipped, put, version, moves };
  return { subject: inventorySubjects.stock(sku), payload: JSON.stringify(payload) };
}

/** The catalogue entry; its writer adds the precondition. */
export function itemMessage(sku: string, { name, price, listed }: Item): Message {
  const payload: StoredItem = { sku, name, price, ...(listed === false && { listed }) };
  return { subject: inventorySubjects.item(sku), payload: JSON.stringify(payload) };
}

/** The order's hold; its writer adds the precondition. */
export function holdMessage(hold: StoredHold): Message {
  return { subject: inventorySubjects.hold(hold.orderId), payload: JSON.stringify(hold) };
}

/** The adjustment; its writer adds the precondition that its id is new. */
export function adjustmentMessage(adjustment: StoredAdjustment): Message {
  return {
    subject: inventorySubjects.adjustment(adjustment.id),
    payload: JSON.stringify(adjustment),
  };
}

/** The put; its writer adds the precondition that its id is new. */
export function putMessage(put: StoredPut): Message {
  return { subject: inventorySubjects.put(put.id), payload: JSON.stringify(put) };
}

/** A put. @throws Error for a payload that is none. */
export function readPut(payload: string): StoredPut {
  const put: unknown = JSON.parse(payload);
  if (!PutSchema.Check(put)) throw new Error(`not a put: ${payload}`);
  return put;
}

/** An adjustment. @throws Error for a payload that is none. */
export function readAdjustment(payload: string): StoredAdjustment {
  const adjustment: unknown = JSON.parse(payload);
  if (!AdjustmentSchema.Check(adjustment)) throw new Error(`not an adjustment: ${payload}`);
  return adjustment;
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
