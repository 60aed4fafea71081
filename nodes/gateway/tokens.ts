/** What the simulator does with a payment token: the faults that a client of a gateway has to live with. */
export type Behaviour =
  | "authorize"
  | "decline"
  /** Never answers and never books anything. */
  | "never_answer"
  /** Answers, and books, after a pause; also when the client has gone away meanwhile. */
  | "slow"
  /** Fails twice per idempotency key, then behaves. */
  | "fail_twice"
  /** Books, then drops the connection; the repeat or the look-up finds the result. */
  | "lose_answer"
  /** Authorises; the first two captures of that authorisation are refused. */
  | "refuse_captures"
  /** Authorises for three seconds. */
  | "lapse_soon"
  | "unknown";

const behaviours: Readonly<Record<string, Behaviour>> = {
  tok_ok: "authorize",
  tok_declined: "decline",
  tok_timeout: "never_answer",
  tok_slow: "slow",
  tok_error_then_ok: "fail_twice",
  tok_lost_answer: "lose_answer",
  tok_capture_refused_twice: "refuse_captures",
  tok_lapses_soon: "lapse_soon",
};

/** By the token's name; any other text is `unknown`. */
export function behaviourOf(token: string): Behaviour {
  return Object.hasOwn(behaviours, token) ? (behaviours[token] ?? "unknown") : "unknown";
}

/**
 * Counts down faults per key: the first `times` calls for a key say true. Remembers the newest `capacity` keys;
 * one that was forgotten, or a restart, starts anew.
 */
export class FaultCounter {
  private readonly times: number;
  private readonly capacity: number;
  private readonly seen = new Map<string, number>();

  constructor(times: number, capacity: number) {
    this.times = times;
    this.capacity = capacity;
  }

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
