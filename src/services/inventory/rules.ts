/**
 * Stock arithmetic and decisions of the inventory, free of I/O and of state.
 *
 * Invariants of every `Stock` that leaves this file
 *   stock.S1. All four counts are integers from 0 to Number.MAX_SAFE_INTEGER.
 *   stock.S2. reserved <= onHand, so available = onHand - reserved is never negative.
 *   stock.S3. received = onHand + shipped: nothing appears or vanishes without a put or a shipment.
 * Proved by: test/unit/services/inventory/rules.test.ts
 */
import type { Missing, Money, OrderedLine } from "../../../machines/types.ts";
import type { PutStock, ReserveOutput, StockView } from "./contract.ts";

/** A SKU in the catalogue. */
export type Item = { readonly name: string; readonly price: Money };

/** Counts of one SKU, in pieces; `available` is onHand - reserved. */
export type Stock = {
  readonly onHand: number;
  readonly reserved: number;
  /** All pieces that ever arrived, corrections by a put included. */
  readonly received: number;
  readonly shipped: number;
};

/** One SKU as a reservation sees it: `available` pieces may be promised now. */
export type Availability = { readonly item: Item; readonly available: number };

/** Bounds that keep every sum below 2^53: 100 lines of 10 000 pieces at 9e9 minor units are 9e15. */
export const bounds = {
  lines: 100,
  quantity: 10_000,
  priceAmount: 9_000_000_000,
  onHand: 1_000_000_000_000,
  skuLength: 128,
  nameLength: 500,
} as const;

/** Before the first put. */
export const EMPTY: Stock = { onHand: 0, reserved: 0, received: 0, shipped: 0 };

/** Reserves `quantity`. @throws Error when less is available: a programmer fault. */
export function reserve(stock: Stock, quantity: number): Stock {
  return checked({ ...stock, reserved: stock.reserved + quantity });
}

/** Makes a reserved `quantity` available again. @throws Error when it was not reserved. */
export function release(stock: Stock, quantity: number): Stock {
  return checked({ ...stock, reserved: stock.reserved - quantity });
}

/** Removes a reserved `quantity` that was shipped. @throws Error when it was not reserved. */
export function ship(stock: Stock, quantity: number): Stock {
  return checked({
    onHand: stock.onHand - quantity,
    reserved: stock.reserved - quantity,
    received: stock.received,
    shipped: stock.shipped + quantity,
  });
}

/** Sets the counted stock: an absolute value, the difference counts as received. @throws Error below `reserved`. */
export function count(stock: Stock, onHand: number): Stock {
  return checked({ ...stock, onHand, received: stock.received + (onHand - stock.onHand) });
}

/**
 * The same stock when stock.S1 to stock.S3 hold. @throws Error otherwise: a programmer fault, nothing may be written.
 */
export function checked(stock: Stock): Stock {
  const { onHand, reserved, received, shipped } = stock;
  const sound =
    Number.isSafeInteger(onHand) &&
    Number.isSafeInteger(received) &&
    Number.isSafeInteger(shipped) &&
    Number.isSafeInteger(reserved) &&
    reserved >= 0 &&
    reserved <= onHand &&
    shipped >= 0 &&
    received === onHand + shipped;
  if (!sound) throw new Error(`impossible stock: ${JSON.stringify(stock)}`);
  return stock;
}

/**
 * Decides all lines or none. Names every SKU that is unknown, else every currency when there are several, else every
 * line that is short. The lines' SKUs are distinct and their quantities within `bounds` (`faultOfLines`).
 */
export function decideReserve(
  lines: readonly OrderedLine[],
  availability: (sku: string) => Availability | undefined,
): Exclude<ReserveOutput, { outcome: "closed" }> {
  const found: Availability[] = [];
  let unknown: string[] | undefined;
  for (const { sku } of lines) {
    const one = availability(sku);
    if (one) found.push(one);
    else (unknown ??= []).push(sku);
  }
  if (unknown) return { outcome: "unknown_sku", skus: unknown };

  const currency = found[0]?.item.price.currency ?? "";
  if (found.some(({ item }) => item.price.currency !== currency))
    return {
      outcome: "mixed_currency",
      currencies: [...new Set(found.map(({ item }) => item.price.currency))],
    };

  let missing: Missing[] | undefined;
  let amount = 0;
  const priced = lines.map(({ sku, quantity }, index) => {
    const { item, available } = found[index] as Availability;
    if (quantity > available) (missing ??= []).push({ sku, requested: quantity, available });
    amount += item.price.amount * quantity;
    return { sku, name: item.name, quantity, unitPrice: item.price };
  });
  if (missing) return { outcome: "out_of_stock", missing };
  return { outcome: "reserved", lines: priced, total: { amount, currency } };
}

/** Why these lines cannot be decided at all; `undefined` when they can. Callers check this first. */
export function faultOfLines(lines: readonly OrderedLine[]): string | undefined {
  if (lines.length < 1 || lines.length > bounds.lines)
    return `1 to ${bounds.lines} lines, not ${lines.length}`;
  for (const [index, { sku, quantity }] of lines.entries()) {
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > bounds.quantity)
      return `quantity of ${sku} is not an integer from 1 to ${bounds.quantity}`;
    // At most 100 lines, mostly one to three: cheaper than a set.
    for (let earlier = 0; earlier < index; earlier++)
      if (lines[earlier]?.sku === sku) return `${sku} is in two lines`;
  }
  return undefined;
}

/** Whether a put may be written, and why not. */
export type PutDecision =
  | { readonly decision: "put" }
  | { readonly decision: "below_reserved"; readonly reserved: number }
  | { readonly decision: "invalid"; readonly reason: string };

/** Decides a put. @param committedQuantity reserved pieces, pending reservations included: a put never removes them. */
export function decidePut(stock: Stock, committedQuantity: number, requested: PutStock): PutDecision {
  const { onHand, name, price } = requested;
  if (!within(onHand, bounds.onHand)) return invalid(`onHand is not an integer from 0 to ${bounds.onHand}`);
  if (!within(price.amount, bounds.priceAmount))
    return invalid(`price.amount is not an integer from 0 to ${bounds.priceAmount}`);
  if (!/^[A-Z]{3}$/u.test(price.currency)) return invalid("price.currency is not an ISO 4217 code");
  if (name.length < 1 || name.length > bounds.nameLength)
    return invalid(`name is not 1 to ${bounds.nameLength} characters long`);
  if (!Number.isSafeInteger(onHand + stock.shipped)) return invalid("the totals of this SKU are exhausted");
  if (onHand < committedQuantity) return { decision: "below_reserved", reserved: committedQuantity };
  return { decision: "put" };
}

/** Equal name and price. */
export function sameItem(a: Item | undefined, b: Item): boolean {
  return a?.name === b.name && a.price.amount === b.price.amount && a.price.currency === b.price.currency;
}

/** The acknowledged stock as other contexts see it. */
export function stockView(sku: string, item: Item, stock: Stock): StockView {
  const { onHand, reserved } = stock;
  return { sku, name: item.name, price: item.price, onHand, reserved, available: onHand - reserved };
}

function within(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

function invalid(reason: string): PutDecision {
  return { decision: "invalid", reason };
}
