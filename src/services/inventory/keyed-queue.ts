/**
 * One at a time per key: decisions about one order's hold, and puts on one SKU, wait for the one before them.
 * Owns: who holds a key and who waits for it.  Does not own: time limits.
 * Invariants
 *   T1. A key has at most one holder; waiters get it in the order in which they asked.
 *   T2. At most `capacity` callers wait in all; the next one is turned away.
 */
export class KeyedQueue {
  private readonly waiting = new Map<string, (() => void)[]>();
  private readonly capacity: number;
  private waiters = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  busy(key: string): boolean {
    return this.waiting.has(key);
  }

  /** Takes a key that is free. @throws Error when it is not: ask `busy` first. */
  take(key: string): void {
    if (this.waiting.has(key)) throw new Error(`turn of ${key} is taken`);
    this.waiting.set(key, []);
  }

  /** Resolves when the caller holds the key; `undefined` at once when too many wait already. */
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

  /** Hands the key to the next waiter, who stays its holder until it leaves in turn. */
  leave(key: string): void {
    const next = this.waiting.get(key)?.shift();
    if (next) {
      this.waiters--;
      next();
    } else this.waiting.delete(key);
  }

  /** Wakes every waiter at once, holders or not: for an owner that has lost everything there is to take turns on. */
  abandon(): void {
    const queues = [...this.waiting.values()];
    this.waiting.clear();
    this.waiters = 0;
    for (const queue of queues) for (const wake of queue) wake();
  }
}
