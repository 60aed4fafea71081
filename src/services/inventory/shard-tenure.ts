/**
 * One period of owning the shard, from a lock that was won to its loss: decides, and has the decisions stored.
 * Owns: the book, the recent holds, who decides about which order.  Does not own: the lock; the bus.
 * Invariants
 *   N1. At most one decision about an order's hold, and one put of a SKU, is under way.
 *   N2. An answer that rests on a write is given after the write is stored.
 *   N3. After `close` nothing is decided; after `drain` began nothing new is.
 * A crash leaves what was stored; whoever asks again meets the hold, or the put's command id, and changes nothing.
 * Proved by: test/unit/services/inventory/shard*.test.ts, test/integration/services/inventory*.test.ts
 */
import type { OrderedLine } from "../../../machines/types.ts";
import { subjects } from "../../runtime/subjects.ts";
import type { Joined } from "../../runtime/definition.ts";
import { type Failpoints, failpoint } from "../../runtime/failpoints.ts";
import { Unavailable } from "../../runtime/ports.ts";
import type { Journal } from "../../runtime/ports.ts";
import { PendingCommits } from "./pending-commits.ts";
import type { Fate } from "./pending-commits.ts";
import type { EndHoldOutput, ReserveOutput } from "./contract.ts";
import { decideEnd, decideHold } from "./hold-decisions.ts";
import type { Decision, HoldWrite } from "./hold-decisions.ts";
import { NO_HOLD, RecentHolds, holdOf } from "./holds.ts";
import type { Hold } from "./holds.ts";
import type { Answer, Operations } from "./protocol.ts";
import { decidePut, faultOfLines, sameItem } from "./rules.ts";
import type { ShardDependencies, ShardLimits } from "./shard-dependencies.ts";
import type { StockProjection, StockChange } from "./stock-projection.ts";
import { itemMessage, readItem, readStock } from "./stored.ts";
import { KeyedQueue } from "./keyed-queue.ts";

type PutChange = Extract<StockChange, { kind: "put" }>;
type Put = Operations["put"];

/** Decides for one epoch; a new one is made for every lock that is won. */
export class ShardTenure {
  readonly book: StockProjection;
  private readonly journal: Journal;
  private readonly limits: ShardLimits;
  private readonly failpoints: Failpoints | undefined;
  private readonly pending: PendingCommits;
  private readonly holds: RecentHolds;
  private readonly queue: KeyedQueue;
  private state: "open" | "draining" | "closed" = "open";
  /** Calls that are being decided, those that wait for their turn included. */
  private active = 0;
  private drained: Promise<void> | undefined;
  private idle: (() => void) | undefined;

  constructor(
    lock: { subject: string; epoch: number },
    stock: StockProjection,
    dependencies: ShardDependencies,
  ) {
    const { journal, sink, ids, limits } = dependencies;
    this.book = stock;
    this.journal = journal;
    this.limits = limits;
    this.failpoints = dependencies.failpoints;
    this.pending = new PendingCommits(sink, ids, lock, stock);
    this.holds = new RecentHolds(limits.recentHolds);
    this.queue = new KeyedQueue(limits.waiting);
  }

  get open(): boolean {
    return this.state === "open";
  }

  /**
   * @param fresh the order has probably no hold: it is not looked for. A wrong guess is refused by the server, for
   *   whatever is decided is written.
   */
  reserve(orderId: string, lines: readonly OrderedLine[], fresh: boolean): Promise<Answer<ReserveOutput>> {
    const fault = faultOfLines(lines);
    if (fault) return Promise.resolve({ status: "refused", code: "invalid_reservation", reason: fault });
    return this.inTurn(orderId, async (attempt) => {
      const hold = await this.hold(orderId, fresh && attempt === 1);
      return this.resolve(decideHold(orderId, lines, hold, this.book.availability));
    });
  }

  end(orderId: string, as: EndHoldOutput["outcome"]): Promise<Answer<EndHoldOutput>> {
    return this.inTurn(orderId, async () => {
      const decision = decideEnd(orderId, as, await this.hold(orderId, false));
      if (!decision)
        return { status: "refused", code: "no_hold", reason: `${orderId} holds nothing to ship` };
      return this.resolve(decision);
    });
  }

