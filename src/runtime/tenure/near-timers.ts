/**
 * The timers that the owner of a partition fires itself: those that it has armed and that are due soon (ADR 14), and
 * those that have no schedule, also of an earlier owner (ADR 17). Schedules of the others fire a grace later, and only
 * if this owner has not stored what the timer does by then.
 * Owns: the waits for these timers.  Does not own: schedules; whether a timer is still open, which the cascade decides.
 * Invariants
 *   near-timers.N1. A timer is fired only when the record that armed it is stored, and not before its time by the
 *                   server's clock.
 *   near-timers.N2. What this owner does not fire is fired without it: by the server, where the timer has a schedule;
 *                   else by the next owner, which loads the actor. So nothing here has to survive, and nothing here is
 *                   repeated.
 *   near-timers.N3. Memory is bounded: a timer that is due late, or above the number of those that wait, is armed
 *                   without the grace, and the server fires it.
 *   near-timers.N4. A timer is left without a schedule only while every present node fires such timers, and only as
 *                   many as a takeover loads at once.
 * Proved by: test/unit/runtime/tenure/near-timers.test.ts, test/unit/runtime/owner-fires.test.ts,
 *   test/unit/runtime/unscheduled.test.ts
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
  /** Whether timers may go without a schedule now; absent: never. */
  readonly mayBeUnscheduled?: (() => boolean) | undefined;
};

/** The armed timers that this owner is going to fire. The two lists have no timer in common. */
export type ChosenTimers = {
  /** To be armed with the grace. */
  readonly graced: readonly OpenTimer[];
  /** To be left without a schedule. */
  readonly unscheduled: readonly OpenTimer[];
};

/** A timer that waits: `end` ends the wait. */
type Wait = { readonly end: () => void; readonly unscheduled: boolean };

const NONE: ChosenTimers = { graced: [], unscheduled: [] };

/** See the top of the file. One for each tenure. */
export class NearTimers {
  private readonly options: NearTimersOptions;
  /** By actor and generation. */
  private readonly waiting = new Map<string, Wait>();
  /** Those of them that have no schedule. */
  private unscheduled = 0;
  private closed = false;

  constructor(options: NearTimersOptions) {
    this.options = options;
  }

  /** Timers that wait here. */
  get size(): number {
    return this.waiting.size;
  }

  /** Which of the armed timers this owner is going to fire, and how each of them is armed. */
  choose(timers: readonly OpenTimer[]): ChosenTimers {
    if (timers.length === 0 || this.closed) return NONE;
    const now = this.options.clock.now();
    const near = timers
      .filter(({ dueAt }) => dueAt <= now + limits.nearTimerMs)
      .slice(0, Math.max(0, limits.partitionTimers - this.size));
    const soon = near.filter(({ dueAt }) => dueAt <= now + limits.unscheduledMs);
    const room = Math.max(0, limits.unscheduledTimers - this.unscheduled);
    const unscheduled = soon.length > 0 && this.options.mayBeUnscheduled?.() ? soon.slice(0, room) : [];
    return { graced: near.filter((timer) => !unscheduled.includes(timer)), unscheduled };
  }

  /** The record that armed these timers is stored. Those that wait already go on waiting. */
  armed(actor: string, timers: readonly OpenTimer[]): void {
    for (const timer of timers) this.wait(actor, timer);
  }

  /** A record is stored with which these timers are over. */
  over(actor: string, timers: readonly OpenTimer[]): void {
    for (const timer of timers) this.forget(keyOf(actor, timer))?.end();
  }

  /** From now on nothing is fired or chosen: what is open is fired without this owner. */
  close(): void {
    this.closed = true;
    for (const { end } of this.waiting.values()) end();
    this.waiting.clear();
    this.unscheduled = 0;
  }

  private wait(actor: string, timer: OpenTimer): void {
    const key = keyOf(actor, timer);
    if (this.closed || this.waiting.has(key)) return;
    const { clock, fire } = this.options;
    const end = clock.after(timer.dueAt - clock.now(), () => {
      this.forget(key);
      // The server's clock was set back, or is known better now.
      if (clock.now() < timer.dueAt) return this.wait(actor, timer);
      fire(actor, timer);
    });
    const unscheduled = timer.unscheduled === true;
    if (unscheduled) this.unscheduled++;
    this.waiting.set(key, { end, unscheduled });
  }

  private forget(key: string): Wait | undefined {
    const wait = this.waiting.get(key);
    if (wait?.unscheduled) this.unscheduled--;
    this.waiting.delete(key);
    return wait;
  }
}

const keyOf = (actor: string, { generation }: OpenTimer): string => `${actor} ${generation}`;
