/** How long the newest commits took, as percentiles for operators. Bounded, not stored. */
import type { Clock } from "../ports.ts";

/** Of commits, from the decision to the acknowledgement, ms. Null: there was none for a while. */
export type CommitMs = { readonly p50: number | null; readonly p99: number | null };

/** Newest commits that count. */
const COUNTED = 1024;
/** Older ones say nothing of the node as it is, ms. */
const COUNTED_FOR_MS = 60_000;

/** See the top of the file. */
export class CommitTimes {
  private readonly clock: Pick<Clock, "monotonic">;
  private readonly newest: { readonly at: number; readonly ms: number }[] = [];
  private next = 0;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.clock = clock;
  }

  /** Counts a commit that is stored now. */
  count(ms: number): void {
    this.newest[this.next] = { at: this.clock.monotonic(), ms };
    this.next = (this.next + 1) % COUNTED;
  }

  /** Of the newest commits. */
  recent(): CommitMs {
    const since = this.clock.monotonic() - COUNTED_FOR_MS;
    const times = this.newest.flatMap(({ at, ms }) => (at > since ? ms : [])).toSorted((a, b) => a - b);
    const at = (share: number): number | null => {
      const ms = times[Math.min(times.length - 1, Math.floor(times.length * share))];
      return ms === undefined ? null : Math.round(ms * 10) / 10;
    };
    return { p50: at(0.5), p99: at(0.99) };
  }
}
