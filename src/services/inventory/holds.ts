/**
 * Remembers the most recent holds, so that ending one needs no read.
 * Owns: the latest known state of at most `capacity` holds.  Does not own: the truth, which is in the log.
 * Invariants
 *   recent-holds.H1. A remembered state with a sequence was acknowledged by the server. A precondition on it can fail
 *       only when another node wrote that hold, which the lock forbids.
 *   recent-holds.H2. Forgetting any entry is safe: the next decision reads the hold from the log, or its precondition
 *       fails.
 */
import type { StoredMessage } from "../../runtime/ports.ts";
import { readHold, type StoredHold } from "./stored.ts";

/** What is known of one order's hold. `sequence`: its last message in the stream, 0 when there is none. */
export type Hold =
  | { readonly state: "none"; readonly sequence: 0 }
  | { readonly state: StoredHold["state"]; readonly sequence: number; readonly stored: StoredHold };

/** `unread`: a hold is or may be stored, so the next write needs a read first. */
export type Remembered = Hold | "unread";

/** Nothing was ever stored for the order. */
export const NO_HOLD: Hold = { state: "none", sequence: 0 };

/** The hold in its latest message. @throws Error for a message that is no hold. */
export function holdOf(message: StoredMessage | undefined): Hold {
  if (!message) return NO_HOLD;
  const stored = readHold(message.payload);
  return { state: stored.state, sequence: message.sequence, stored };
}

/**
 * Two generations: an entry that was not read while a whole generation grew is forgotten. That is nearly least recently
 * used, without the cost of deleting single entries from a large map.
 */
export class RecentHolds {
  private readonly perGeneration: number;
  private young = new Map<string, Remembered>();
  private old = new Map<string, Remembered>();

  /** @param capacity orders, 2 or more; about half a kilobyte each while reserved. */
  constructor(capacity: number) {
    this.perGeneration = Math.floor(capacity / 2);
  }

  get(orderId: string): Remembered | undefined {
    const young = this.young.get(orderId);
    if (young !== undefined) return young;
    const old = this.old.get(orderId);
    if (old !== undefined) this.set(orderId, old);
    return old;
  }

  set(orderId: string, hold: Remembered): void {
    this.young.set(orderId, hold);
    if (this.young.size < this.perGeneration) return;
    this.old = this.young;
    this.young = new Map();
  }
}
