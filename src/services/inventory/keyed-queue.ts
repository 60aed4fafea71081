/**
 * Serializes work per key: decisions about one order's hold, and puts on one SKU, wait for the earlier one.
 * Owns: each key's holder and its waiters.  Does not own: time limits.
 * Invariants
 *   keyed-queue.Q1. A key has at most one holder; waiters get it in the order in which they entered.
 *   keyed-queue.Q2. At most `capacity` callers wait in all; the queue rejects further ones.
 */
export class KeyedQueue {
  private readonly waiting = new Map<string, (() => void)[]>();
  private readonly capacity: number;
  private waiters = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** True while a caller holds the key. */
  busy(key: string): boolean {
    return this.waiting.has(key);
  }

  /** Takes a key that is free. @throws Error when it is not: check `busy` first. */
  take(key: string): void {
    if (this.waiting.has(key)) throw new Error(`the key ${key} is taken`);
    this.waiting.set(key, []);
  }

  /** Resolves when the caller holds the key; `undefined` at once when too many callers wait. */
  enter(key: string): Promise<void> | undefined {
    const queue = this.waiting.get(key);
    if (!queue) {
      this.waiting.set(key, []);
      return Promise.resolve();
    }
    if (this.waiters >= this.capacity) return undefined;
    this.waiters++;
    return new Promise((resolve) => queue.push(resolve));
  }

  /** Passes the key to the next waiter, which holds it until it leaves. */
  leave(key: string): void {
    const next = this.waiting.get(key)?.shift();
    if (next) {
      this.waiters--;
      next();
    } else this.waiting.delete(key);
  }

  /** Wakes all waiters at once, without a key: for an owner that has lost the shard. */
  abandon(): void {
    const queues = [...this.waiting.values()];
    this.waiting.clear();
    this.waiters = 0;
    for (const queue of queues) for (const wake of queue) wake();
  }
}
