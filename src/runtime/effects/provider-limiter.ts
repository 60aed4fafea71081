/**
 * The way to one outside system: so many calls at once, the others in line, and none while its breaker is open.
 * Owns: the line, the calls' places, the breaker.  Does not own: what a call does, its time limit, its repetition.
 * Invariants
 *   L1. At most `concurrency` calls are under way.
 *   L2. First come, first served; a call whose effect was forgotten in line is never begun.
 *   L3. While the breaker is not closed nobody waits beyond his deadline.
 * The line needs no bound of its own: it holds at most one call for each open effect of the orders that this node
 * owns, and those are bounded by admission (`effectLimit` of the node).
 * Proved by: test/unit/runtime/effects/provider-limiter.test.ts, effect-runner.test.ts
 */
import { type BreakerState, CircuitBreaker, type Permit, type CallResult } from "./circuit-breaker.ts";
import type { ProviderLimits } from "../definition.ts";
import type { Clock, Log } from "../ports.ts";

/** For operators. */
export type ProviderStatus = {
  readonly provider: string;
  readonly busy: number;
  readonly waiting: number;
  readonly breaker: BreakerState;
};

export type Wait = {
  /** Monotonic ms: how long to wait for a provider whose breaker is not closed. */
  readonly deadline: number;
  readonly stop: AbortSignal;
};

type Waiting = Wait & { readonly go: (permit: Permit | undefined) => void };

const UNBROKEN: Permit = { era: 0 };
/** How exactly deadlines are kept while the breaker is not closed. */
const LOOK_AGAIN_MS = 250;

export class ProviderLimiter {
  private readonly provider: string;
  private readonly limits: ProviderLimits;
  private readonly clock: Clock;
  private readonly breaker: CircuitBreaker | undefined;
  private readonly line = new Set<Waiting>();
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
      const fields = { provider, from, to, waiting: this.line.size };
      if (to === "closed") options.log.info(fields, "provider is back");
      else if (from === "closed") options.log.warn(fields, "provider fails: calls to it are held back");
      else options.log.debug(fields, "provider is tried again");
    });
  }

  /** Without a breaker, for ever. */
  get maxWaitMs(): number {
    return this.limits.breaker?.maxWaitMs ?? Number.POSITIVE_INFINITY;
  }

  /** Nothing is known against the provider. */
  isClosed(): boolean {
    return this.breaker === undefined || this.breaker.state === "closed";
  }

  status(): ProviderStatus {
    return {
      provider: this.provider,
      busy: this.busy,
      waiting: this.line.size,
      breaker: this.breaker?.state ?? "closed",
    };
  }

  /**
   * Makes the call when its turn has come. `undefined`: never begun, because the provider was not back by the
   * deadline, or the effect was forgotten.
   */
  async call<T>(
    wait: Wait,
    task: () => Promise<T>,
    verdictOf: (result: T) => CallResult,
  ): Promise<T | undefined> {
    const permit = await new Promise<Permit | undefined>((go) => {
      this.line.add({ ...wait, go });
      this.advance();
    });
    if (!permit) return undefined;
    let verdict: CallResult = "ignored";
    try {
      const result = await task();
      verdict = verdictOf(result);
      return result;
    } finally {
      this.busy--;
      this.breaker?.report(permit, verdict, this.clock.monotonic());
      this.advance();
    }
  }

  private advance(): void {
    for (const next of this.line) {
      if (this.busy >= this.limits.concurrency) break;
      let permit: Permit | undefined;
      if (!next.stop.aborted) {
        permit = this.breaker ? this.breaker.permit(this.clock.monotonic()) : UNBROKEN;
        if (!permit) break;
        this.busy++;
      }
      this.line.delete(next);
      next.go(permit);
    }
    this.tick();
  }

  /** As long as the breaker keeps somebody waiting: the next probe, and the end of patience. */
  private tick(): void {
    const { breaker } = this;
    if (!breaker || breaker.state === "closed" || this.line.size === 0 || this.ticking) return;
    this.ticking = true;
    const untilProbe = breaker.probeInMs(this.clock.monotonic()) || LOOK_AGAIN_MS;
    this.clock.after(Math.min(untilProbe, LOOK_AGAIN_MS), () => {
      this.ticking = false;
      this.sendAway();
      this.advance();
    });
  }

  private sendAway(): void {
    if (this.isClosed()) return;
    const now = this.clock.monotonic();
    for (const waiting of this.line) {
      if (waiting.deadline > now && !waiting.stop.aborted) continue;
      this.line.delete(waiting);
      waiting.go(undefined);
    }
  }
}
