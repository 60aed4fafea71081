/**
 * Counts and prices of one tenure of the shard: puts, adjustments, what changed the stock, who may ship while it is
 * short.
 * Owns: which SKUs are being counted.  Does not own: holds, the queue, the lock (shard-tenure.ts).
 * Invariants
 *   stock-operations.O1. A put with a condition and an adjustment are decided on stock that nothing in flight can still
 *       change before them, and compared with it there: a stale reader changes nothing.
 *   stock-operations.O2. An adjustment and the record of its key are one write set: a repeat finds the result.
 *   stock-operations.O3. Nothing ships that is not there, and while a SKU is short its newest reservations wait.
 * Proved by: test/unit/services/inventory/shard-puts.test.ts, shard-adjustments.test.ts, shard-short.test.ts
 */
import type { OrderedLine } from "../../../machines/types.ts";
import { type Failpoints, failpoint } from "../../runtime/failpoints.ts";
import { type Message, Unavailable } from "../../runtime/ports.ts";
import type { AdjustResult, PutRefusal, PutStock } from "./contract.ts";
import { type Fate, type PendingCommits, unstored, type Write } from "./pending-commits.ts";
import type { Answer, Operations } from "./protocol.ts";
import type { ProvenReader } from "./proven-reader.ts";
import { allows, decideAdjust, decidePut, itemAfter, sameItem, shortOf } from "./rules.ts";
import { type ReadHistory, readMovements, readShortages } from "./stock-history.ts";
import type { StockChange, StockProjection } from "./stock-projection.ts";
import {
  adjustmentMessage,
  itemMessage,
  putMessage,
  readAdjustment,
  readItem,
  readPut,
  readStock,
  type StoredAdjustment,
} from "./stored.ts";
import { inventorySubjects } from "./subjects.ts";

type PutChange = Extract<StockChange, { kind: "put" }>;
type Put = Operations["put"];
type PutIf = Operations["putIf"];
type Predict = Operations["predictPut"];
type Adjust = Operations["adjust"];
type Movements = Operations["movements"];
type Shortages = Operations["shortages"];

type DecidedPut =
  | { readonly status: "put"; readonly change: Pick<PutChange, "item" | "onHand"> }
  | { readonly status: "equal" }
  | { readonly status: "repeated" }
  | { readonly status: "not_owner" }
  | Extract<Answer<never>, { status: "refused" }>
  | PutRefusal;

/** What the operations need of their tenure. */
export type StockOperationsOptions = {
  readonly stock: StockProjection;
  readonly pending: PendingCommits;
  readonly reader: ProvenReader;
  readonly isOpen: () => boolean;
  /** Runs `attempt` alone for its key, and again while it returns `undefined`. */
  readonly serially: <T>(key: string, attempt: () => Promise<Answer<T> | undefined>) => Promise<Answer<T>>;
  readonly failpoints: Failpoints | undefined;
};

/** See the top of the file. */
export class StockOperations {
  private readonly stock: StockProjection;
  private readonly pending: PendingCommits;
  private readonly reader: ProvenReader;
  private readonly options: StockOperationsOptions;
  private readonly failpoints: Failpoints | undefined;
  /** By SKU: an adjustment that is being decided. No shipment is, until it is stored. */
  private readonly counting = new Map<string, Promise<void>>();
  private readonly over = Promise.withResolvers<void>();

  constructor(options: StockOperationsOptions) {
    this.options = options;
    this.stock = options.stock;
    this.pending = options.pending;
    this.reader = options.reader;
    this.failpoints = options.failpoints;
  }

  private get open(): boolean {
    return this.options.isOpen();
  }

  /** The lock is lost: what waits for outcomes ends. */
  close(): void {
    this.over.resolve();
  }

  /**
   * Sets the catalogue entry and the count of a SKU. A repeat with the same command id or under the same key changes
   * nothing.
   */
  put(input: PutIf["input"]): Promise<Answer<PutIf["output"]>>;
  put(input: Put["input"]): Promise<Answer<Put["output"]>>;
  put(input: PutIf["input"]): Promise<Answer<PutIf["output"]>> {
    const { sku, command, key } = input;
    return this.options.serially<PutIf["output"]>(inventorySubjects.item(sku), async () => {
      if (this.stock.beforePut(sku).put === command) return this.stocked(sku);
      const decided = await this.decided(input);
      switch (decided.status) {
        case "repeated":
          return this.stocked(sku);
        case "equal":
          // Absolute values: equal ones need no write, but a key does, so that it is not used for another put.
          return key ? this.storePut(sku, key) : this.stocked(sku);
        case "put":
          return this.storePut(sku, key, { kind: "put", sku, put: command, ...decided.change });
        case "refused":
        case "not_owner":
          return decided;
        default:
          return { status: "ok", output: decided };
      }
    });
  }

