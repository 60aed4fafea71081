/**
 * The timers that the owner of a partition fires itself (ADR 14): those that it has armed and that are due soon. Their
 * schedules in the stream fire a grace later, and only if this owner has not stored what the timer does by then.
 * Owns: the waits for these timers.  Does not own: schedules; whether a timer is still open, which the cascade decides.
 * Invariants
 *   near-timers.N1. A timer is fired only when the record that armed it is stored, and not before its time by the
 *                   server's clock.
 *   near-timers.N2. Every timer that is armed with the grace has a schedule in the stream: what this owner does not
 *                   fire, the server does. So nothing here has to survive, and nothing here is repeated.
 *   near-timers.N3. Memory is bounded: a timer that is due late, or above the number of those that wait, is armed
 *                   without the grace, and the server fires it.
 * Proved by: test/unit/runtime/tenure/near-timers.test.ts, test/unit/runtime/owner-fires.test.ts
 */
import { limits } from "../limits.ts";
import type { OpenTimer } from "../actor/snapshot.ts";
import type { Clock } from "../ports.ts";

/** What the near timers need. */
export type NearTimersOptions = {
  /** The server's time. */
  readonly clock: Clock;
  /** Takes a timer that is due. */
  readonly fire: (actor: string, timer: OpenTimer) => void;
};

/** See the top of the file. One for each tenure. */
export class NearTimers {
  private readonly options: NearTimersOptions;
  /** By actor and generation: ends the wait. */
  private readonly waiting = new Map<string, () => void>();
  private closed = false;

  constructor(options: NearTimersOptions) {
    this.options = options;
  }

  /** Timers that wait here. */
  get size(): number {
    return this.waiting.size;
  }

  /** Those of the timers that this owner is going to fire: to be armed with the grace. */
  choose(timers: readonly OpenTimer[]): readonly OpenTimer[] {
    if (timers.length === 0 || this.closed) return [];
    const latest = this.options.clock.now() + limits.nearTimerMs;
    return timers
      .filter(({ dueAt }) => dueAt <= latest)
      .slice(0, Math.max(0, limits.partitionTimers - this.size));
  }

  /** The record that armed these timers is stored. */
  armed(actor: string, timers: readonly OpenTimer[]): void {
    for (const timer of timers) this.wait(actor, timer);
  }

  /** A record is stored with which these timers are over. */
  over(actor: string, timers: readonly OpenTimer[]): void {
    for (const timer of timers) {
      const key = keyOf(actor, timer);
      this.waiting.get(key)?.();
      this.waiting.delete(key);
    }
  }

  /** From now on nothing is fired or chosen: the server fires what is open, for the next owner. */
  close(): void {
    this.closed = true;
    for (const end of this.waiting.values()) end();
    this.waiting.clear();
  }

  private wait(actor: string, timer: OpenTimer): void {
    if (this.closed) return;
    const { clock, fire } = this.options;
    const key = keyOf(actor, timer);
    const end = clock.after(timer.dueAt - clock.now(), () => {
      // The server's clock was set back, or is known better now.
      if (clock.now() < timer.dueAt) return this.wait(actor, timer);
      this.waiting.delete(key);
      fire(actor, timer);
    });
    this.waiting.set(key, end);
  }
}

const keyOf = (actor: string, { generation }: OpenTimer): string => `${actor} ${generation}`;
