import type { Journal } from "../ports.ts";

/** Something that exactly one node at a time owns through a lock: a partition of actors, a shard of inventory. */
export interface OwnedResource {
  /** Key in the lock bucket and name in logs, e.g. `partition.7`, `inventory.0`. */
  readonly name: string;
  /** Subject of its lock. */
  readonly lock: string;
  /** The stream that its lock is in. */
  readonly journal: Journal;
  /**
   * The lock is won with revision `epoch`: load what is stored and open for work. A rejection releases the lock
   * again. May be called again after `revoke` or `drain`, with a higher epoch.
   */
  acquire(epoch: number): Promise<void>;
  /** The lock is lost: forget everything now, answer waiting callers "not the owner". */
  revoke(): void;
  /** The lock will be released: take no new work, resolve when everything submitted is settled. */
  drain(): Promise<void>;
}

/**
 * Why nothing may be answered from memory under a held lock right now: the node is cut off, or was, and does not know yet
 * whether it still holds the lock. `undefined`: nothing is against it. What is written needs no such care.
 */
export type Unverified = (lock: string) => string | undefined;
