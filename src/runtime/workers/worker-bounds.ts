/** Bounds of the workers. Equal on all nodes, which share one consumer, its locks and its retries. */
export type WorkerBounds = {
  /** Events that one node works on at the same time. */
  readonly maxInFlight: number;
  /** Time limit of one attempt, ms. */
  readonly workLimitMs: number;
  /**
   * Life of the lock on an event, ms. After it another worker takes over from one that died. It exceeds `workLimitMs`
   * by more than the clocks of the nodes may differ; otherwise a live worker loses its lock.
   */
  readonly lockLifeMs: number;
  /** Pause before attempt n + 1 is `backoffMs * 2^(n-1)`, at most `backoffMaxMs`. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** After this number of attempts the event becomes a dead letter. */
  readonly maxAttempts: number;
};

/** Returns the bounds, frozen. @throws RangeError when bounds contradict each other: programmer fault */
export function checked(bounds: WorkerBounds): WorkerBounds {
  const { maxInFlight, workLimitMs, lockLifeMs, backoffMs, backoffMaxMs, maxAttempts } = bounds;
  const fault =
    (maxInFlight < 1 && "maxInFlight is below 1") ||
    (maxAttempts < 1 && "maxAttempts is below 1") ||
    (workLimitMs * 1.2 > lockLifeMs && "lockLifeMs must be at least 1.2 * workLimitMs") ||
    (backoffMs > backoffMaxMs && "backoffMs is above backoffMaxMs");
  if (fault !== false) throw new RangeError(`worker bounds: ${fault}`);
  return Object.freeze({ ...bounds });
}

/**
 * A new consumer starts with events of this age, days. Less than the age of entries in bucket PROCESSED (30 days): an
 * older event may have been processed, and no entry would show it.
 */
export const REPLAY_DAYS = 29;
