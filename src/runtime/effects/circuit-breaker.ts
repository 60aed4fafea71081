/**
 * The circuit breaker of one provider: decides from the results of the last calls whether to call it. Pure: time is a
 * parameter.
 * Owns: the count of failures and the state.  Does not own: the calls, the queue of waiting calls.
 * Invariants
 *   breaker.B1. It is closed until `failures` calls in a row have failed, with no success among them.
 *   breaker.B2. Open permits no call. After `probeEveryMs` it permits up to `PROBES` calls and is half open.
 *   breaker.B3. Half open: the first success closes it; when every probe has failed, it is open again.
 *   breaker.B4. A call that began before the latest change of state is not counted.
 * Proved by: test/unit/runtime/effects/circuit-breaker.test.ts
 */
import type { BreakerLimits } from "../definition.ts";

/** The state of a breaker. Public: operators see these names. */
export type BreakerState = "closed" | "open" | "half_open";

/** What a call shows about its provider. `ignored`: nothing, because this node abandoned the call. */
export type CallResult = "success" | "failure" | "ignored";

/** Permission for one call, to be reported with its result. `stateNumber`: the state that granted it. */
export type Permit = { readonly stateNumber: number };

/** Calls permitted to a provider that may work again: more than one, or one bad request would keep the breaker open. */
const PROBES = 3;

/** See the top of the file. */
export class CircuitBreaker {
  private readonly limits: BreakerLimits;
  private readonly onChange: (from: BreakerState, to: BreakerState) => void;
  private current: BreakerState = "closed";
  /** The number of changes of state. */
  private stateNumber = 0;
  private failures = 0;
  private openedAt = 0;
  /** Of the half-open state: calls permitted, and those of them that have failed. */
  private probes = 0;
  private failedProbes = 0;

  constructor(limits: BreakerLimits, onChange: (from: BreakerState, to: BreakerState) => void) {
    this.limits = limits;
    this.onChange = onChange;
  }

  /** The current state. */
  get state(): BreakerState {
    return this.current;
  }

  /** Permits one call; `undefined`: not now. @param now monotonic ms */
  permit(now: number): Permit | undefined {
    if (this.current === "open" && this.probeInMs(now) === 0) this.change("half_open");
    if (this.current === "open" || (this.current === "half_open" && this.probes >= PROBES)) return undefined;
    this.probes++;
    return { stateNumber: this.stateNumber };
  }

  /** How long it still permits no call, ms; 0 unless it is open. @param now monotonic ms */
  probeInMs(now: number): number {
    return this.current === "open" ? Math.max(0, this.openedAt + this.limits.probeEveryMs - now) : 0;
  }

  /** Reports the result of a permitted call, exactly once for each permit. @param now monotonic ms */
  report(permit: Permit, result: CallResult, now: number): void {
    if (permit.stateNumber !== this.stateNumber) return;
    if (result === "ignored") {
      this.probes--;
    } else if (result === "success") {
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
    this.stateNumber++;
    this.failures = 0;
    this.probes = 0;
    this.failedProbes = 0;
    this.onChange(from, to);
  }
}
