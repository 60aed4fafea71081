import type { Journal } from "../ports.ts";

/** A resource that at most one node at a time owns through a lock: a partition of actors, a shard of inventory. */
export interface OwnedResource {
  /** Key in the lock bucket and name in logs, e.g. `partition.7`, `inventory.0`. */
  readonly name: string;
  /** Subject of its lock. */
  readonly lock: string;
  /** The stream that its lock is in. */
  readonly journal: Journal;
  /**
   * This node has won the lock with revision `epoch`: load what is stored and open for work. A rejected promise
   * releases the lock. May be called again after `revoke` or `drain`, with a higher epoch.
   */
  acquire(epoch: number): Promise<void>;
  /** The lock is lost: forget everything now, and answer waiting callers "not the owner". */
  revoke(): void;
  /** The lock will be released: accept no new work, and resolve when every write set submitted is resolved. */
  drain(): Promise<void>;
}

/**
 * Why a held lock does not permit answers from memory now: the node is isolated, or it was isolated and has not
 * verified the lock since. `undefined`: answers are permitted. Writes do not need this check.
 */
export type Unverified = (lock: string) => string | undefined;
