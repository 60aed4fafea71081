/**
 * What one decision writes: sent whole or dropped whole. The outbox holds units, the relay publishes them.
 */
import type { Aggregator } from "../definition.ts";
import type { Message } from "../ports.ts";

/** A lock that this node holds: its subject and the revision with which it was won. */
export type LockRef = { readonly subject: string; readonly epoch: number };

/**
 * A literal subject that the unit writes and on which it must not have been overtaken.
 * `sequence`: the expected last sequence, 0 for none; `undefined`: stands behind an earlier unit for the same
 * subject that is still in the outbox, and is dropped with it.
 */
export type Precondition = { readonly subject: string; readonly sequence: number | undefined };

export type Outcome =
  /** `sequences`: where the guarded subjects stand now; `lastSequence`: the end of the batch. */
  | {
      readonly status: "stored";
      readonly sequences: ReadonlyMap<string, number>;
      readonly lastSequence: number;
    }
  /**
   * Certainly not stored and never will be: somebody else wrote a guarded subject (`fenced`; also units that
   * stood behind such a one), a lock has moved, or the local store could not take it.
   */
  | { readonly status: "dropped"; readonly why: "fenced" | "lock_moved" | "store_unavailable" }
  /** Certainly not stored: the server refuses this very unit (too large, malformed). */
  | { readonly status: "refused"; readonly code: number; readonly reason: string };

export type WriteSet = {
  /** Unique; also the `Orderly-Commit` header of every guarded message, by which it is recognised. */
  readonly commit: string;
  /** Every lock under which the unit was decided. At least one, and all in one stream. */
  readonly locks: readonly LockRef[];
  /** Without fences: the relay adds them. Every guarded subject occurs exactly once. */
  readonly messages: readonly Message[];
  /**
   * At least one. A batch without an answer is repeated, and an earlier attempt may land after the repetition was
   * stored: what is guarded nowhere would be written a second time, over what has been written since.
   */
  readonly preconditions: readonly Precondition[];
  readonly deltas?: readonly { readonly aggregator: Aggregator; readonly delta: unknown }[];
  /**
   * Called exactly once, in the order of submission among units of one guarded subject. Only `store_unavailable` may be
   * told in front of earlier ones, which are stored or not all the same: whoever reads the subject anew after it has to
   * wait for them. Must not throw.
   */
  resolved(outcome: Outcome): void;
};

/** Where units go. Implemented by the relay. */
export interface WriteSetSink {
  /** Takes the unit; its fate is told through `settled`. Units of one subject are submitted in order. */
  submit(writeSet: WriteSet): void;
}
