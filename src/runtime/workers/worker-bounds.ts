/** Bounds of the workers. Equal on all nodes, which share one consumer, its locks and its retries. */
export type WorkerBounds = {
  /** Events that one node works on at the same time. */
  readonly maxInFlight: number;
  /** Time limit of one attempt, ms. */
  readonly workLimitMs: number;
  /**
   * Life of the lock on an event, ms. After it another worker takes over from one that died. It exceeds `workLimitMs`
   * by more than two nodes may differ about the server's time (a second); otherwise a live worker loses its lock.
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

const HOUR_MS = 60 * 60_000;

/** Life of a processed mark after it was written, days. The server ends it by its own clock. */
export const MARK_DAYS = 30;
/** A new consumer starts with events of this age, days: half a day before they are too old, so that it can do them. */
export const REPLAY_DAYS = 29;
/**
 * An event that the server stored longer ago than this, ms, is too old to be worked on: its mark may have ended. A mark
 * is never older than its event, so it outlives this age by at least twelve hours: up to that the clock of a node may
 * be slow.
 */
export const EVENT_AGE_MAX_MS = (MARK_DAYS * 24 - 12) * HOUR_MS;
