/** The simulator's behavior per payment token: the faults that a client of a gateway must handle. */
export type Behavior =
  | "authorize"
  | "decline"
  /** Never answers and never books. */
  | "never_answer"
  /** Answers, and books, after a pause, even when the client has disconnected meanwhile. */
  | "slow"
  /** Fails twice per idempotency key, then authorizes. */
  | "fail_twice"
  /** Books, then drops the connection; a repetition or a status query finds the result. */
  | "lose_answer"
  /** Authorizes; the first two captures of that authorization are refused. */
  | "refuse_captures"
  /** Authorizes for three seconds. */
  | "lapse_soon"
  | "unknown";

const behaviors: Readonly<Record<string, Behavior>> = {
  tok_ok: "authorize",
  tok_declined: "decline",
  tok_timeout: "never_answer",
  tok_slow: "slow",
  tok_error_then_ok: "fail_twice",
  tok_lost_answer: "lose_answer",
  tok_capture_refused_twice: "refuse_captures",
  tok_lapses_soon: "lapse_soon",
};

/** The behavior of a token; any other text is `unknown`. */
export function behaviorOf(token: string): Behavior {
  return Object.hasOwn(behaviors, token) ? (behaviors[token] ?? "unknown") : "unknown";
}

/**
 * Counts faults per key: the first `times` calls for a key return true. Remembers the newest `capacity` keys; after a
 * restart, or for a forgotten key, the count starts again.
 */
export class FaultCounter {
  private readonly times: number;
  private readonly capacity: number;
  private readonly seen = new Map<string, number>();

  constructor(times: number, capacity: number) {
    this.times = times;
    this.capacity = capacity;
  }

  /** Whether this call for the key fails. */
  strikes(key: string): boolean {
    const seen = this.seen.get(key) ?? 0;
    if (seen >= this.times) return false;
    this.seen.set(key, seen + 1);
    if (this.seen.size > this.capacity) {
      for (const oldest of this.seen.keys()) {
        this.seen.delete(oldest);
        break;
      }
    }
    return true;
  }
}
