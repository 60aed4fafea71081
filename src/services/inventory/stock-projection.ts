/**
 * The shard's stock in memory, and the ledger through which changes of it reach the log.
 * Owns: per SKU the acknowledged stock, and what is under way.  Does not own: holds, locks, the order of batches.
 *
 * The head is pessimistic: what lowers availability counts from the moment it is decided, what raises it only from
 * its acknowledgement. So any set of units under way may be dropped, and no other decision becomes wrong.
 * Invariants, per SKU
 *   B1. available() = min(onHand, onHand of the put under way) - reserved - reservations under way >= 0.
 *   B2. available() never falls but by a decision: neither an acknowledgement nor a drop lowers it.
 *   B3. Acknowledged stock changes in `committed` only, and is what the last stock message in the log says.
 * Proved by: test/unit/services/inventory/stock-projection.test.ts, shard-interleavings.test.ts
 */
import type { OrderedLine } from "../../../machines/types.ts";
import type { Aggregator } from "../../runtime/definition.ts";
import type { Message } from "../../runtime/ports.ts";
import type { StockView } from "./contract.ts";
import { EMPTY, count, release, reserve, ship, stockView } from "./rules.ts";
import type { Item, Availability, Stock } from "./rules.ts";
import { stockMessage } from "./stored.ts";
import type { StoredItem, StoredStock } from "./stored.ts";

/** What one unit does to the stock. */
export type StockChange =
  | { readonly kind: "reserve" | "release" | "ship"; readonly lines: readonly OrderedLine[] }
  | {
      readonly kind: "put";
      readonly sku: string;
      readonly onHand: number;
      readonly item: Item;
      /** Command id of the put. */
      readonly put: string;
    };

type StockEntry = {
  readonly sku: string;
  /** Acknowledged; undefined while the first put is under way. */
  item: Item | undefined;
  stock: Stock;
  /** Command id of the latest acknowledged put; empty before the first. */
  put: string;
  /** Last sequence of the catalogue entry, 0 for none; undefined when it has to be read. */
  itemSequence: number | undefined;
  /** Pieces in reservations that are not acknowledged yet. */
  held: number;
  /** onHand of the put under way; at most one per SKU. */
  putting: number | undefined;
};

/** Synchronous throughout: between a look at the offer and the pledge nothing can come in between. */
export class StockProjection implements Aggregator {
  /** Grows with the catalogue; a SKU is never forgotten. */
  private readonly entries = new Map<string, StockEntry>();
  /** SKUs with an acknowledged item, ascending; undefined when one was added since. */
  private sorted: readonly string[] | undefined;

  /** Fills the book with what the log says; before any decision. */
  load(
    stocks: readonly StoredStock[],
    items: readonly { readonly item: StoredItem; readonly sequence: number }[],
  ): void {
    for (const { sku, put, onHand, reserved, received, shipped } of stocks) {
      const entry = this.entry(sku);
      entry.stock = { onHand, reserved, received, shipped };
      entry.put = put;
    }
    for (const { item, sequence } of items) {
      const entry = this.entry(item.sku);
      entry.item = { name: item.name, price: item.price };
      entry.itemSequence = sequence;
    }
  }

  /** What may be promised of a SKU now; undefined when it is not in the catalogue. */
  readonly availability = (sku: string): Availability | undefined => {
    const entry = this.entries.get(sku);
    return entry?.item ? { item: entry.item, available: available(entry) } : undefined;
  };

  /** The acknowledged stock; undefined before the first put is acknowledged. */
  view(sku: string): StockView | undefined {
    const entry = this.entries.get(sku);
    return entry?.item ? stockView(sku, entry.item, entry.stock) : undefined;
  }

  knows(sku: string): boolean {
    return this.entries.get(sku)?.item !== undefined;
  }

  /** What a put of this SKU has to be compared with; nothing is remembered of a SKU that was never put. */
  beforePut(sku: string): {
    readonly stock: Stock;
    readonly item: Item | undefined;
    readonly put: string;
    readonly itemSequence: number | undefined;
    /** Reserved, reservations under way included. */
    readonly committedQuantity: number;
  } {
    const entry = this.entries.get(sku) ?? emptyEntry(sku);
    const { stock, item, put, itemSequence, held } = entry;
    return { stock, item, put, itemSequence, committedQuantity: stock.reserved + held };
  }

