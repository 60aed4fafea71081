/** How long something took, counted by upper bounds: what percentiles are estimated from. Not stored. */

/** Counts of durations. `counts[i]`: above `bounds[i - 1]` and at most `bounds[i]`; the last one: above all bounds. */
export type HistogramState = {
  /** Upper bounds in seconds, ascending. */
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  /** Of all durations, seconds. */
  readonly sum: number;
  readonly count: number;
};

/** From a millisecond to half a minute: of commits, calls and requests. */
export const DURATION_BOUNDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** See the top of the file. Memory is bounded by the number of bounds. */
export class DurationHistogram {
  private readonly bounds: readonly number[];
  private readonly counts: number[];
  private sum = 0;
  private count = 0;

  constructor(bounds: readonly number[] = DURATION_BOUNDS) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /** Counts one duration. One that a clock shows as negative counts as 0. */
  observe(ms: number): void {
    const seconds = Math.max(0, ms) / 1000;
    let at = 0;
    while (at < this.bounds.length && seconds > this.bounds[at]!) at++;
    this.counts[at]!++;
    this.sum += seconds;
    this.count++;
  }

  /** The counts so far; a copy. */
  state(): HistogramState {
    const { bounds, count, sum } = this;
    return { bounds, counts: [...this.counts], sum, count };
  }
}