  /** What a put would do now. Nothing is written, and no version is used up. */
  predictPut(input: PutIf["input"]): Promise<Answer<Predict["output"]>> {
    const { sku } = input;
    return this.options.serially<Predict["output"]>(inventorySubjects.item(sku), async () => {
      const decided = await this.decided(input);
      if (decided.status === "refused" || decided.status === "not_owner") return decided;
      const before = this.stock.view(sku) ?? null;
      const same = { status: "predicted" as const, before, after: before };
      if (decided.status === "equal" || decided.status === "repeated") return { status: "ok", output: same };
      if (decided.status !== "put") return { status: "ok", output: { ...same, refusal: decided } };
      const { item, onHand } = decided.change;
      return { status: "ok", output: { ...same, after: this.stock.viewAfter(sku, item, onHand) } };
    });
  }

  /** What to do about a put; its caller stores it before its next await. */
  private async decided({ sku, stock, condition, key }: PutIf["input"]): Promise<DecidedPut> {
    const earlier = key && (await this.reader.last(inventorySubjects.put(key.id)));
    if (earlier) {
      const isSame = readPut(earlier.payload).request === key.request;
      return { status: isSame ? "repeated" : "idempotency_key_reused" };
    }
    if (condition) {
      // What is in flight may be stored before this put: the version is final when nothing is.
      const holds = () => allows(condition, this.stock.view(sku)?.version);
      while (this.open && holds() && this.stock.inFlight(sku, "change")) await this.nextOutcome(sku);
      const version = this.stock.view(sku)?.version;
      if (!holds()) return { status: "version_changed", ...(version && { version }) };
    }
    if (!this.open) return { status: "not_owner" };
    const before = this.stock.beforePut(sku);
    const item = itemAfter(before.item, stock);
    if (!item) return { status: "incomplete", missing: missingOf(stock) };
    const { onHand } = stock;
    const isEqual = (onHand === undefined || before.stock.onHand === onHand) && sameItem(before.item, item);
    if (isEqual) return { status: "equal" };
    const change = { item, ...(onHand !== undefined && { onHand }) };
    const decision = decidePut(before.stock, before.committedQuantity, { ...item, ...change });
    if (decision.decision === "below_reserved")
      return { status: "below_reserved", reserved: decision.reserved };
    if (decision.decision === "invalid")
      return { status: "refused", code: "invalid_stock", reason: decision.reason };
    return { status: "put", change };
  }

  /** Adjusts the count of a SKU, or repeats the result of the adjustment with this id. */
  adjust({ sku, adjustment, id, request }: Adjust["input"]): Promise<Answer<AdjustResult>> {
    return this.options.serially<AdjustResult>(inventorySubjects.item(sku), async () => {
      const stored = await this.reader.last(inventorySubjects.adjustment(id));
      if (stored) return { status: "ok", output: resultOf(readAdjustment(stored.payload), request) };
      if (!this.stock.knows(sku)) return { status: "ok", output: { status: "not_found" } };
      const counted = Promise.withResolvers<void>();
      this.counting.set(sku, counted.promise);
      let fate: Fate;
      let made: StoredAdjustment;
      try {
        // What ships meanwhile is counted before or after, never both: shipments wait until this is stored.
        while (this.open && this.stock.inFlight(sku, "shipment")) await this.nextOutcome(sku);
        if (!this.open) return { status: "not_owner" };
        const { stock, committedQuantity } = this.stock.beforePut(sku);
        const decision = decideAdjust(stock, adjustment);
        if (decision.decision === "invalid")
          return { status: "refused", code: "invalid_adjustment", reason: decision.reason };
        if (decision.decision !== "adjust")
          return { status: "ok", output: { status: decision.decision, onHand: decision.onHand } };
        const { delta } = decision;
        const onHand = stock.onHand + delta;
        const short = shortOf({ onHand, reserved: committedQuantity });
        made = { ...adjustment, id, sku, delta, onHand, short, request };
        const { reason, reference, note } = made;
        const why = {
          reason,
          ...(reference !== undefined && { reference }),
          ...(note !== undefined && { note }),
        };
        const change = { kind: "adjust" as const, sku, id, delta, ...why };
        const message = adjustmentMessage(made);
        fate = await failpoint(this.failpoints, "inventory.adjust", () =>
          this.pending.store({ message, expected: 0, change }),
        );
      } finally {
        this.counting.delete(sku);
        counted.resolve();
      }
      if (fate.status !== "stored")
        return fate.status === "dropped" && fate.why === "fenced" ? undefined : unstored(fate);
      this.reader.advance(fate.lastSequence);
      return { status: "ok", output: resultOf(made, request) };
    });
  }

  /** What changed the stock of a SKU, from the log. */
  async movements({ sku, limit, before }: Movements["input"]): Promise<Answer<Movements["output"]>> {
    if (!this.stock.knows(sku)) return { status: "ok", output: null };
    return await this.reading(() => readMovements(this.historyOf(sku), limit, before));
  }

  /** The orders that give way while a SKU is short, newest first. */
  async shortages(sku: string): Promise<Answer<Shortages["output"]>> {
    if (!this.stock.knows(sku)) return { status: "ok", output: null };
    return await this.reading(() => readShortages(this.historyOf(sku), this.stock.short(sku)));
  }

