/**
 * Places for the mails that are sent at the same time. Further mails wait for a place, a bounded time.
 * Owns: the places, and who waits.  Does not own: the mails.
 * Invariants
 *   places.M1. Not more than `count` places are taken.
 *   places.M2. A mail whose attempt was aborted while it waited never gets a place: it is not sent late.
 * Proved by: test/unit/services/mail-places.test.ts
 */

/** The places of one mail server. */
export class MailPlaces {
  private free: number;
  private readonly maxWaitMs: number;
  private readonly waiting = new Set<() => void>();

  /** @param maxWaitMs how long a mail waits for a place */
  constructor(count: number, maxWaitMs: number) {
    this.free = count;
    this.maxWaitMs = maxWaitMs;
  }

  /**
   * Sends in a place, which is free again when `send` has settled.
   * @throws Error when there is no place in time, or the signal is aborted before there is one; what `send` throws
   */
  async within(send: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    await this.take(signal);
    try {
      signal?.throwIfAborted();
      await send();
    } finally {
      const [next] = this.waiting;
      // The next mail takes the place over.
      if (next) next();
      else this.free++;
    }
  }

  private take(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.free > 0) {
      this.free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        this.waiting.delete(go);
        clearTimeout(late);
        signal?.removeEventListener("abort", abort);
        settle();
      };
      const go = () => end(resolve);
      const abort = () => end(() => reject(signal?.reason as Error));
      const late = setTimeout(
        () =>
          end(() =>
            reject(new Error(`no connection to the mail server was free within ${this.maxWaitMs} ms`)),
          ),
        this.maxWaitMs,
      );
      this.waiting.add(go);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }
}
