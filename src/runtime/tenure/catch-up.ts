/**
 * Resumes an actor whose inbox the checkpoint has passed: its inbox is read from the first message, and what the actor
 * has not evaluated is decided in order, before anything else.
 * Owns: which actors lag.  Does not own: their activations, whether an input is poisonous again.
 * Invariants
 *   catch-up.U1. An actor is in `actors()` until everything that waited in its inbox is evaluated and acknowledged, or
 *                the actor is parked again. As long as it is there, the checkpoint lists it as lagging; a crash leaves
 *                it to the next owner.
 * Proved by: test/unit/runtime/tenure/catch-up.test.ts, test/unit/runtime/tenure/parked.test.ts,
 *   test/unit/runtime/tenure/old-readings.test.ts
 */
import type { Subjects } from "../subjects.ts";
import { fireAndForget } from "./pending-input.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import { readInput } from "../actor/inbox-input.ts";
import type { Semaphore } from "../semaphore.ts";
import type { Loader } from "./loader.ts";
import type { ParkedRegistry } from "./parked-actors.ts";
import { type Clock, type Journal, type Log, type StoredMessage, Unavailable } from "../ports.ts";
import type { InboxProgress } from "./inbox-progress.ts";
import type { ActivationCache } from "./activation-cache.ts";

/** What the catch-ups need. */
export type CatchUpsOptions = {
  readonly subjects: Subjects;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly partition: number;
  readonly activations: ActivationCache;
  readonly loader: Loader;
  readonly parked: ParkedRegistry;
  /** Bounds the reads under way. */
  readonly loads: Semaphore;
  readonly progress: InboxProgress;
  readonly ended: () => boolean;
  readonly failpoints?: Failpoints | undefined;
};

const RETRY_MS = 250;

/** See the top of this file. */
export class CatchUps {
  private readonly options: CatchUpsOptions;
  /** By lagging actor: the callbacks of those that wait for its catch-up. */
  private readonly lagging = new Map<string, (() => void)[]>();

  constructor(options: CatchUpsOptions) {
    this.options = options;
  }

  /** Actors that lag. */
  actors(): Iterable<string> {
    return this.lagging.keys();
  }

  /**
   * From now on every input for the actor waits until its inbox is read. The actor must not be in memory.
   * Resolves when the actor has caught up, is parked again, or the tenure has ended.
   * @param newest sequence of an input that is known to be in the inbox: an older reading is rejected
   */
  start(actor: string, newest: number): Promise<void> {
    if (!this.lagging.has(actor)) {
      this.options.activations.activation(actor).beginCatchUp();
      this.lagging.set(actor, []);
      void this.catchUp(actor, newest);
    }
    return this.done(actor);
  }

  /** Resolves when the actor does not lag. */
  done(actor: string): Promise<void> {
    const waiting = this.lagging.get(actor);
    return waiting ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve();
  }

  /** The tenure has ended: every caller of `start` and `done` is released. */
  end(): void {
    for (const actor of this.lagging.keys()) this.finish(actor);
  }

  private async catchUp(actor: string, newest: number): Promise<void> {
    const { activations, loader, log, parked, progress } = this.options;
    const inbox = await this.read(actor, newest);
    if (this.options.ended()) return;
    // A read of the actor may have parked it meanwhile: then its inputs wait for the parking, or for a newer node.
    const quarantined = parked.get(actor);
    const activation = quarantined ? undefined : activations.activation(actor);
    const waiting = new Set<number>();
    let counted = false;
    for (const message of inbox) {
      const { sequence } = message;
      const read = readInput(message, log);
      if (!read) continue;
      const fresh = progress.beginLate(sequence, () => {
        waiting.delete(sequence);
        if (counted && waiting.size === 0) this.finish(actor);
      });
      // One that was handed over before waits in the mailbox; it has to be evaluated as well (catch-up.U1).
      waiting.add(sequence);
      if (!fresh) continue;
      if (quarantined) parked.letGo(quarantined, sequence);
      else activation?.enqueue(fireAndForget(read.input, sequence));
    }
    counted = true;
    activation?.endCatchUp();
    if (activation) await loader.load(activation);
    if (waiting.size === 0) this.finish(actor);
  }

  /** Tries until the inbox is read or the tenure ends; a pause between tries. */
  private async read(actor: string, newest: number): Promise<StoredMessage[]> {
    const { clock, failpoints, ended, loads, log } = this.options;
    while (!ended()) {
      try {
        return await failpoint(failpoints, "partition.read_inbox", () =>
          loads.run(() => this.inboxOf(actor, newest)),
        );
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        log.warn({ err: error, actor }, "inbox could not be read");
      }
      await clock.sleep(RETRY_MS);
    }
    return [];
  }

  /** The whole inbox: every input of an earlier owner's time, and `newest`. @throws Unavailable */
  private async inboxOf(actor: string, newest: number): Promise<StoredMessage[]> {
    const { journal, loader, partition, subjects } = this.options;
    const subject = subjects.inbox(partition, actor);
    const last = await loader.lastOf(subject);
    const inbox = await journal.readAll(subject);
    if ((inbox.at(-1)?.sequence ?? 0) >= Math.max(newest, last?.sequence ?? 0)) return inbox;
    throw new Unavailable(`the reading of the inbox of ${actor} is older than its last known input`);
  }

  private finish(actor: string): void {
    const waiting = this.lagging.get(actor) ?? [];
    this.lagging.delete(actor);
    for (const resolve of waiting) resolve();
  }
}
