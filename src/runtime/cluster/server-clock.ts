/**
 * The time by which a node decides: the server's, which also fires the timers (ADR 12). It is the monotonic time of the
 * process plus an offset that is measured at every heartbeat, so it does not matter what the process's own clock shows,
 * nor when that is set.
 * Owns: the samples of the server's clock.  Does not own: what is decided with them.
 * Invariants
 *   clock.K1. `now` is the time of the server that leads the first stream, as exact as half a round trip to it.
 *   clock.K2. `now` goes back only when the server's clock does, by more than `HOLD_MS`; small corrections hold it.
 *   clock.K3. There is no time before the first sample: `start` ends with one.
 * Proved by: test/unit/runtime/cluster/server-clock.test.ts, test/unit/runtime/cluster/clock-samples.test.ts,
 *   test/unit/runtime/server-time.test.ts, test/process/wrong-clock.test.ts
 * A crash leaves nothing.
 */
import { type Failpoints, failpoint } from "../failpoints.ts";
import { type Clock, type Journal, type Log, Unavailable } from "../ports.ts";
import { ClockSamples } from "./clock-samples.ts";

/** What the clock of a process is made of. */
export type ServerClockOptions = {
  /** The process's own. */
  readonly clock: Clock;
  /** Every stream, by its number: the leader of each fires the timers in it. The first one's time counts. */
  readonly journals: readonly Pick<Journal, "time">[];
  /** Pause between two samples, ms. */
  readonly everyMs: number;
  /** Warnings about clocks; none when absent, as in the workers of a node. */
  readonly log?: Log;
  readonly failpoints?: Failpoints | undefined;
};

/** The clocks at one moment. */
export type ClockState = {
  /** How far the process's own clock is ahead of the server's, ms; negative when it is slow. */
  readonly offsetMs: number;
  /** Largest error of `offsetMs`, ms. */
  readonly uncertaintyMs: number;
  /** Why no time can be relied on, and what to do about it; undefined when it can. */
  readonly fault: string | undefined;
};

/** From this difference between two clocks on, operators are warned, ms. */
export const CLOCK_WARNING_MS = 500;
/**
 * A larger difference between the process's clock and the server's is not corrected, ms: one of the two shows a wrong
 * date, and the node cannot know which. The dates of invoices and the deadlines of providers would be wrong.
 */
export const CLOCK_OFFSET_MAX_MS = 24 * 3_600_000;
/** The largest difference between the clocks of two servers that lead streams, ms: each fires the timers of its own. */
export const SERVERS_APART_MAX_MS = 2_000;
/** Without a sample for so long the time counts as unknown, ms. */
export const UNMEASURED_MAX_MS = 30_000;
/** `now` does not go back by less: it waits for the server's clock, ms. */
const HOLD_MS = 1_000;
/** Samples at the start: one of them is quick. */
const FIRST_SAMPLES = 3;
/** Tries until the first sample, and the pause between them, ms: a busy server answers late. */
const MOST_TRIES = 10;
const RETRY_MS = 200;

const WARNED =
  "decisions take the server's time; set both clocks by a time service (chrony, systemd-timesyncd)";

/** See the top of the file. */
export class ServerClock implements Clock {
  private readonly options: ServerClockOptions;
  /** By stream. */
  private readonly samples: readonly ClockSamples[];
  private last = Number.NEGATIVE_INFINITY;
  private failure = "";
  private warned = false;
  private faulty = false;
  private cancel: () => void = () => {};
  private stopped = false;

  constructor(options: ServerClockOptions) {
    this.options = options;
    this.samples = options.journals.map(() => new ClockSamples());
  }

  /** Reads the server's clock, and goes on doing so. @throws Unavailable (retryable): it was not read */
  async start(): Promise<void> {
    for (let n = 1; n <= FIRST_SAMPLES || (n <= MOST_TRIES && !this.isMeasured()); n++) {
      if (n > 1 && !this.isMeasured()) await this.options.clock.sleep(RETRY_MS);
      await this.readAll();
    }
    if (!this.isMeasured()) throw new Unavailable(`the server's clock could not be read: ${this.failure}`);
    this.report();
    this.tick();
  }

  /** Ends the samples. `now` goes on. */
  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  /** The server's time, ms since the epoch. @throws Error before `start` has ended: programmer fault */
  now(): number {
    const now = this.options.clock.monotonic();
    const estimate = this.samples[0]?.estimate(now);
    if (!estimate) throw new Error("the server's clock has not been read yet");
    const time = Math.floor(now + estimate.aheadMs);
    if (time >= this.last || time < this.last - HOLD_MS) this.last = time;
    return this.last;
  }

  monotonic(): number {
    return this.options.clock.monotonic();
  }

  after(delayMs: number, run: () => void): () => void {
    return this.options.clock.after(delayMs, run);
  }

