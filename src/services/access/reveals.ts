/**
 * Who may see an order without masks, in one bucket that every node follows: an answer is decided from memory.
 * Owns: what this node knows of the reveals.  Does not own: why, which is in the audit log.
 * Invariants
 *   reveals.R1. A reveal ends `REVEAL_MS` after it was stored, on every node, whatever the bucket still has.
 * Proved by: test/unit/services/access/reveals.test.ts
 * A crash leaves a stored reveal that ends by itself.
 */
import { createHash } from "node:crypto";
import type { Bucket, Clock, Subscription } from "../../runtime/ports.ts";
import { orUnavailable, unavailable } from "../unavailable.ts";
import type { Reveals } from "./contract.ts";

/** KV bucket of the reveals: `<order>.<hash of the caller>`, the end as ms since the epoch. */
export const REVEALS = "REVEALS";
/** How long an order is shown, ms. The server drops the entries after that. */
export const REVEAL_MS = 10 * 60_000;
const TRIES = 5;

/** What the reveals need of their process. */
export type RevealsOptions = {
  readonly bucket: Pick<Bucket, "get" | "update" | "watch">;
  /** The server's time. */
  readonly clock: Pick<Clock, "now">;
};

/** See the top of the file. */
export class StoredReveals implements Reveals {
  private readonly options: RevealsOptions;
  /** Ends, ms since the epoch, by key. Those that have passed are dropped at the next change. */
  private readonly ends = new Map<string, number>();

  constructor(options: RevealsOptions) {
    this.options = options;
  }

  /** Resolves when all present entries are known. @throws Unavailable (retryable) */
  async start(): Promise<Subscription> {
    return await this.options.bucket.watch(({ key, value }) => {
      if (value !== undefined) this.learn(key, Number(value));
    });
  }

  async reveal(orderId: string, callerId: string): ReturnType<Reveals["reveal"]> {
    return await orUnavailable(() => this.store(keyOf(orderId, callerId)));
  }

  private async store(key: string): ReturnType<Reveals["reveal"]> {
    const { bucket, clock } = this.options;
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const end = clock.now() + REVEAL_MS;
      const stored = await bucket.get(key);
      const result = await bucket.update(key, String(end), stored?.revision ?? 0);
      if (result.status === "unanswered") return unavailable(result.reason);
      if (result.status === "conflict") continue;
      this.learn(key, end);
      return { status: "revealed", until: new Date(end).toISOString() };
    }
    return unavailable(`the order could not be revealed in ${TRIES} tries; repeat the request`);
  }

  isRevealed(orderId: string, callerId: string): boolean {
    if (this.ends.size === 0) return false;
    return (this.ends.get(keyOf(orderId, callerId)) ?? 0) > this.options.clock.now();
  }

  private learn(key: string, end: number): void {
    const now = this.options.clock.now();
    for (const [known, until] of this.ends) if (until <= now) this.ends.delete(known);
    // A text that is no time ends nothing and shows nothing.
    if (end > (this.ends.get(key) ?? now)) this.ends.set(key, Math.min(end, now + REVEAL_MS));
  }
}

/** Ids of callers may have characters that keys of a bucket do not. */
const keyOf = (orderId: string, callerId: string): string =>
  `${orderId}.${createHash("sha256").update(callerId).digest("base64url").slice(0, 22)}`;
