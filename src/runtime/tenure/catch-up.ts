/**
 * Takes an actor up again whose inbox the floor has passed: its inbox is read from the first message on, and what it
 * has not evaluated is given to it, in order, before anything else.
 * Owns: which actors are behind.  Does not own: their cells, whether an input is poisonous again.
 * Invariant: an actor is in `actors()` until everything that waited in its inbox is evaluated and acknowledged, or it
 * is parked again; the floor names it as long, and a crash leaves it to the next owner.
 */
import { subjects } from "../subjects.ts";
import { enqueue, fireAndForget } from "./activation.ts";
import type { Failpoints } from "../failpoints.ts";
import { readInput } from "../actor/inbox-input.ts";
import type { Semaphore } from "../semaphore.ts";
import type { Loader } from "./loader.ts";
import { type Clock, type Journal, type Log, type StoredMessage, Unavailable } from "../ports.ts";
import type { InboxProgress } from "./inbox-progress.ts";
import type { ActivationCache } from "./activation-cache.ts";

export type CatchUpsOptions = {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly partition: number;
  readonly activations: ActivationCache;
  readonly loader: Loader;
  readonly loads: Semaphore;
  readonly progress: InboxProgress;
  readonly ended: () => boolean;
  readonly failpoints?: Failpoints | undefined;
};

const RETRY_MS = 250;

export class CatchUps {
  private readonly options: CatchUpsOptions;
  private readonly under = new Map<string, (() => void)[]>();

  constructor(options: CatchUpsOptions) {
    this.options = options;
  }

  /** Actors that are behind. */
  actors(): Iterable<string> {
    return this.under.keys();
  }

  /**
   * From now on everything for the actor waits behind its inbox. The actor must not be in memory.
   * Resolves when it has caught up, is parked again, or the tenure has ended.
   * @param newest sequence of an input that is known to be in the inbox: an older reading is not believed
   */
  start(actor: string, newest: number): Promise<void> {
    const begun = !this.under.has(actor);
    if (begun) this.under.set(actor, []);
    const caughtUp = this.done(actor);
    if (begun) {
      this.options.activations.activation(actor).held = true;
      void this.catchUp(actor, newest);
    }
    return caughtUp;
  }

  /** Resolves when the actor is not behind. */
  done(actor: string): Promise<void> {
    const waiting = this.under.get(actor);
    return waiting ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve();
  }

  /** The tenure has ended. */
  end(): void {
    for (const actor of this.under.keys()) this.finish(actor);
  }

  private async catchUp(actor: string, newest: number): Promise<void> {
    const { activations, loader, log, partition, progress } = this.options;
    const inbox = await this.read(actor, newest);
    if (this.options.ended()) return;
    const activation = activations.activation(actor);
    const waiting = new Set<number>();
    let counted = false;
    for (const message of inbox) {
      const { sequence } = message;
      const read = readInput(message, partition, log);
      if (!read) continue;
      const fresh = progress.beginLate(sequence, () => {
        waiting.delete(sequence);
        if (counted && waiting.size === 0) this.finish(actor);
      });
      if (!fresh) continue;
      waiting.add(sequence);
      enqueue(activation, fireAndForget(read.input, sequence));
    }
    counted = true;
    activation.held = false;
    activation.wanted = true;
    await loader.load(activation);
    if (waiting.size === 0) this.finish(actor);
  }

  /** Tries until it is read or the tenure ends; a pause between tries. */
  private async read(actor: string, newest: number): Promise<StoredMessage[]> {
    const { clock, failpoints, ended, loads, log } = this.options;
    while (!ended()) {
      try {
        failpoints?.("partition.read_inbox", "before");
        const inbox = await loads.run(() => this.inboxOf(actor, newest));
        failpoints?.("partition.read_inbox", "after");
        return inbox;
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        log.warn({ err: error, actor }, "inbox could not be read");
      }
      await clock.sleep(RETRY_MS);
    }
    return [];
  }

  /** Whole: what came before this owner's time, and `newest`. @throws Unavailable */
  private async inboxOf(actor: string, newest: number): Promise<StoredMessage[]> {
    const { journal, loader, partition } = this.options;
    const subject = subjects.inbox(partition, actor);
    const last = await loader.lastOf(subject);
    const inbox = await journal.readAll(subject);
    if ((inbox.at(-1)?.sequence ?? 0) >= Math.max(newest, last?.sequence ?? 0)) return inbox;
    throw new Unavailable(`the reading of the inbox of ${actor} is older than what is known of it`);
  }

  private finish(actor: string): void {
    const waiting = this.under.get(actor) ?? [];
    this.under.delete(actor);
    for (const resolve of waiting) resolve();
  }
}