  sleep(delayMs: number): Promise<void> {
    return this.options.clock.sleep(delayMs);
  }

  soon(run: () => void): void {
    this.options.clock.soon(run);
  }

  /** The clocks now; before the first sample an unknown time. */
  state(): ClockState {
    const { clock } = this.options;
    const now = clock.monotonic();
    const estimate = this.samples[0]?.estimate(now);
    if (!estimate)
      return { offsetMs: 0, uncertaintyMs: 0, fault: "the server's clock has not been read yet" };
    const { uncertaintyMs } = estimate;
    const offsetMs = Math.round(clock.now() - now - estimate.aheadMs);
    return { offsetMs, uncertaintyMs, fault: this.faultOf(offsetMs, now) };
  }

  private faultOf(offsetMs: number, now: number): string | undefined {
    const silentMs = now - (this.samples[0]?.newestAt() ?? now);
    if (silentMs > UNMEASURED_MAX_MS)
      return `the server's clock could not be read for ${span(silentMs)} (${this.failure}): see to nats-server`;
    if (Math.abs(offsetMs) > CLOCK_OFFSET_MAX_MS)
      return (
        `this machine's clock is ${differenceOf(offsetMs)} by the nats-server's, more than the ` +
        `${span(CLOCK_OFFSET_MAX_MS)} that are corrected: one of the two shows a wrong date; set both by a time ` +
        "service (chrony, systemd-timesyncd)"
      );
    const apartMs = this.serversApartMs(now);
    if (apartMs > SERVERS_APART_MAX_MS)
      return (
        `the clocks of the nats-servers that lead the streams differ by ${span(apartMs)}, at most ` +
        `${span(SERVERS_APART_MAX_MS)}: timers fire by each server's own; set all of them by a time service ` +
        "(chrony, systemd-timesyncd)"
      );
    return undefined;
  }

  /** The largest certain difference between the first stream's leader and another one, ms. */
  private serversApartMs(now: number): number {
    const [first, ...others] = this.samples.map((samples) => samples.estimate(now));
    const apart = others.map((other) =>
      first && other
        ? Math.abs(first.aheadMs - other.aheadMs) - first.uncertaintyMs - other.uncertaintyMs
        : 0,
    );
    return Math.max(0, ...apart);
  }

  private isMeasured(): boolean {
    return this.samples[0]?.estimate(this.monotonic()) !== undefined;
  }

  private tick(): void {
    if (this.stopped) return;
    // A sample does not wait for the last one: the next may be quick.
    this.cancel = this.options.clock.after(this.options.everyMs, () => {
      void this.readAll().then(() => this.report());
      this.tick();
    });
  }

  private async readAll(): Promise<void> {
    await Promise.all(this.samples.map((_, stream) => this.read(stream)));
  }

  /** Never rejects: an older sample counts on. */
  private async read(stream: number): Promise<void> {
    const { clock, failpoints, journals, log } = this.options;
    const begun = clock.monotonic();
    try {
      const at = await failpoint(failpoints, "clock.read", () => journals[stream]!.time());
      const setMs = this.samples[stream]!.add({ begun, ended: clock.monotonic(), at });
      if (stream === 0 && Math.abs(setMs) >= CLOCK_WARNING_MS)
        log?.warn(
          { setMs: Math.round(setMs) },
          "the server's clock was set, or another server leads now; timers that were armed before keep their former time",
        );
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  /** Reports a change to operators, once. */
  private report(): void {
    const { log } = this.options;
    if (this.stopped || !this.isMeasured()) return;
    const { offsetMs, uncertaintyMs, fault } = this.state();
    const isWrong = Math.abs(offsetMs) - uncertaintyMs >= CLOCK_WARNING_MS;
    if (isWrong && !this.warned)
      log?.warn(
        { offsetMs, uncertaintyMs },
        `this machine's clock is ${differenceOf(offsetMs)} by the nats-server's: ${WARNED}`,
      );
    if (!isWrong && this.warned)
      log?.info({ offsetMs }, "this machine's clock agrees with the server's again");
    this.warned = isWrong;
    if (fault !== undefined && !this.faulty)
      log?.error({ offsetMs, reason: fault }, "the node is not ready: its time is not known");
    this.faulty = fault !== undefined;
  }
}

/** `60.0 s slow`, `31 days fast`. */
export function differenceOf(offsetMs: number): string {
  return `${span(Math.abs(offsetMs))} ${offsetMs < 0 ? "slow" : "fast"}`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function span(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 2 * MINUTE_MS) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 2 * HOUR_MS) return `${Math.round(ms / MINUTE_MS)} minutes`;
  if (ms < 2 * DAY_MS) return `${Math.round(ms / HOUR_MS)} hours`;
  return `${Math.round(ms / DAY_MS)} days`;
}
