/**
 * Brings actors into memory: reads the last record, believes no reading that may be older than what this owner or one
 * before it has written, tries again while somebody needs the actor.
 * Owns: the reads under way.  Does not own: which cell is current, what waits in a mailbox.
 * Invariants
 *   L1. A state that was read contains every record of earlier owners: the log it was read from reaches this owner's
 *       lock entry, and behind it nobody else can write. A decision on it may therefore be final without a write.
 *   L2. It contains every record of this owner: known by its sequence, or at or below what has been forgotten.
 * Proved by: test/unit/runtime/tenure/old-readings.test.ts, test/unit/runtime/partition/partition.test.ts, test/unit/runtime/tenure/unreadable.test.ts
 */
import { subjects } from "../subjects.ts";
import { type Head, restore } from "../actor/cascade.ts";
import { type Activation, hasCaller } from "./activation.ts";
import type { Failpoints } from "../failpoints.ts";
import type { ActorDefinition } from "../definition.ts";
import { readRecord, type Snapshot } from "../actor/snapshot.ts";
import type { Semaphore } from "../semaphore.ts";
import { MachineFault } from "../actor/machine.ts";
import {
  ReplicaLagging,
  type Clock,
  type Journal,
  type Log,
  type StoredMessage,
  Unavailable,
} from "../ports.ts";
import type { ActivationCache } from "./activation-cache.ts";
import type { LockRef } from "../commit/write-set.ts";

export type LoaderOptions = {
  readonly definition: ActorDefinition;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly partition: number;
  /** The lock under which is read. */
  readonly lock: LockRef;
  readonly activations: ActivationCache;
  /** Bounds the reads under way. */
  readonly loads: Semaphore;
  readonly ended: () => boolean;
  /** The cell has its state: its open effects may run. Called before anything else happens to it. */
  readonly onState: (activation: Activation) => void;
  /** A load that was begun here has ended, well or not; the mailbox may be drained when `cell.loaded`. */
  readonly onEnd: (activation: Activation) => void;
  /** This node cannot read the actor's state, now or later. */
  readonly onUnreadable: (activation: Activation, error: MachineFault) => void;
  readonly failpoints?: Failpoints | undefined;
};

const RETRY_MS = 250;
/** A replica comes on within a heartbeat of its leader, a second; of three, one is the leader. */
const ASK_TRIES = 10;
const ASK_PAUSE_MS = 10;
const LONGEST_ASK_PAUSE_MS = 200;

export class Loader {
  private readonly options: LoaderOptions;
  private readonly readings = new Map<string, Promise<StoredMessage | undefined>>();

  constructor(options: LoaderOptions) {
    this.options = options;
  }

  /** Loads the cell unless it is loaded, being loaded, or units are under way that will change it. */
  async load(activation: Activation): Promise<void> {
    if (
      this.options.ended() ||
      activation.loaded ||
      activation.loading ||
      activation.held ||
      activation.predecessorCommits > 0
    )
      return;
    activation.loading = true;
    try {
      await this.fetch(activation, 0);
    } catch (error) {
      activation.loading = false;
      this.failed(activation, error);
      return;
    }
    activation.loading = false;
    this.options.onEnd(activation);
  }

  /** Loads later, and keeps the cell from being loaded until then. */
  loadAfterPause(activation: Activation): void {
    if (activation.loading) return;
    activation.loading = true;
    this.options.clock.after(RETRY_MS, () => {
      activation.loading = false;
      void this.load(activation);
    });
  }

  /**
   * Reads the stored state; the cell takes it unless it has one, or something under way will change it.
   * @throws Unavailable (retryable), MachineFault
   */
  async fetch(activation: Activation, atLeast: number): Promise<Snapshot | undefined> {
    const { activations } = this.options;
    const { head, sequence } = await this.stored(
      activation.actor,
      Math.max(atLeast, activations.knownSequence(activation)),
    );
    const taken =
      activation.loaded ||
      activation.held ||
      activation.predecessorCommits > 0 ||
      !activations.isCurrent(activation);
    if (this.options.ended() || taken || sequence < activation.sequence) return head?.snapshot;
    activation.head = head;
    activation.acked = head?.snapshot;
    activation.sequence = sequence;
    activation.loaded = true;
    activation.wanted = false;
    this.options.onState(activation);
    return head?.snapshot;
  }

  /** The stored state, for nobody's cell. @throws Unavailable (retryable), MachineFault */
  async stored(
    actor: string,
    atLeast: number,
  ): Promise<{ readonly head: Head | undefined; readonly sequence: number }> {
    const { failpoints, definition } = this.options;
    failpoints?.("loader.read", "before");
    const stored = await this.record(actor);
    failpoints?.("loader.read", "after");
    const sequence = stored?.sequence ?? 0;
    if (sequence < atLeast) {
      throw new Unavailable(`the reading of ${actor} is older than what is known of it`);
    }
    return { head: stored && headOf(definition, stored), sequence };
  }

  /** One reading of an actor at a time: whoever repeats a request meanwhile shares it. */
  private record(actor: string): Promise<StoredMessage | undefined> {
    const { loads, partition } = this.options;
    const under = this.readings.get(actor);
    if (under) return under;
    const reading = loads
      .run(() => this.lastOf(subjects.record(partition, actor)))
      .finally(() => this.readings.delete(actor));
    this.readings.set(actor, reading);
    return reading;
  }

  /**
   * The last message of a subject of this partition; none of an earlier owner's time is missed. A replica that is behind
   * is asked again soon. @throws Unavailable (retryable)
   */
  async lastOf(subject: string): Promise<StoredMessage | undefined> {
    const { activations, clock, ended, journal, lock } = this.options;
    for (let tried = 1; ; tried++) {
      const through = Math.max(lock.epoch, activations.forgottenThrough());
      try {
        // The lock's own subject certainly has a message.
        const { last } = await journal.readLastTogether([subject, lock.subject], through);
        return last.get(subject);
      } catch (error) {
        if (!(error instanceof ReplicaLagging) || tried === ASK_TRIES || ended()) throw error;
      }
      await clock.sleep(Math.min(ASK_PAUSE_MS * 2 ** (tried - 1), LONGEST_ASK_PAUSE_MS));
    }
  }

  private failed(activation: Activation, error: unknown): void {
    const { activations, clock, log } = this.options;
    if (this.options.ended() || activation.loaded || !activations.isCurrent(activation)) return;
    log.warn({ err: error, actor: activation.actor }, "actor could not be loaded");
    if (error instanceof MachineFault) {
      this.options.onUnreadable(activation, error);
      return;
    }
    for (const work of activation.mailbox.splice(0)) {
      if (hasCaller(work)) work.reply({ status: "unavailable", reason: "the order could not be read" });
      else activation.mailbox.push(work);
    }
    if (activation.mailbox.length > 0 || activation.wanted)
      clock.after(RETRY_MS, () => void this.load(activation));
    else activations.delete(activation.actor);
  }
}

/** @throws MachineFault: whatever is wrong with a record is wrong for good. */
function headOf(definition: ActorDefinition, { payload, sequence }: StoredMessage): Head {
  const record = readRecord(payload);
  if (!record) throw new MachineFault(`the record at ${sequence} is no record`);
  try {
    return restore(definition, record.snapshot);
  } catch (cause) {
    if (cause instanceof MachineFault) throw cause;
    throw new MachineFault(`the record at ${sequence} cannot be read: ${String(cause)}`, { cause });
  }
}
