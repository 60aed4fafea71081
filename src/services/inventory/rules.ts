/**
 * Stock arithmetic and decisions of the inventory, free of I/O and of state.
 *
 * Invariants of every `Stock` that leaves this file
 *   stock.S1. All four counts are integers from 0 to Number.MAX_SAFE_INTEGER.
 *   stock.S2. Only an adjustment leaves reserved above onHand: no reservation, put or shipment does. While it is,
 *       nothing is available.
 *   stock.S3. received = onHand + shipped: nothing appears or vanishes without a put, an adjustment, a shipment or a
 *       return.
 * Proved by: test/unit/services/inventory/rules.test.ts
 */
import type { Missing, Money, OrderedLine } from "../../../machines/types.ts";
import type { AdjustStock, PutStock, ReserveOutput, StockCondition, StockView } from "./contract.ts";

/** A SKU in the catalogue. `listed`: false when it is off sale, absent otherwise. */
export type Item = { readonly name: string; readonly price: Money; readonly listed?: false };

/** Counts of one SKU, in pieces; `available` is onHand - reserved. */
export type Stock = {
  readonly onHand: number;
  readonly reserved: number;
  /** All pieces that ever arrived, corrections by a put and pieces that came back included. */
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
  noteLength: 1000,
} as const;

/** Before the first put. */
export const EMPTY: Stock = { onHand: 0, reserved: 0, received: 0, shipped: 0 };

/** Reserves `quantity`. @throws Error when less is available: a programmer fault. */
export function reserve(stock: Stock, quantity: number): Stock {
  return covered({ ...stock, reserved: stock.reserved + quantity });
}

/** Makes a reserved `quantity` available again. @throws Error when it was not reserved. */
export function release(stock: Stock, quantity: number): Stock {
  return checked({ ...stock, reserved: stock.reserved - quantity });
}

/** Removes a reserved `quantity` that was shipped. @throws Error when it was not reserved, or is not there. */
export function ship(stock: Stock, quantity: number): Stock {
  return checked({
    onHand: stock.onHand - quantity,
    reserved: stock.reserved - quantity,
    received: stock.received,
    shipped: stock.shipped + quantity,
  });
}

/** Adds a shipped `quantity` that came back. It counts as received: what was shipped stays shipped. */
export function putBack(stock: Stock, quantity: number): Stock {
  return checked({ ...stock, onHand: stock.onHand + quantity, received: stock.received + quantity });
}

/** Sets the counted stock: an absolute value, the difference counts as received. @throws Error below `reserved`. */
export function count(stock: Stock, onHand: number): Stock {
  return covered({ ...stock, onHand, received: stock.received + (onHand - stock.onHand) });
}

/** Changes the count by a difference, below `reserved` as well. @throws Error below 0 */
export function adjust(stock: Stock, delta: number): Stock {
  return checked({ ...stock, onHand: stock.onHand + delta, received: stock.received + delta });
}

/** Pieces that are reserved and not there. */
export function shortOf({ onHand, reserved }: Pick<Stock, "onHand" | "reserved">): number {
  return Math.max(0, reserved - onHand);
}

function covered(stock: Stock): Stock {
  if (stock.reserved > stock.onHand) throw new Error(`impossible stock: ${JSON.stringify(stock)}`);
  return checked(stock);
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
    onHand >= 0 &&
    shipped >= 0 &&
    received === onHand + shipped;
  if (!sound) throw new Error(`impossible stock: ${JSON.stringify(stock)}`);
  return stock;
}

