/** Bounds how many callers pass in a second: one after the other. */
import type { Clock } from "../../runtime/ports.ts";

/** Commands of bulk operations that the cluster sends in a second. */
export const COMMANDS_PER_SECOND = 200;

/**
 * A caller passes `1000 / perSecond` ms after the one before at the earliest, whenever that one passed: a process that
 * was stopped for a while makes no burst then.
 */
export class Pacer {
  private readonly clock: Pick<Clock, "monotonic" | "sleep">;
  private readonly gapMs: number;
  private tail: Promise<void> = Promise.resolve();
  private earliest = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "monotonic" | "sleep">, perSecond = COMMANDS_PER_SECOND) {
    this.clock = clock;
    this.gapMs = 1000 / perSecond;
  }

  /** Resolves when the caller may pass; callers pass in the order in which they asked. */
  next(): Promise<void> {
    this.tail = this.tail.then(() => this.pass());
    return this.tail;
  }

  private async pass(): Promise<void> {
    for (;;) {
      const wait = this.earliest - this.clock.monotonic();
      if (wait <= 0) break;
      await this.clock.sleep(Math.ceil(wait));
    }
    this.earliest = this.clock.monotonic() + this.gapMs;
  }
}
