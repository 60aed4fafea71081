/** What a node knows of one lock. Data only. */
import type { LockEntry } from "./lock-entry.ts";
import type { OwnedResource } from "./owned-resource.ts";

/** Where this node is with a lock. */
export type LockState = "free" | "claiming" | "acquiring" | "held" | "releasing";

/** One lock and its resource, as ownership follows them. */
export type LockSlot = {
  readonly resource: OwnedResource;
  state: LockState;
  /** The newest lock entry seen; undefined when it is unreadable or deleted: then no node holds the lock. */
  entry: LockEntry | undefined;
  /** The entry that the newest claim replaces. */
  replaced: LockEntry | undefined;
  revision: number;
  epoch: number;
  nonce: string;
  /** The round of lock verification in which the claim was sent. */
  verificationRound: number;
};

/** A lock of which nothing is known yet. */
export function unknownLock(resource: OwnedResource): LockSlot {
  return {
    resource,
    state: "free",
    entry: undefined,
    replaced: undefined,
    revision: 0,
    epoch: 0,
    nonce: "",
    verificationRound: 0,
  };
}