/**
 * Decides all lines or none. Names every SKU that is unknown, else every one that is off sale, else every currency
 * when there are several, else every line that is short. The lines' SKUs are distinct and their quantities within
 * `bounds` (`faultOfLines`).
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
  // Nearly all are listed: the list of those that are not is made for them alone.
  if (found.some(({ item }) => item.listed === false)) {
    const unlisted = lines.filter((_, index) => found[index]?.item.listed === false);
    return { outcome: "unknown_sku", skus: unlisted.map(({ sku }) => sku), notForSale: true };
  }

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
export function decidePut(
  stock: Stock,
  committedQuantity: number,
  { onHand, name, price }: Pick<PutStock, "onHand"> & Item,
): PutDecision {
  if (onHand !== undefined && !within(onHand, bounds.onHand))
    return invalid(`onHand is not an integer from 0 to ${bounds.onHand}`);
  if (!within(price.amount, bounds.priceAmount))
    return invalid(`price.amount is not an integer from 0 to ${bounds.priceAmount}`);
  if (!/^[A-Z]{3}$/u.test(price.currency)) return invalid("price.currency is not an ISO 4217 code");
  if (name.length < 1 || name.length > bounds.nameLength)
    return invalid(`name is not 1 to ${bounds.nameLength} characters long`);
  if (onHand === undefined) return { decision: "put" };
  if (!Number.isSafeInteger(onHand + stock.shipped)) return invalid("the totals of this SKU are exhausted");
  if (onHand < committedQuantity) return { decision: "below_reserved", reserved: committedQuantity };
  return { decision: "put" };
}

/** Whether the condition allows a change. @param version of the stock now; undefined for a SKU that does not exist */
export function allows({ match, noneMatch }: StockCondition, version: number | undefined): boolean {
  const names = (versions: readonly number[] | "any") =>
    version !== undefined && (versions === "any" || versions.includes(version));
  return (match === undefined || names(match)) && (noneMatch === undefined || !names(noneMatch));
}

/** What an adjustment changes, or why it changes nothing. */
export type AdjustDecision =
  | { readonly decision: "adjust"; readonly delta: number }
  | { readonly decision: "stock_changed" | "below_zero"; readonly onHand: number }
  | { readonly decision: "invalid"; readonly reason: string };

/** Decides an adjustment of an acknowledged stock that no shipment in flight changes. */
export function decideAdjust(stock: Stock, adjustment: AdjustStock): AdjustDecision {
  const { countedTo, expected, delta = (countedTo ?? Number.NaN) - stock.onHand } = adjustment;
  const { onHand } = stock;
  if (adjustment.delta !== undefined && (countedTo !== undefined || delta === 0))
    return { decision: "invalid", reason: "an adjustment has either a delta, which is not 0, or countedTo" };
  if (!Number.isSafeInteger(delta))
    return { decision: "invalid", reason: "delta or countedTo is not an integer" };
  if (expected !== undefined && expected !== onHand) return { decision: "stock_changed", onHand };
  if (onHand + delta < 0) return { decision: "below_zero", onHand };
  if (!within(onHand + delta, bounds.onHand) || !Number.isSafeInteger(stock.received + delta))
    return { decision: "invalid", reason: `onHand would be above ${bounds.onHand}` };
  return { decision: "adjust", delta };
}

/** The catalogue entry after a put; undefined where a new SKU lacks its name or its price. */
export function itemAfter(before: Item | undefined, put: PutStock): Item | undefined {
  const { name = before?.name, price = before?.price, listed = before?.listed ?? true } = put;
  if (name === undefined || price === undefined) return undefined;
  const { amount, currency } = price;
  return { name, price: { amount, currency }, ...(!listed && { listed }) };
}

/** Equal name and price, and both for sale or neither. */
export function sameItem(a: Item | undefined, b: Item): boolean {
  return (
    a?.name === b.name &&
    a.price.amount === b.price.amount &&
    a.price.currency === b.price.currency &&
    a.listed === b.listed
  );
}

/** The acknowledged stock as other contexts see it. */
export function stockView(sku: string, item: Item, stock: Stock, version: number): StockView {
  const { onHand, reserved } = stock;
  const short = shortOf(stock);
  return {
    sku,
    name: item.name,
    price: item.price,
    onHand,
    reserved,
    available: onHand - reserved,
    ...(short > 0 ? { short } : {}),
    listed: item.listed ?? true,
    version,
  };
}

function within(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

function invalid(reason: string): PutDecision {
  return { decision: "invalid", reason };
}