  put({ sku, stock, command }: Put["input"]): Promise<Answer<Put["output"]>> {
    return this.inTurn<Put["output"]>(subjects.item(sku), async () => {
      const { amount, currency } = stock.price;
      const item = { name: stock.name, price: { amount, currency } };
      const before = this.book.beforePut(sku);
      // Absolute values: what stands there already needs no write, and a repeat is known by its command.
      const done =
        before.put === command || (before.stock.onHand === stock.onHand && sameItem(before.item, item));
      if (done) return this.stocked(sku);
      const verdict = decidePut(before.stock, before.committedQuantity, stock);
      if (verdict.decision === "below_reserved")
        return { status: "ok", output: { status: "below_reserved", reserved: verdict.reserved } };
      if (verdict.decision === "invalid")
        return { status: "refused", code: "invalid_stock", reason: verdict.reason };
      return this.storePut(sku, { kind: "put", sku, onHand: stock.onHand, item, put: command });
    });
  }

  /**
   * Decides at once; `undefined` when it cannot: something of this order is under way or has to be read.
   * @param first the order asks in its very first record, so there was nobody who could have reserved for it
   */
  joinReserve(orderId: string, lines: readonly OrderedLine[], first: boolean): Joined | undefined {
    if (!this.joinable(orderId) || faultOfLines(lines)) return undefined;
    if (this.holds.get(orderId) !== undefined) return undefined;
    // Not remembered: taken for new. If the order does have a hold, its guard refuses the write. A refusal need not be
    // written with the order's first record, whose guard says that nobody has asked before, or ever will.
    const { output, write } = decideHold(orderId, lines, NO_HOLD, this.book.availability);
    return this.join(
      orderId,
      first && output.outcome !== "reserved" ? { output } : { output, ...(write && { write }) },
    );
  }

  joinEnd(orderId: string, as: EndHoldOutput["outcome"]): Joined | undefined {
    if (!this.joinable(orderId)) return undefined;
    const hold = this.holds.get(orderId);
    if (hold === undefined || hold === "unread") return undefined;
    const decision = decideEnd(orderId, as, hold);
    return decision && this.join(orderId, decision);
  }

  /** Decides nothing new; resolves when everything under way is settled, joined decisions included. */
  drain(): Promise<void> {
    if (this.open) this.state = "draining";
    this.drained ??= new Promise((resolve) => {
      this.idle = resolve;
    });
    this.checkIdle();
    return this.drained;
  }

  /** The lock is lost: whoever waits is told so, now. */
  close(): void {
    this.state = "closed";
    this.pending.close();
    this.queue.abandon();
    this.idle?.();
  }

  private joinable(orderId: string): boolean {
    return this.open && !this.queue.busy(orderId) && this.pending.unsettled < this.limits.unsettled;
  }

  private join<T>(orderId: string, { output, write }: Decision<T>): Joined {
    if (!write) return this.pending.join(output, undefined, () => {});
    this.queue.take(orderId);
    return this.pending.join(output, write, (committed, sequences) => {
      this.remember(orderId, committed ? write : undefined, sequences?.get(write.message.subject));
      this.queue.leave(orderId);
      this.checkIdle();
    });
  }

  /** Stores a decision about a hold; `undefined`: it was overtaken, so read and decide again. */
  private async resolve<T>({ output, write }: Decision<T>): Promise<Answer<T> | undefined> {
    if (!write) return { status: "ok", output };
    if (!this.open) return { status: "not_owner" };
    const { orderId } = write.hold;
    const fate = await failpoint(this.failpoints, "inventory.store", () => this.pending.store(write));
    if (fate.status === "stored") {
      this.remember(orderId, write, fate.sequences.get(write.message.subject));
      return { status: "ok", output };
    }
    this.remember(orderId, undefined, undefined);
    return fate.status === "dropped" && fate.why === "fenced" ? undefined : unstored(fate);
  }

