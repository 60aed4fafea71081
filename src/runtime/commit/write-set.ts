/**
 * A write set: all that one decision writes. It is stored whole or not at all. The outbox holds write sets, the relay
 * publishes them.
 */
import type { Aggregator } from "../definition.ts";
import type { Message } from "../ports.ts";

/** A lock that this node holds: its subject, and the revision with which it won the lock. */
export type LockRef = { readonly subject: string; readonly epoch: number };

/**
 * A literal subject that the write set writes, with the last sequence that the subject must still have.
 * `sequence`: the expected last sequence, 0 for none. `undefined`: the write set depends on an earlier write set of the
 * same subject that is still in the outbox, and is dropped with it.
 */
export type Precondition = { readonly subject: string; readonly sequence: number | undefined };

/** How a write set was resolved. */
export type Outcome =
  /** `sequences`: by subject with a precondition, its last sequence now; `lastSequence`: the end of the batch. */
  | {
      readonly status: "stored";
      readonly sequences: ReadonlyMap<string, number>;
      readonly lastSequence: number;
    }
  /**
   * Not stored, and never will be. `fenced`: another writer wrote a subject with a precondition, or the write set
   * depended on one that was dropped. `lock_moved`: a lock has another epoch. `store_unavailable`: the local store
   * refused it.
   */
  | { readonly status: "dropped"; readonly why: "fenced" | "lock_moved" | "store_unavailable" }
  /** Not stored: the server rejects this write set itself (too large, malformed). Not retryable. */
  | { readonly status: "refused"; readonly code: number; readonly reason: string };

/** What one decision writes. */
export type WriteSet = {
  /** Unique; also the `Orderly-Commit` header of every message with a precondition, which identifies it in the log. */
  readonly commit: string;
  /** Every lock under which the decision was made. At least one, and all in one stream. */
  readonly locks: readonly LockRef[];
  /** Without fences: the relay adds them. Every subject with a precondition occurs exactly once. */
  readonly messages: readonly Message[];
  /**
   * At least one. The relay repeats a batch without an answer, and an earlier attempt may be stored after the
   * repetition. Without a precondition it would overwrite what has been written since.
   */
  readonly preconditions: readonly Precondition[];
  /** Changes that the relay sums per batch, by their aggregator. */
  readonly deltas?: readonly { readonly aggregator: Aggregator; readonly delta: unknown }[];
  /**
   * Called exactly once, in the order of submission among write sets of one subject, with one exception:
   * `store_unavailable` may be reported before the outcome of earlier write sets is known. A reader that loads the
   * subject again after it has to wait for these. Must not throw.
   */
  resolved(outcome: Outcome): void;
};

/** Accepts write sets. Implemented by the relay. */
export interface WriteSetSink {
  /** Accepts the write set and reports its outcome through `resolved`. Submit write sets of one subject in order. */
  submit(writeSet: WriteSet): void;
}
