/** How a machine repeats a failed effect: growing pauses, bounded in length and in number (about ten hours). */
export const retry = { firstMs: 1_000, longestMs: 900_000, most: 48 } as const;

/** Pause after `tries` failures in a row (1 or more), ms: doubles each time up to the longest. */
export function retryDelayMs(tries: number): number {
  // The exponent is bounded too: 2 ** 2000 is Infinity.
  return Math.min(retry.firstMs * 2 ** Math.min(Math.max(tries - 1, 0), 30), retry.longestMs);
}

/** False when the bound is reached: the machine then waits for an operator's `retry`. */
export function mayRetry(tries: number): boolean {
  return tries < retry.most;
}

/** How often the machine checks a page after the order has ended: growing pauses, half a day in all by default. */
export const lateLooks = { factor: 4, most: 8 } as const;

/** False after about two minutes of retried reservations: no caller waits longer for an order. */
export function mayReserveAgain(tries: number): boolean {
  return tries < 8;
}
