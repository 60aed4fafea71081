/** Counts of a node's takeovers by their reason, for operators. */
import type { LockEntry } from "./lock-entry.ts";

/** Why a node took a resource over. */
export const takeoverReasons = [
  /** No node had it: the cluster is new, or its lock entry cannot be read. */
  "first",
  /** Its owner handed it over, or released it when it stopped. */
  "released",
  /** Its owner is not present: a failover. */
  "failover",
  /** Its owner was this node: a process before, or this one, which had lost the lock. */
  "own",
] as const;

/** See {@link takeoverReasons}. */
export type TakeoverReason = (typeof takeoverReasons)[number];

/** Since the start of the process. */
export type TakeoverCounts = Readonly<Record<TakeoverReason, number>> & {
  /** Locks that another node took while this one held them. */
  readonly lost: number;
};

/** No takeover yet. */
export const noTakeovers: TakeoverCounts = { first: 0, released: 0, failover: 0, own: 0, lost: 0 };

/** Why `node` takes a lock whose entry is `replaced`. */
export function takeoverReason(replaced: LockEntry | undefined, node: string): TakeoverReason {
  if (replaced === undefined) return "first";
  if (replaced.node === "") return "released";
  return replaced.node === node ? "own" : "failover";
}
