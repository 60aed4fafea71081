/**
 * The shard's stock in memory, and the aggregator that writes its changes to the log.
 * Owns: per SKU the acknowledged stock, and the pending changes.  Does not own: holds, locks, the order of batches.
 *
 * Availability is pessimistic: what lowers it counts from the moment it is decided, what raises it only from its
 * acknowledgement. So any set of pending write sets may be dropped, and no other decision becomes wrong.
 * Invariants, per SKU
 *   stock-projection.B1. What a reservation may take is min(onHand, onHand after the pending put or adjustment)
 *       - reserved - pending reservations, and never below 0.
 *   stock-projection.B2. Only a decision lowers it: neither an acknowledgement nor a drop does.
 *   stock-projection.B3. Acknowledged stock changes in `committed` only, and equals the last stock message in the log.
 *   stock-projection.B4. Each change raises the version by 1, in memory as in the log, with whatever batch it is
 *       stored.
 *   stock-projection.B5. A stock message is the one before it and its own moves: nothing changes without a cause.
 * Proved by: test/unit/services/inventory/stock-projection.test.ts, shard-interleavings.test.ts,
 *   test/simulation/simulation.test.ts
 */
import type { OrderedLine } from "../../../machines/types.ts";
import type { Aggregator } from "../../runtime/definition.ts";
import type { Message } from "../../runtime/ports.ts";
import type { AdjustStock, StockView } from "./contract.ts";
import {
  adjust,
  type Availability,
  count,
  EMPTY,
  type Item,
  release,
  reserve,
  ship,
  shortOf,
  type Stock,
  stockView,
  putBack,
} from "./rules.ts";
import { type Move, stockMessage, type StoredItem, type StoredStock } from "./stored.ts";

/** The change of stock in one write set. */
export type StockChange =
  | {
      readonly kind: "reserve" | "release" | "ship" | "return";
      readonly orderId: string;
      readonly lines: readonly OrderedLine[];
    }
  | {
      readonly kind: "put";
      readonly sku: string;
      /** Absent: the count stays. */
      readonly onHand?: number;
      readonly item: Item;
      /** Command id of the put. */
      readonly put: string;
    }
  | ({ readonly kind: "adjust"; readonly sku: string; readonly id: string; readonly delta: number } & Pick<
      AdjustStock,
      "reason" | "reference" | "note"
    >);

type StockEntry = {
  readonly sku: string;
  /** Acknowledged; undefined while the first put is pending. */
  item: Item | undefined;
  stock: Stock;
  /** Number of acknowledged changes; see {@link StoredStock}. */
  version: number;
  /** Command id of the latest acknowledged put; empty before the first. */
  put: string;
  /** Last sequence of the catalogue entry, 0 for none; undefined when it has to be read. */
  itemSequence: number | undefined;
  /** Pieces in reservations that are not acknowledged yet. */
  held: number;
  /** Pieces in shipments that are not acknowledged yet. */
  leaving: number;
  /** onHand of the pending put, and delta of the pending adjustment; at most one of both per SKU. */
  putting: number | undefined;
  adjusting: number;
  /** Changes of any kind that are not acknowledged yet. */
  pending: number;
  /** Called once, when a pending change is stored or dropped. */
  readonly waiting: Set<() => void>;
};

/** Synchronous throughout: no other decision can come between `availability` and `addPending`. */
export class StockProjection implements Aggregator {
  /** Grows with the catalogue; a SKU is never forgotten. */
  private readonly entries = new Map<string, StockEntry>();
  /** SKUs with an acknowledged item, ascending; undefined when one was added since. */
  private sorted: readonly string[] | undefined;

