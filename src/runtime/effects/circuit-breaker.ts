/**
 * Tells whether calls to one outside system make sense right now, from how the last ones went. Pure: time comes in.
 * Owns: the count of failures and the state.  Does not own: the calls, who waits for one.
 * Invariants
 *   B1. Closed until `failures` calls in a row have failed, with no success among them.
 *   B2. Open lets nothing through; after `probeEveryMs` it lets up to `PROBES` calls through, and is half open.
 *   B3. Half open: the first success closes it; when every probe has failed, it is open again.
 *   B4. What began before the latest change of state says nothing about the state now, and is not counted.
 * Proved by: test/unit/runtime/effects/circuit-breaker.test.ts
 */
import type { BreakerLimits } from "../definition.ts";

export type BreakerState = "closed" | "open" | "half_open";

/** What a call says of its provider. `silent`: nothing, it was given up for reasons of our own. */
export type CallResult = "success" | "failure" | "ignored";

/** Leave to make one call, to be given back with its verdict. */
export type Permit = { readonly era: number };

/** Calls let through to a provider that may be back: more than one, or one bad request would keep it shut. */
const PROBES = 3;

export class CircuitBreaker {
  private readonly limits: BreakerLimits;
  private readonly onChange: (from: BreakerState, to: BreakerState) => void;
  private current: BreakerState = "closed";
  /** Counts the changes of state. */
  private era = 0;
  private failures = 0;
  private openedAt = 0;
  /** Of the half-open state: calls let through, and those of them that have failed. */
  private probes = 0;
  private failedProbes = 0;

  constructor(limits: BreakerLimits, onChange: (from: BreakerState, to: BreakerState) => void) {
    this.limits = limits;
    this.onChange = onChange;
  }

  get state(): BreakerState {
    return this.current;
  }

  /** Leave for one call, or undefined: not now. @param now monotonic ms */
  permit(now: number): Permit | undefined {
    if (this.current === "open" && this.probeInMs(now) === 0) this.change("half_open");
    if (this.current === "open" || (this.current === "half_open" && this.probes >= PROBES)) return undefined;
    this.probes++;
    return { era: this.era };
  }

  /** How long it lets nothing through any more, ms; 0 unless it is open. */
  probeInMs(now: number): number {
    return this.current === "open" ? Math.max(0, this.openedAt + this.limits.probeEveryMs - now) : 0;
  }

  /** Every permit comes back here, once. */
  report(permit: Permit, verdict: CallResult, now: number): void {
    if (permit.era !== this.era) return;
    if (verdict === "ignored") {
      this.probes--;
    } else if (verdict === "success") {
      this.failures = 0;
      if (this.current === "half_open") this.change("closed");
    } else if (this.current === "half_open") {
      if (++this.failedProbes >= this.probes) this.open(now);
    } else if (++this.failures >= this.limits.failures) {
      this.open(now);
    }
  }

  private open(now: number): void {
    this.openedAt = now;
    this.change("open");
  }

  private change(to: BreakerState): void {
    const from = this.current;
    this.current = to;
    this.era++;
    this.failures = 0;
    this.probes = 0;
    this.failedProbes = 0;
    this.onChange(from, to);
  }
}
