/**
 * The shard's stock in memory, and the aggregator that writes its changes to the log.
 * Owns: per SKU the acknowledged stock, and the pending changes.  Does not own: holds, locks, the order of batches.
 *
 * Availability is pessimistic: what lowers it counts from the moment it is decided, what raises it only from its
 * acknowledgement. So any set of pending write sets may be dropped, and no other decision becomes wrong.
 * Invariants, per SKU
 *   stock-projection.B1. available() = min(onHand, onHand of the pending put) - reserved - pending reservations >= 0.
 *   stock-projection.B2. Only a decision lowers available(): neither an acknowledgement nor a drop lowers it.
 *   stock-projection.B3. Acknowledged stock changes in `committed` only, and equals the last stock message in the log.
 * Proved by: test/unit/services/inventory/stock-projection.test.ts, shard-interleavings.test.ts
 */
import type { OrderedLine } from "../../../machines/types.ts";
import type { Aggregator } from "../../runtime/definition.ts";
import type { Message } from "../../runtime/ports.ts";
import type { StockView } from "./contract.ts";
import {
  type Availability,
  count,
  EMPTY,
  type Item,
  release,
  reserve,
  ship,
  type Stock,
  stockView,
} from "./rules.ts";
import { stockMessage, type StoredItem, type StoredStock } from "./stored.ts";

/** The change of stock in one write set. */
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
  /** Acknowledged; undefined while the first put is pending. */
  item: Item | undefined;
  stock: Stock;
  /** Command id of the latest acknowledged put; empty before the first. */
  put: string;
  /** Last sequence of the catalogue entry, 0 for none; undefined when it has to be read. */
  itemSequence: number | undefined;
  /** Pieces in reservations that are not acknowledged yet. */
  held: number;
  /** onHand of the pending put; at most one per SKU. */
  putting: number | undefined;
};

/** Synchronous throughout: no other decision can come between `availability` and `addPending`. */
export class StockProjection implements Aggregator {
  /** Grows with the catalogue; a SKU is never forgotten. */
  private readonly entries = new Map<string, StockEntry>();
  /** SKUs with an acknowledged item, ascending; undefined when one was added since. */
  private sorted: readonly string[] | undefined;

  /** Takes in the entries of the log, before any decision. */
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

  /** The pieces of a SKU that may be promised now; undefined when it is not in the catalogue. */
  readonly availability = (sku: string): Availability | undefined => {
    const entry = this.entries.get(sku);
    return entry?.item ? { item: entry.item, available: available(entry) } : undefined;
  };

  /** The acknowledged stock; undefined before the first put is acknowledged. */
  view(sku: string): StockView | undefined {
    const entry = this.entries.get(sku);
    return entry?.item ? stockView(sku, entry.item, entry.stock) : undefined;
  }

  /** True for a SKU with an acknowledged catalogue entry. */
  knows(sku: string): boolean {
    return this.entries.get(sku)?.item !== undefined;
  }

  /** The state that a put of this SKU is compared with; a SKU that was never put adds no entry. */
  beforePut(sku: string): {
    readonly stock: Stock;
    readonly item: Item | undefined;
    readonly put: string;
    readonly itemSequence: number | undefined;
    /** Reserved pieces, pending reservations included. */
    readonly committedQuantity: number;
  } {
    const entry = this.entries.get(sku) ?? emptyEntry(sku);
    const { stock, item, put, itemSequence, held } = entry;
    return { stock, item, put, itemSequence, committedQuantity: stock.reserved + held };
  }

  /** Sets the last sequence of the catalogue entry; undefined: read it before the next put that changes it. */
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

  /** Counts a decision that is in flight to the log. It ends in `committed` or in `removePending`. */
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

/** Applies a change to each of its SKUs. Composing and committing must agree, so both use it. */
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