  /** Nothing is short, and nothing is being counted. */
  shipsAtOnce(lines: readonly OrderedLine[]): boolean {
    return lines.every(({ sku }) => !this.counting.has(sku) && this.stock.short(sku) === 0);
  }

  /**
   * While a SKU is short, the newest reservations give way: their orders wait, and the pieces that are there are for
   * the others. Undefined when the order may ship now, which the caller decides before its next await.
   */
  async refusesShipment(
    orderId: string,
    lines: readonly OrderedLine[],
  ): Promise<Extract<Answer<never>, { status: "refused" }> | undefined> {
    for (;;) {
      const counting = lines.flatMap(({ sku }) => this.counting.get(sku) ?? []);
      if (counting.length > 0) {
        await Promise.all(counting);
        continue;
      }
      if (this.shipsAtOnce(lines)) return undefined;
      for (const { sku, quantity } of lines) {
        const short = this.stock.short(sku);
        if (short === 0) continue;
        const { items } = await readShortages(this.historyOf(sku), short);
        const givesWay = items.some((item) => item.orderId === orderId);
        if (givesWay || this.stock.shippable(sku) < quantity)
          return { status: "refused", code: "inventory_short", reason: `${sku} lacks ${short} pieces` };
      }
      const isCovered = lines.every(({ sku, quantity }) => this.stock.shippable(sku) >= quantity);
      if (isCovered && !lines.some(({ sku }) => this.counting.has(sku))) return undefined;
    }
  }

  private historyOf(sku: string): ReadHistory {
    return async (upTo) => {
      const message = await this.reader.last(inventorySubjects.stock(sku), upTo);
      return message && { sequence: message.sequence, at: message.at, stock: readStock(message.payload) };
    };
  }

  private async reading<T>(read: () => Promise<T>): Promise<Answer<T>> {
    try {
      return {
        status: "ok",
        output: await read(),
      };
    } catch (error) {
      if (error instanceof Unavailable) return { status: "unavailable", reason: error.message };
      throw error;
    }
  }

  /** The next outcome of a change in flight, or the end of the tenure. */
  private nextOutcome(sku: string): Promise<void> {
    return Promise.race([this.stock.nextOutcome(sku), this.over.promise]);
  }

  /** @param change absent: the key alone is stored */
  private async storePut(
    sku: string,
    key: PutIf["input"]["key"],
    change?: PutChange,
  ): Promise<Answer<Put["output"]> | undefined> {
    const subject = inventorySubjects.item(sku);
    const { itemSequence } = this.stock.beforePut(sku);
    const made = key && putMessage({ ...key, sku });
    if (change && itemSequence === undefined) {
      await failpoint(this.failpoints, "inventory.read_item", () => this.readStockItem(sku));
      return undefined;
    }
    // The entry is written whether it changed or not: its precondition keeps a late attempt, stored after a repetition
    // of it, from setting the stock back.
    const fate = await failpoint(this.failpoints, "inventory.put", () =>
      this.pending.store(writeOf(sku, itemSequence ?? 0, made, change)),
    );
    if (fate.status === "stored") {
      if (change) this.stock.placeItem(sku, fate.sequences.get(subject));
      if (made) this.reader.advance(fate.lastSequence);
      return this.stocked(sku);
    }
    if (change) this.stock.placeItem(sku, undefined);
    return fate.status === "dropped" && fate.why === "fenced" ? undefined : unstored(fate);
  }

  /** Reads the catalogue entry and its sequence; adds a SKU that was missing when the shard was loaded. */
  private async readStockItem(sku: string): Promise<void> {
    const item = await this.reader.last(inventorySubjects.item(sku));
    if (item && !this.stock.knows(sku)) {
      const stock = await this.reader.last(inventorySubjects.stock(sku));
      this.stock.load(stock ? [{ stock: readStock(stock.payload), sequence: stock.sequence }] : [], [
        { item: readItem(item.payload), sequence: item.sequence },
      ]);
    }
    this.stock.placeItem(sku, item?.sequence ?? 0);
  }

  private stocked(sku: string): Answer<Put["output"]> {
    const stock = this.stock.view(sku);
    if (!stock) throw new Error(`${sku} was stored and is not in the projection`);
    return { status: "ok", output: { status: "stored", stock } };
  }
}

/** What is written: the catalogue entry and the key, or the key alone. */
function writeOf(sku: string, expected: number, made?: Message, change?: PutChange): Write {
  if (change) return { message: itemMessage(sku, change.item), expected, change, ...(made && { made }) };
  if (!made) throw new Error(`a put of ${sku} without a change and without a key`);
  return { message: made, expected: 0 };
}

function missingOf({ name, price }: PutStock): ("name" | "price")[] {
  return [
    ...(name === undefined ? ["name" as const] : []),
    ...(price === undefined ? ["price" as const] : []),
  ];
}

/** The result of a stored adjustment, for the request that made it and for others with its key. */
function resultOf({ request, ...adjustment }: StoredAdjustment, by: string): AdjustResult {
  return request === by ? { status: "adjusted", adjustment } : { status: "idempotency_key_reused" };
}