  private async storePut(sku: string, change: PutChange): Promise<Answer<Put["output"]> | undefined> {
    const subject = subjects.item(sku);
    const { itemSequence } = this.book.beforePut(sku);
    if (itemSequence === undefined) {
      await failpoint(this.failpoints, "inventory.read_item", () => this.readStockItem(sku));
      return undefined;
    }
    // The entry is written whether it changed or not: its guard is what keeps an attempt that lands late, after a
    // repetition of it was stored, from setting the stock back to what it was then.
    const fate = await failpoint(this.failpoints, "inventory.put", () =>
      this.pending.store({
        message: itemMessage(sku, change.item),
        expected: itemSequence,
        change,
      }),
    );
    if (fate.status === "stored") {
      this.book.placeItem(sku, fate.sequences.get(subject));
      return this.stocked(sku);
    }
    this.book.placeItem(sku, undefined);
    return fate.status === "dropped" && fate.why === "fenced" ? undefined : unstored(fate);
  }

  /** Looks where the catalogue entry stands; takes in a SKU that was missing when the shard was loaded. */
  private async readStockItem(sku: string): Promise<void> {
    const item = await this.journal.readLast(subjects.item(sku));
    if (item && !this.book.knows(sku)) {
      const stock = await this.journal.readLast(subjects.stock(sku));
      this.book.load(stock ? [readStock(stock.payload)] : [], [
        { item: readItem(item.payload), sequence: item.sequence },
      ]);
    }
    this.book.placeItem(sku, item?.sequence ?? 0);
  }

  private stocked(sku: string): Answer<Put["output"]> {
    const stock = this.book.view(sku);
    if (!stock) throw new Error(`${sku} was stored and is not in the book`);
    return { status: "ok", output: { status: "stored", stock } };
  }

  private remember(orderId: string, stored: HoldWrite | undefined, sequence: number | undefined): void {
    this.holds.set(
      orderId,
      stored && sequence !== undefined
        ? { state: stored.hold.state, sequence, stored: stored.hold }
        : "unread",
    );
  }

  private async hold(orderId: string, fresh: boolean): Promise<Hold> {
    const recent = this.holds.get(orderId);
    if (recent !== undefined && recent !== "unread") return recent;
    if (fresh && recent === undefined) return NO_HOLD;
    const stored = await failpoint(this.failpoints, "inventory.read_hold", () =>
      this.journal.readLast(subjects.hold(orderId)),
    );
    const hold = holdOf(stored);
    if (hold.state !== "none") this.holds.set(orderId, hold);
    return hold;
  }

  /** Runs `attempt` alone for its key, again while it answers `undefined`, a bounded number of times. */
  private async inTurn<T>(
    key: string,
    attempt: (number: number) => Promise<Answer<T> | undefined>,
  ): Promise<Answer<T>> {
    if (!this.open) return { status: "not_owner" };
    if (this.pending.unsettled >= this.limits.unsettled) return { status: "overloaded" };
    const turn = this.queue.enter(key);
    if (!turn) return { status: "overloaded" };
    this.active++;
    await turn;
    try {
      for (let number = 1; number <= this.limits.attempts; number++) {
        if (!this.open) return { status: "not_owner" };
        const answer = await attempt(number);
        if (answer) return answer;
      }
      return { status: "unavailable", reason: `overtaken ${this.limits.attempts} times` };
    } catch (error) {
      if (error instanceof Unavailable) return { status: "unavailable", reason: error.message };
      throw error;
    } finally {
      this.queue.leave(key);
      this.active--;
      this.checkIdle();
    }
  }

  private checkIdle(): void {
    if (this.active === 0 && this.pending.unsettled === 0) this.idle?.();
  }
}

/** The answer to a caller whose unit was not stored, or may not have been. */
function unstored(fate: Exclude<Fate, { status: "stored" }>): Answer<never> {
  if (fate.status === "closed") return { status: "not_owner" };
  if (fate.status === "refused") return { status: "unavailable", reason: `refused: ${fate.reason}` };
  return fate.why === "lock_moved"
    ? { status: "not_owner" }
    : { status: "unavailable", reason: `dropped: ${fate.why}` };
}
