/**
 * Sends the shard's decisions on their way to the log and knows what is still under way.
 * Owns: units that were submitted and not settled, and who waits for them.
 * Does not own: what the decisions mean; batches, which are the relay's.
 * Invariants
 *   C1. Every pledge made in the book ends in `committed` (by the relay) or in `withdraw` (here), once.
 *   C2. After `close` nobody waits any more; what is settled later changes a book that nobody reads.
 */
import { RecordHeader } from "../../runtime/actor/snapshot.ts";
import type { Joined } from "../../runtime/definition.ts";
import type { Ids, Message } from "../../runtime/ports.ts";
import type { LockRef, Outcome, WriteSetSink } from "../../runtime/commit/write-set.ts";
import type { StockProjection, StockChange } from "./stock-projection.ts";

/** One message that says what was decided, its guard, and what it does to the stock. */
export type Write = {
  readonly message: Message;
  /** Last sequence that the message's subject must have. */
  readonly expected: number;
  readonly change?: StockChange;
};

/** `closed`: the shard was lost before the server answered; the unit may be stored. */
export type Fate = Outcome | { readonly status: "closed" };

/** Units of one tenure. The bound on their number is the caller's, by `unsettled`. */
export class PendingCommits {
  private readonly waiting = new Set<(fate: Fate) => void>();
  private readonly sink: WriteSetSink;
  private readonly ids: Ids;
  private readonly lock: LockRef;
  private readonly stock: StockProjection;
  private count = 0;

  constructor(sink: WriteSetSink, ids: Ids, lock: LockRef, stock: StockProjection) {
    this.sink = sink;
    this.ids = ids;
    this.lock = lock;
    this.stock = stock;
  }

  /** Units submitted or joined, and not settled. */
  get unsettled(): number {
    return this.count;
  }

  /** Submits a unit of its own. Resolves with its fate, or with `closed`; never rejects. */
  store({ message, expected, change }: Write): Promise<Fate> {
    const commit = this.ids.next();
    return new Promise((resolve) => {
      this.begin(change);
      this.waiting.add(resolve);
      this.sink.submit({
        commit,
        locks: [this.lock],
        messages: [{ ...message, headers: { [RecordHeader.commit]: commit } }],
        preconditions: [{ subject: message.subject, sequence: expected }],
        ...(change && { deltas: [{ aggregator: this.stock, delta: change }] }),
        resolved: (outcome) => {
          this.end(change, outcome.status === "stored");
          this.waiting.delete(resolve);
          resolve(outcome);
        },
      });
    });
  }

  /** The same as a part of somebody else's unit. `then` hears the fate, after the book. */
  join(output: unknown, write: Write | undefined, then: Joined["resolved"]): Joined {
    const lock = this.lock;
    if (!write) return { output, lock, messages: [], resolved: then };
    const { message, expected, change } = write;
    this.begin(change);
    return {
      output,
      lock,
      messages: [{ ...message, fence: { subject: message.subject, sequence: expected } }],
      ...(change && { deltas: { aggregator: this.stock, delta: change } }),
      resolved: (committed, sequences) => {
        this.end(change, committed);
        then(committed, sequences);
      },
    };
  }

  /** Tells everybody who waits that the shard is lost. */
  close(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const resolve of waiting) resolve({ status: "closed" });
  }

  private begin(change: StockChange | undefined): void {
    this.count++;
    if (change) this.stock.addPending(change);
  }

  private end(change: StockChange | undefined, stored: boolean): void {
    this.count--;
    // What is stored left the pledges in `committed`, together with its effect on the acknowledged stock.
    if (change && !stored) this.stock.removePending(change);
  }
}
