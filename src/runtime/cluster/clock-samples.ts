/**
 * What a node knows of a server's clock: the samples of the last seconds, of which the best one counts. Pure.
 * A server was asked at `begun` and had answered at `ended`, by the monotonic time of this process; at some moment in
 * between its clock showed `at`. So the server's time minus the monotonic time is between `at - ended` and
 * `at - begun`, and the error of the middle is at most half the round trip.
 */

/** One sample of a server's clock. `begun` and `ended`: monotonic ms; `at`: the server's clock, whole ms. */
export type ClockSample = { readonly begun: number; readonly ended: number; readonly at: number };

/** The server's time is monotonic time plus `aheadMs`, give or take `uncertaintyMs`. */
export type ClockEstimate = { readonly aheadMs: number; readonly uncertaintyMs: number };

/** Samples that are kept: at two per second, those of eight seconds. */
const KEPT = 16;
/** Two clocks that run drift apart by less than 0.5 ms per second (RFC 5905, section 7: the frequency tolerance). */
const DRIFT = 0.0005;

/** The samples of one server's clock. A clock that was set, or another server's, replaces all of them. */
export class ClockSamples {
  private samples: ClockSample[] = [];
  /** A sample that was begun before the newest change of the clock came late: it shows the clock as it was before. */
  private since = Number.NEGATIVE_INFINITY;

  /**
   * Takes a sample.
   * @returns by how much the server's clock has been set since the samples before, ms; 0 when it just goes on
   */
  add(sample: ClockSample): number {
    if (sample.begun < this.since) return 0;
    const before = this.estimate(sample.ended);
    const own = estimateOf(sample, sample.ended);
    const differs = before === undefined ? 0 : own.aheadMs - before.aheadMs;
    if (before !== undefined && Math.abs(differs) > before.uncertaintyMs + own.uncertaintyMs) {
      this.samples = [sample];
      this.since = sample.begun;
      return differs;
    }
    this.samples = [...this.samples.slice(1 - KEPT), sample];
    return 0;
  }

  /** The best estimate at `now`, monotonic ms; undefined before the first sample. */
  estimate(now: number): ClockEstimate | undefined {
    let best: ClockEstimate | undefined;
    for (const sample of this.samples) {
      const one = estimateOf(sample, now);
      if (best === undefined || one.uncertaintyMs < best.uncertaintyMs) best = one;
    }
    return best;
  }

  /** When the newest sample arrived, monotonic ms. */
  newestAt(): number {
    return this.samples.at(-1)?.ended ?? Number.NEGATIVE_INFINITY;
  }
}

/** `at` is cut to whole ms: the clock showed up to 1 ms more. */
function estimateOf({ begun, ended, at }: ClockSample, now: number): ClockEstimate {
  return {
    aheadMs: at + 0.5 - (begun + ended) / 2,
    uncertaintyMs: (ended - begun) / 2 + 0.5 + Math.max(0, now - ended) * DRIFT,
  };
}
