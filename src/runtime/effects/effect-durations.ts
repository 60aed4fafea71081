/** How long effects took, by their handler and how they ended. */
import type { EffectOutcome } from "../actor/input.ts";
import { DurationHistogram, type HistogramState } from "../duration-histogram.ts";

/** Since the start of the process. */
export type EffectDurations = readonly {
  /** Name of the handler. */
  readonly effect: string;
  readonly outcome: "done" | "failed";
  readonly durations: HistogramState;
}[];

/** Counts them. Memory is bounded by the number of handlers. */
export class EffectDurationCounts {
  private readonly all = new Map<
    string,
    Omit<EffectDurations[number], "durations"> & { counted: DurationHistogram }
  >();

  /** Counts one effect, ms. */
  observe(effect: string, ended: EffectOutcome, ms: number): void {
    const outcome = "output" in ended ? "done" : "failed";
    const key = `${effect} ${outcome}`;
    const entry = this.all.get(key) ?? { effect, outcome, counted: new DurationHistogram() };
    this.all.set(key, entry);
    entry.counted.observe(ms);
  }

  /** The counts so far. */
  state(): EffectDurations {
    return [...this.all.values()].map(({ counted, ...what }) => ({ ...what, durations: counted.state() }));
  }
}
