/**
 * Submits the shard's decisions to the log and tracks the ones in flight.
 * Owns: write sets that were submitted and not resolved, and the callers that wait for them.
 * Does not own: what the decisions mean; batches, which are the relay's.
 * Invariants
 *   pending-commits.C1. Every pending allocation ends in `committed` (called by the relay) or in `removePending`
 *       (called here), once.
 *   pending-commits.C2. After `close` no caller waits; later outcomes change a stock projection that is no longer read.
 */
import { RecordHeader } from "../../runtime/actor/snapshot.ts";
import type { Joined } from "../../runtime/definition.ts";
import type { Ids, Message } from "../../runtime/ports.ts";
import type { Answer } from "./protocol.ts";
import type { LockRef, Outcome, WriteSetSink } from "../../runtime/commit/write-set.ts";
import type { StockProjection, StockChange } from "./stock-projection.ts";

/** One message with the decision, its precondition, and its change of the stock. */
export type Write = {
  readonly message: Message;
  /** Last sequence that the message's subject must have. */
  readonly expected: number;
  readonly change?: StockChange;
  /** A message that must be new, in the same write set. */
  readonly made?: Message;
};

/** `closed`: the shard was lost before the server answered; the write set may be stored. */
export type Fate = Outcome | { readonly status: "closed" };

/** Write sets of one tenure. The caller bounds their number by `unresolved`. */
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

  /** Write sets submitted or joined, and not resolved. */
  get unresolved(): number {
    return this.count;
  }

  /** Submits a separate write set. Resolves with its outcome, or with `closed`; never rejects. */
  store({ message, expected, change, made }: Write): Promise<Fate> {
    const commit = this.ids.next();
    return new Promise((resolve) => {
      this.begin(change);
      this.waiting.add(resolve);
      this.sink.submit({
        commit,
        locks: [this.lock],
        messages: [message, ...(made ? [made] : [])].map((one) => ({
          ...one,
          headers: { [RecordHeader.commit]: commit },
        })),
        preconditions: [
          { subject: message.subject, sequence: expected },
          ...(made ? [{ subject: made.subject, sequence: 0 }] : []),
        ],
        ...(change && { deltas: [{ aggregator: this.stock, delta: change }] }),
        resolved: (outcome) => {
          this.end(change, outcome.status === "stored");
          this.waiting.delete(resolve);
          resolve(outcome);
        },
      });
    });
  }

  /** Joins the write set of an order instead. Calls `then` with the outcome, after the stock has taken it in. */
  join(output: unknown, write: Write | undefined, then: Joined["resolved"]): Joined {
    const lock = this.lock;
    if (!write) return { output, lock, messages: [], resolved: then };
    const { message, expected, change } = write;
    this.begin(change);
    return {
      output,
      lock,
      messages: [{ ...message, fence: { subject: message.subject, sequence: expected } }],
      ...(change && { delta: { aggregator: this.stock, delta: change } }),
      resolved: (committed, sequences) => {
        this.end(change, committed);
        then(committed, sequences);
      },
    };
  }

  /** Answers all waiting callers with `closed`: the shard is lost. */
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
    // For a stored one `committed` has removed the pending allocation and changed the acknowledged stock.
    if (change && !stored) this.stock.removePending(change);
  }
}

/** The answer to a caller whose write set was not stored, or may not have been. */
export function unstored(fate: Exclude<Fate, { status: "stored" }>): Answer<never> {
  if (fate.status === "closed") return { status: "not_owner" };
  if (fate.status === "refused") return { status: "unavailable", reason: `refused: ${fate.reason}` };
  return fate.why === "lock_moved"
    ? { status: "not_owner" }
    : { status: "unavailable", reason: `dropped: ${fate.why}` };
}