  /** Takes in the entries of the log, before any decision. */
  load(
    stocks: readonly { readonly stock: StoredStock; readonly sequence: number }[],
    items: readonly { readonly item: StoredItem; readonly sequence: number }[],
  ): void {
    for (const { stock, sequence } of stocks) {
      const { sku, put, onHand, reserved, received, shipped, version = sequence } = stock;
      const entry = this.entry(sku);
      entry.stock = { onHand, reserved, received, shipped };
      entry.put = put;
      entry.version = version;
    }
    for (const { item, sequence } of items) {
      const entry = this.entry(item.sku);
      const { name, price, listed } = item;
      entry.item = { name, price, ...(listed === false && { listed }) };
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
    return entry?.item ? stockView(sku, entry.item, entry.stock, entry.version) : undefined;
  }

  /** What a put would make of the acknowledged stock. @param onHand absent: the count stays */
  viewAfter(sku: string, item: Item, onHand: number | undefined): StockView {
    const { stock, version } = this.entries.get(sku) ?? emptyEntry(sku);
    return stockView(sku, item, onHand === undefined ? stock : count(stock, onHand), version + 1);
  }

  /** Pieces that may leave now: what is there, as far as no change in flight lowers it. */
  shippable(sku: string): number {
    const entry = this.entries.get(sku);
    return entry ? least(entry) - entry.leaving : 0;
  }

  /** Pieces that orders hold and that are not there, with what is in flight at its worst. */
  short(sku: string): number {
    const entry = this.entries.get(sku);
    return entry ? shortOf({ onHand: least(entry), reserved: entry.stock.reserved + entry.held }) : 0;
  }

  /** Whether changes of this SKU are in flight: any, or shipments. */
  inFlight(sku: string, kind: "change" | "shipment"): boolean {
    const entry = this.entries.get(sku);
    return entry !== undefined && (kind === "change" ? entry.pending : entry.leaving) > 0;
  }

  /** Resolves when the next change of this SKU is stored or dropped. Call it only while one is in flight. */
  nextOutcome(sku: string): Promise<void> {
    return new Promise((resolve) => this.entry(sku).waiting.add(resolve));
  }

  /** True for a SKU with an acknowledged catalogue entry. */
  knows(sku: string): boolean {
    return this.entries.get(sku)?.item !== undefined;
  }

  /** Which of these SKUs have no acknowledged catalogue entry, and which have one and are off sale. */
  known(skus: readonly string[]): {
    readonly unknown: readonly string[];
    readonly notForSale: readonly string[];
  } {
    return {
      unknown: skus.filter((sku) => !this.knows(sku)),
      notForSale: skus.filter((sku) => this.entries.get(sku)?.item?.listed === false),
    };
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
    this.count(change, 1);
  }

  /** The decision was dropped. */
  removePending(change: StockChange): void {
    this.count(change, -1);
  }

  private count(change: StockChange, sign: 1 | -1): void {
    for (const { sku, quantity } of linesOf(change)) {
      const entry = this.entry(sku);
      entry.pending += sign;
      if (change.kind === "reserve") entry.held += sign * quantity;
      else if (change.kind === "ship") entry.leaving += sign * quantity;
      else if (change.kind === "put") entry.putting = sign > 0 ? change.onHand : undefined;
      else if (change.kind === "adjust") entry.adjusting += sign * change.delta;
      if (sign > 0) continue;
      const waiting = [...entry.waiting];
      entry.waiting.clear();
      for (const resolve of waiting) resolve();
    }
  }

  compose(changes: readonly unknown[]): readonly Message[] {
    const after = new Map<string, { stock: Stock; put: string; version: number; moves: Move[] }>();
    for (const change of changes as readonly StockChange[])
      for (const { sku, quantity } of linesOf(change)) {
        const before = after.get(sku) ?? { ...(this.entries.get(sku) ?? emptyEntry(sku)), moves: [] };
        const stock = changed(before.stock, change, quantity);
        before.moves.push(moveOf(change, before.stock, stock));
        after.set(sku, {
          stock,
          put: change.kind === "put" ? change.put : before.put,
          version: before.version + 1,
          moves: before.moves,
        });
      }
    return [...after].map(([sku, { stock, ...log }]) => stockMessage(sku, stock, log));
  }

  committed(changes: readonly unknown[]): void {
    for (const change of changes as readonly StockChange[]) {
      for (const { sku, quantity } of linesOf(change)) {
        const entry = this.entry(sku);
        entry.stock = changed(entry.stock, change, quantity);
        entry.version++;
        if (change.kind !== "put") continue;
        entry.put = change.put;
        if (!entry.item) this.sorted = undefined;
        entry.item = change.item;
      }
      this.removePending(change);
    }
  }

  private entry(sku: string): StockEntry {
    let entry = this.entries.get(sku);
    if (!entry) this.entries.set(sku, (entry = emptyEntry(sku)));
    return entry;
  }
}

function emptyEntry(sku: string): StockEntry {
  return {
    sku,
    item: undefined,
    stock: EMPTY,
    version: 0,
    put: "",
    itemSequence: 0,
    held: 0,
    leaving: 0,
    putting: undefined,
    adjusting: 0,
    pending: 0,
    waiting: new Set(),
  };
}

/** onHand when every change in flight that lowers it is stored, and none that raises it. */
function least({ stock, putting, adjusting }: StockEntry): number {
  return Math.min(stock.onHand, putting ?? stock.onHand, stock.onHand + adjusting);
}

function available(entry: StockEntry): number {
  return Math.max(0, least(entry) - entry.stock.reserved - entry.held);
}

const byKind = { reserve, release, ship, return: putBack } as const;
const moveKinds = { reserve: "reserved", release: "released", ship: "shipped", return: "returned" } as const;

/** The SKUs that a change touches, each once. */
function linesOf(change: StockChange): readonly OrderedLine[] {
  return "lines" in change ? change.lines : [{ sku: change.sku, quantity: 0 }];
}

/** Applies a change to one of its SKUs. Composing and committing must agree, so both use it. */
function changed(stock: Stock, change: StockChange, quantity: number): Stock {
  switch (change.kind) {
    case "put":
      return change.onHand === undefined ? stock : count(stock, change.onHand);
    case "adjust":
      return adjust(stock, change.delta);
    default:
      return byKind[change.kind](stock, quantity);
  }
}

function moveOf(change: StockChange, before: Stock, after: Stock): Move {
  const onHand = after.onHand - before.onHand;
  const reserved = after.reserved - before.reserved;
  const differences = { ...(onHand !== 0 && { onHand }), ...(reserved !== 0 && { reserved }) };
  if (change.kind === "put") return { kind: "put", by: change.put, ...differences };
  if (change.kind !== "adjust") return { kind: moveKinds[change.kind], by: change.orderId, ...differences };
  const { id, reason, reference, note } = change;
  return {
    kind: "adjusted",
    by: id,
    ...differences,
    reason,
    ...(reference !== undefined && { reference }),
    ...(note !== undefined && { note }),
  };
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