  /** Where the catalogue entry stands; undefined: read it before the next put that changes it. */
  placeItem(sku: string, sequence: number | undefined): void {
    const entry = this.entries.get(sku);
    if (entry) entry.itemSequence = sequence;
  }

  /** SKUs ascending by UTF-16 code unit, from after `after`; `next` is null on the last page. */
  page(limit: number, after: string | undefined): { items: readonly StockView[]; next: string | null } {
    this.sorted ??= [...this.entries.values()]
      .filter((entry) => entry.item)
      .map((entry) => entry.sku)
      .toSorted((a, b) => (a < b ? -1 : 1));
    const start = after === undefined ? 0 : firstAbove(this.sorted, after);
    const skus = this.sorted.slice(start, start + limit);
    const items = skus.map((sku) => this.view(sku)).filter((view) => view !== undefined);
    return { items, next: start + limit < this.sorted.length ? (skus.at(-1) ?? null) : null };
  }

  /** Counts a decision that is on its way to the log. It ends in `committed` or in `removePending`. */
  addPending(change: StockChange): void {
    if (change.kind === "reserve")
      for (const { sku, quantity } of change.lines) this.entry(sku).held += quantity;
    else if (change.kind === "put") this.entry(change.sku).putting = change.onHand;
  }

  /** The decision was dropped. */
  removePending(change: StockChange): void {
    if (change.kind === "reserve")
      for (const { sku, quantity } of change.lines) this.entry(sku).held -= quantity;
    else if (change.kind === "put") this.entry(change.sku).putting = undefined;
  }

  compose(changes: readonly unknown[]): readonly Message[] {
    const after = new Map<string, { stock: Stock; put: string }>();
    const touch = (sku: string, next: (stock: Stock) => Stock, put?: string) => {
      const before = after.get(sku) ?? this.entries.get(sku) ?? emptyEntry(sku);
      after.set(sku, { stock: next(before.stock), put: put ?? before.put });
    };
    for (const change of changes as readonly StockChange[]) eachSku(change, touch);
    return [...after].map(([sku, { stock, put }]) => stockMessage(sku, stock, put));
  }

  committed(changes: readonly unknown[]): void {
    for (const change of changes as readonly StockChange[]) {
      eachSku(change, (sku, next, put) => {
        const entry = this.entry(sku);
        entry.stock = next(entry.stock);
        if (put !== undefined) entry.put = put;
      });
      this.removePending(change);
      if (change.kind !== "put") continue;
      const entry = this.entry(change.sku);
      if (!entry.item) this.sorted = undefined;
      entry.item = change.item;
    }
  }

  private entry(sku: string): StockEntry {
    let entry = this.entries.get(sku);
    if (!entry) this.entries.set(sku, (entry = emptyEntry(sku)));
    return entry;
  }
}

function emptyEntry(sku: string): StockEntry {
  return { sku, item: undefined, stock: EMPTY, put: "", itemSequence: 0, held: 0, putting: undefined };
}

function available({ stock, putting, held }: StockEntry): number {
  const onHand = putting === undefined ? stock.onHand : Math.min(stock.onHand, putting);
  return onHand - stock.reserved - held;
}

const byKind = { reserve, release, ship } as const;

/** Tells what a change does to each of its SKUs. Composing and committing must agree, so both come here. */
function eachSku(
  change: StockChange,
  touch: (sku: string, next: (stock: Stock) => Stock, put?: string) => void,
): void {
  if (change.kind === "put") {
    touch(change.sku, (stock) => count(stock, change.onHand), change.put);
    return;
  }
  const step = byKind[change.kind];
  for (const { sku, quantity } of change.lines) touch(sku, (stock) => step(stock, quantity));
}

/** Index of the first SKU above `after`, by bisection. */
function firstAbove(sorted: readonly string[], after: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
