/**
 * Holds of the orders that were last decided about, so that ending one needs no read.
 * Owns: the latest known state of at most `capacity` holds.  Does not own: the truth, which is the log.
 * Invariants
 *   H1. A remembered state with a sequence was acknowledged by the server; a guard on it can only fail when
 *       somebody else wrote that hold, which the lock forbids.
 *   H2. Forgetting any entry is safe: the next decision reads the hold from the log, or is refused by its guard.
 */
import type { StoredMessage } from "../../runtime/ports.ts";
import { readHold } from "./stored.ts";
import type { StoredHold } from "./stored.ts";

/** What is known of one order's hold. `sequence`: its last message in the stream, 0 when there is none. */
export type Hold =
  | { readonly state: "none"; readonly sequence: 0 }
  | { readonly state: StoredHold["state"]; readonly sequence: number; readonly stored: StoredHold };

/** `unread`: something is stored, or may be, that has to be read before the next write. */
export type Remembered = Hold | "unread";

/** Nothing was ever stored for the order. */
export const NO_HOLD: Hold = { state: "none", sequence: 0 };

/** @throws Error for a message that is no hold. */
export function holdOf(message: StoredMessage | undefined): Hold {
  if (!message) return NO_HOLD;
  const stored = readHold(message.payload);
  return { state: stored.state, sequence: message.sequence, stored };
}

/**
 * Two generations: what was not asked for while a whole generation grew is forgotten. Nearly the least recently
 * used first, and without the cost of taking single entries out of the front of a large map.
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
