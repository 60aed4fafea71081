/**
 * One tenure of the shard, from the acquired lock to its loss: decides, and stores the decisions.
 * Owns: the stock projection, the recent holds, the queue per order and SKU.  Does not own: the lock; the bus.
 * Invariants
 *   shard-tenure.N1. At most one decision about an order's hold, and one put of a SKU, is in flight.
 *   shard-tenure.N2. An answer that depends on a write is given after the write is stored.
 *   shard-tenure.N3. After `close` nothing is decided; after `drain` began nothing new is.
 *   shard-tenure.N4. A hold is read as of a point at or after the lock and this tenure's own acknowledged decisions.
 * A crash leaves what was stored; a repeated request finds the hold, or the put's command id, and changes nothing.
 * Proved by: test/unit/services/inventory/shard*.test.ts, test/integration/services/inventory*.test.ts
 */
import type { OrderedLine } from "../../../machines/types.ts";
import { inventorySubjects } from "./subjects.ts";
import type { Joined } from "../../runtime/definition.ts";
import { type Failpoints, failpoint } from "../../runtime/failpoints.ts";
import { Unavailable } from "../../runtime/ports.ts";
import { PendingCommits, unstored } from "./pending-commits.ts";
import type { EndHoldOutput, ReserveOutput, ReturnStockOutput } from "./contract.ts";
import { decideEnd, decideHold, decideReturn, type Decision, type HoldWrite } from "./hold-decisions.ts";
import { type Hold, holdOf, NO_HOLD, RecentHolds } from "./holds.ts";
import type { Answer } from "./protocol.ts";
import { ProvenReader } from "./proven-reader.ts";
import { faultOfLines } from "./rules.ts";
import type { ShardDependencies, ShardLimits } from "./shard-dependencies.ts";
import type { StockProjection } from "./stock-projection.ts";
import { StockOperations } from "./stock-operations.ts";
import { KeyedQueue } from "./keyed-queue.ts";

/** Decides for one epoch; every acquired lock gets a new instance. */
export class ShardTenure {
  readonly stock: StockProjection;
  /** Counts, prices and what changed them. */
  readonly operations: StockOperations;
  private readonly reader: ProvenReader;
  private readonly limits: ShardLimits;
  private readonly failpoints: Failpoints | undefined;
  private readonly pending: PendingCommits;
  private readonly holds: RecentHolds;
  private readonly queue: KeyedQueue;
  private state: "open" | "draining" | "closed" = "open";
  /** Calls being decided, those that wait in the queue included. */
  private active = 0;
  private drained: Promise<void> | undefined;
  private idle: (() => void) | undefined;

  constructor(
    lock: { subject: string; epoch: number },
    stock: StockProjection,
    dependencies: ShardDependencies,
  ) {
    const { journal, sink, ids, limits } = dependencies;
    this.stock = stock;
    this.reader = new ProvenReader(journal, dependencies.clock, lock);
    this.limits = limits;
    this.failpoints = dependencies.failpoints;
    this.pending = new PendingCommits(sink, ids, lock, stock);
    this.holds = new RecentHolds(limits.recentHolds);
    this.queue = new KeyedQueue(limits.waiting);
    this.operations = new StockOperations({
      stock,
      pending: this.pending,
      reader: this.reader,
      isOpen: () => this.open,
      serially: (key, attempt) => this.serially(key, attempt),
      failpoints: this.failpoints,
    });
  }

  get open(): boolean {
    return this.state === "open";
  }

  /**
   * Reserves, or repeats the first result.
   * @param fresh the order probably has no hold: it is not read. The server rejects a wrong guess, because every
   *   decision is written.
   */
  reserve(orderId: string, lines: readonly OrderedLine[], fresh: boolean): Promise<Answer<ReserveOutput>> {
    const fault = faultOfLines(lines);
    if (fault) return Promise.resolve({ status: "refused", code: "invalid_reservation", reason: fault });
    return this.serially(orderId, async (attempt) => {
      const hold = await this.hold(orderId, fresh && attempt === 1);
      return this.resolve(decideHold(orderId, lines, hold, this.stock.availability));
    });
  }

  /** Releases or ships the hold, or repeats how it ended. */
  end(orderId: string, as: EndHoldOutput["outcome"]): Promise<Answer<EndHoldOutput>> {
    return this.serially(orderId, async () => {
      const hold = await this.hold(orderId, false);
      if (as === "shipped" && hold.state === "reserved") {
        const refusal = await this.operations.refusesShipment(orderId, hold.stored.lines);
        if (refusal) return refusal;
      }
      const decision = decideEnd(orderId, as, hold);
      if (!decision)
        return { status: "refused", code: "no_hold", reason: `${orderId} holds nothing to ship` };
      return this.resolve(decision);
    });
  }

