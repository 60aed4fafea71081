/**
 * Bulkhead and circuit breaker for one provider: a bounded number of calls run, later calls wait in a queue, and no
 * call starts while the breaker is open.
 * Owns: the queue, the count of running calls, the breaker.  Does not own: what a call does, time limits, retries.
 * Invariants
 *   limiter.L1. At most `concurrency` calls run at a time.
 *   limiter.L2. Calls start in the order of arrival; a call whose effect was forgotten in the queue never starts.
 *   limiter.L3. While the breaker is not closed, no call waits longer than its deadline.
 * The queue needs no bound of its own: it holds at most one call for each open effect of the actors that this node
 * owns, and admission control bounds those (`effectLimit` of the node).
 * Proved by: test/unit/runtime/effects/provider-limiter.test.ts, effect-runner.test.ts
 */
import { type BreakerState, CircuitBreaker, type Permit, type CallResult } from "./circuit-breaker.ts";
import type { ProviderLimits } from "../definition.ts";
import type { Clock, Log } from "../ports.ts";

/** The state of a provider on this node, for operators. */
export type ProviderStatus = {
  readonly provider: string;
  readonly busy: number;
  /** Calls that may be under way at once. */
  readonly limit: number;
  readonly waiting: number;
  readonly breaker: BreakerState;
  /** Calls that have ended, by what they show of the provider, since the start of the process. */
  readonly calls: Readonly<Record<CallResult, number>>;
};

/** How long a call waits in the queue. */
export type Wait = {
  /** Monotonic ms: until then the call waits for a provider whose breaker is not closed. */
  readonly deadline: number;
  /** Aborted when the effect is forgotten. */
  readonly stop: AbortSignal;
};

type Waiting = Wait & { readonly resume: (permit: Permit | undefined) => void };

/** The permit of a provider without a breaker. */
const ALWAYS: Permit = { stateNumber: 0 };
/** How exactly deadlines are kept while the breaker is not closed. */
const RECHECK_MS = 250;

/** See the top of the file. */
export class ProviderLimiter {
  private readonly provider: string;
  private readonly limits: ProviderLimits;
  private readonly clock: Clock;
  private readonly breaker: CircuitBreaker | undefined;
  private readonly queue = new Set<Waiting>();
  private readonly calls: Record<CallResult, number> = { success: 0, failure: 0, ignored: 0 };
  private busy = 0;
  private ticking = false;

  constructor(
    provider: string,
    limits: ProviderLimits,
    options: { readonly clock: Clock; readonly log: Log },
  ) {
    this.provider = provider;
    this.limits = limits;
    this.clock = options.clock;
    const { breaker } = limits;
    if (!breaker) return;
    this.breaker = new CircuitBreaker(breaker, (from, to) => {
      const fields = { provider, from, to, waiting: this.queue.size };
      if (to === "closed") options.log.info(fields, "provider works again");
      else if (from === "closed") options.log.warn(fields, "provider fails: calls to it wait");
      else options.log.debug(fields, "provider is probed");
    });
  }

  /** How long an effect waits for the provider, ms; infinite without a breaker. */
  get maxWaitMs(): number {
    return this.limits.breaker?.maxWaitMs ?? Number.POSITIVE_INFINITY;
  }

  /** Whether calls run freely: the breaker is closed, or there is none. */
  isClosed(): boolean {
    return this.breaker === undefined || this.breaker.state === "closed";
  }

  /** The state now. */
  status(): ProviderStatus {
    return {
      provider: this.provider,
      busy: this.busy,
      limit: this.limits.concurrency,
      waiting: this.queue.size,
      breaker: this.breaker?.state ?? "closed",
      calls: { ...this.calls },
    };
  }

  /**
   * Makes the call when the queue and the breaker permit it.
   * @returns `undefined` when the call never started: the provider did not work again by the deadline, or the effect
   *   was forgotten
   * @throws what `task` throws
   */
  async call<T>(
    wait: Wait,
    task: () => Promise<T>,
    resultOf: (value: T) => CallResult,
  ): Promise<T | undefined> {
    const permit = await new Promise<Permit | undefined>((resume) => {
      this.queue.add({ ...wait, resume });
      this.advance();
    });
    if (!permit) return undefined;
    let result: CallResult = "ignored";
    try {
      const value = await task();
      result = resultOf(value);
      return value;
    } finally {
      this.busy--;
      this.calls[result]++;
      this.breaker?.report(permit, result, this.clock.monotonic());
      this.advance();
    }
  }

  private advance(): void {
    for (const next of this.queue) {
      if (this.busy >= this.limits.concurrency) break;
      let permit: Permit | undefined;
      if (!next.stop.aborted) {
        permit = this.breaker ? this.breaker.permit(this.clock.monotonic()) : ALWAYS;
        if (!permit) break;
        this.busy++;
      }
      this.queue.delete(next);
      next.resume(permit);
    }
    this.tick();
  }

  /** While the breaker delays calls: schedules the next probe and the check of deadlines. */
  private tick(): void {
    const { breaker } = this;
    if (!breaker || breaker.state === "closed" || this.queue.size === 0 || this.ticking) return;
    this.ticking = true;
    const untilProbe = breaker.probeInMs(this.clock.monotonic()) || RECHECK_MS;
    this.clock.after(Math.min(untilProbe, RECHECK_MS), () => {
      this.ticking = false;
      this.releaseExpired();
      this.advance();
    });
  }

  private releaseExpired(): void {
    if (this.isClosed()) return;
    const now = this.clock.monotonic();
    for (const waiting of this.queue) {
      if (waiting.deadline > now && !waiting.stop.aborted) continue;
      this.queue.delete(waiting);
      waiting.resume(undefined);
    }
  }
}