  /** Puts the pieces of a shipped hold back into stock, or repeats that they are. */
  putBack(orderId: string): Promise<Answer<ReturnStockOutput>> {
    return this.serially(orderId, async () => {
      const decision = decideReturn(await this.hold(orderId, false));
      if (!decision)
        return { status: "refused", code: "not_shipped", reason: `nothing of ${orderId} was shipped` };
      return this.resolve(decision);
    });
  }

  /**
   * Decides at once; `undefined` when it cannot: a decision about this order is in flight, or its hold has to be read.
   * @param first the order reserves in its first record, so no earlier try can have reserved for it
   */
  joinReserve(orderId: string, lines: readonly OrderedLine[], first: boolean): Joined | undefined {
    return this.join(orderId, this.reserveAtOnce(orderId, lines, first));
  }

  /** What `joinReserve` would decide; it changes nothing, and neither do the two below. */
  reserveAtOnce(
    orderId: string,
    lines: readonly OrderedLine[],
    first: boolean,
  ): Decision<ReserveOutput> | undefined {
    if (!this.joinable(orderId) || faultOfLines(lines)) return undefined;
    if (this.holds.get(orderId) !== undefined) return undefined;
    // Not remembered: assumed to be new. If the order does have a hold, the write's precondition fails. A refusal need
    // not be written with the order's first record: that record's own precondition proves that there is no other try.
    const { output, write } = decideHold(orderId, lines, NO_HOLD, this.stock.availability);
    return first && output.outcome !== "reserved" ? { output } : { output, ...(write && { write }) };
  }

  /** The same as `joinReserve` for a release or a shipment of a remembered hold. */
  joinEnd(orderId: string, as: EndHoldOutput["outcome"]): Joined | undefined {
    return this.join(orderId, this.endAtOnce(orderId, as));
  }

  endAtOnce(orderId: string, as: EndHoldOutput["outcome"]): Decision<EndHoldOutput> | undefined {
    if (!this.joinable(orderId)) return undefined;
    const hold = this.holds.get(orderId);
    if (hold === undefined || hold === "unread") return undefined;
    if (as === "shipped" && hold.state === "reserved" && !this.operations.shipsAtOnce(hold.stored.lines))
      return undefined;
    return decideEnd(orderId, as, hold);
  }

  /** The same for the return of a remembered hold. */
  joinReturn(orderId: string): Joined | undefined {
    return this.join(orderId, this.returnAtOnce(orderId));
  }

  returnAtOnce(orderId: string): Decision<ReturnStockOutput> | undefined {
    if (!this.joinable(orderId)) return undefined;
    const hold = this.holds.get(orderId);
    return hold === undefined || hold === "unread" ? undefined : decideReturn(hold);
  }

  /** Decides nothing new; resolves when everything in flight is resolved, joined decisions included. */
  drain(): Promise<void> {
    if (this.open) this.state = "draining";
    this.drained ??= new Promise((resolve) => {
      this.idle = resolve;
    });
    this.checkIdle();
    return this.drained;
  }

  /** The lock is lost: answers all waiting callers at once. */
  close(): void {
    this.state = "closed";
    this.operations.close();
    this.pending.close();
    this.queue.abandon();
    this.idle?.();
  }

  private joinable(orderId: string): boolean {
    return this.open && !this.queue.busy(orderId) && this.pending.unresolved < this.limits.unresolved;
  }

  private join<T>(orderId: string, decision: Decision<T> | undefined): Joined | undefined {
    if (!decision) return undefined;
    const { output, write } = decision;
    if (!write) return this.pending.join(output, undefined, () => {});
    this.queue.take(orderId);
    return this.pending.join(output, write, (committed, sequences) => {
      this.remember(orderId, committed ? write : undefined, sequences?.get(write.message.subject));
      this.queue.leave(orderId);
      this.checkIdle();
    });
  }

  /** Stores a decision about a hold; `undefined`: another write overtook it, so read and decide again. */
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

  private remember(orderId: string, stored: HoldWrite | undefined, sequence: number | undefined): void {
    this.reader.advance(sequence ?? 0);
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
      this.reader.last(inventorySubjects.hold(orderId)),
    );
    const hold = holdOf(stored);
    if (hold.state !== "none") this.holds.set(orderId, hold);
    return hold;
  }

  /** Runs `attempt` alone for its key, and again while it returns `undefined`, a bounded number of times. */
  private async serially<T>(
    key: string,
    attempt: (number: number) => Promise<Answer<T> | undefined>,
  ): Promise<Answer<T>> {
    if (!this.open) return { status: "not_owner" };
    if (this.pending.unresolved >= this.limits.unresolved) return { status: "overloaded" };
    const entered = this.queue.enter(key);
    if (!entered) return { status: "overloaded" };
    this.active++;
    await entered;
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
    if (this.active === 0 && this.pending.unresolved === 0) this.idle?.();
  }
}
