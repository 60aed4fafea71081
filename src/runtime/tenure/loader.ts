/**
 * Loads actors into memory: reads the last record, rejects a reading that may be older than what this owner or an
 * earlier one has written, and reads again while the actor is needed.
 * Owns: the reads under way.  Does not own: which activation is current, what a mailbox holds.
 * Invariants
 *   loader.L1. A state that was read contains every record of earlier owners: the log it was read from reaches this
 *              owner's lock entry, and after that entry no other owner can write. A decision on the state may therefore
 *              be final without a write.
 *   loader.L2. The state contains every record of this owner: the sequence of the record is known, or is at or below
 *              the sequence that has been forgotten.
 * Proved by: test/unit/runtime/tenure/loader.test.ts, test/unit/runtime/tenure/old-readings.test.ts,
 *   test/unit/runtime/tenure/unreadable.test.ts
 */
import type { Subjects } from "../subjects.ts";
import type { Head } from "../actor/cascade.ts";
import { restore } from "../actor/restore.ts";
import type { Activation } from "./activation.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import type { ActorDefinition } from "../definition.ts";
import { hasNewerForm, readSnapshot } from "../actor/record-decoding.ts";
import { readFacts, type Snapshot } from "../actor/snapshot.ts";
import type { Semaphore } from "../semaphore.ts";
import { MachineFault, NewerMachine } from "../actor/machine.ts";
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

/** What a load results in, for the class that decides inputs. */
export interface LoadEvents {
  /** The activation has its state: its open effects may run. Called before anything else happens to it. */
  loaded(activation: Activation): void;
  /** A load has ended without an error. The mailbox may be drained if the activation is ready. */
  loadEnded(activation: Activation): void;
  /** A load has failed and its callers are answered; an input that is left has the actor read again. */
  loadFailed(): void;
  /** This node cannot read the actor's state, now or later. */
  unreadable(activation: Activation, error: MachineFault): void;
}

/** What a loader needs. */
export type LoaderOptions = {
  readonly subjects: Subjects;
  readonly definition: ActorDefinition;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly partition: number;
  /** The lock under which the loader reads. */
  readonly lock: LockRef;
  readonly activations: ActivationCache;
  /** Bounds the reads under way. */
  readonly loads: Semaphore;
  readonly ended: () => boolean;
  readonly failpoints?: Failpoints | undefined;
};

const RETRY_MS = 250;
/** A replica catches up within a heartbeat of its leader, a second; of three replicas, one is the leader. */
const MAX_READS = 10;
const READ_PAUSE_MS = 10;
const MAX_READ_PAUSE_MS = 200;

/** See the top of this file. */
export class Loader {
  private readonly options: LoaderOptions;
  private readonly events: LoadEvents;
  private readonly readings = new Map<string, Promise<Stored>>();

  constructor(options: LoaderOptions, events: LoadEvents) {
    this.options = options;
    this.events = events;
  }

  /** Loads the activation if its phase allows it. Never throws; a load that fails is repeated while it is needed. */
  async load(activation: Activation): Promise<void> {
    if (this.options.ended() || !activation.canLoad()) return;
    activation.beginLoad();
    try {
      await this.fetch(activation, 0);
    } catch (error) {
      activation.endLoad();
      this.failed(activation, error);
      return;
    }
    activation.endLoad();
    this.events.loadEnded(activation);
  }

  /** Loads after a pause; until then no other call of `load` does. */
  loadAfterPause(activation: Activation): void {
    if (!activation.canPostpone()) return;
    activation.postpone();
    this.options.clock.after(RETRY_MS, () => {
      activation.endPostponement();
      void this.load(activation);
    });
  }

  /**
   * Reads the stored state. The activation takes it if its phase allows that.
   * @param atLeast the actor has a record at this sequence or later: an older reading is rejected
   * @throws Unavailable (retryable), MachineFault
   */
  async fetch(activation: Activation, atLeast: number): Promise<Snapshot | undefined> {
    const { activations } = this.options;
    const { head, sequence } = await this.stored(
      activation.actor,
      Math.max(atLeast, activations.knownSequence(activation)),
    );
    if (!this.options.ended() && activation.canTake(sequence)) {
      activation.take(head, sequence);
      this.events.loaded(activation);
    }
    return head?.snapshot;
  }

  /** Reads the stored state without an activation. @throws Unavailable (retryable), MachineFault */
  async stored(
    actor: string,
    atLeast: number,
  ): Promise<{ readonly head: Head | undefined; readonly sequence: number }> {
    const { failpoints, definition } = this.options;
    const { record, facts } = await failpoint(failpoints, "loader.read", () => this.reading(actor));
    const sequence = record?.sequence ?? 0;
    if (sequence < atLeast) {
      throw new Unavailable(`the reading of ${actor} is older than its last known record`);
    }
    return { head: record && headOf(definition, record, facts), sequence };
  }

  /** One reading of an actor at a time: a request that is repeated meanwhile shares it. */
  private reading(actor: string): Promise<Stored> {
    const { definition, loads, partition, subjects } = this.options;
    const running = this.readings.get(actor);
    if (running) return running;
    const record = subjects.record(partition, actor);
    const facts = definition.facts ? [subjects.factsOf(partition, actor)] : [];
    const isFacts = ({ subject }: StoredMessage): boolean =>
      subject !== record && subject !== this.options.lock.subject;
    const reading = loads
      .run(() => this.lastTogether([record, ...facts]))
      .then((last) => ({ record: last.get(record), facts: newest([...last.values()].filter(isFacts)) }))
      .finally(() => this.readings.delete(actor));
    this.readings.set(actor, reading);
    return reading;
  }

  /** Reads the last message of a subject of this partition, as `lastTogether` does. */
  async lastOf(subject: string): Promise<StoredMessage | undefined> {
    return (await this.lastTogether([subject])).get(subject);
  }

  /**
   * Reads the last messages of subjects of this partition, as of one point of the log; no message of an earlier owner
   * is missed. A replica that lags is asked again soon, up to `MAX_READS` times. @throws Unavailable (retryable)
   */
  private async lastTogether(subjects: readonly string[]): Promise<ReadonlyMap<string, StoredMessage>> {
    const { activations, clock, ended, journal, lock } = this.options;
    for (let read = 1; ; read++) {
      const through = Math.max(lock.epoch, activations.forgottenThrough());
      try {
        // The lock's own subject certainly has a message.
        const { last } = await journal.readLastTogether([...subjects, lock.subject], through);
        return last;
      } catch (error) {
        if (!(error instanceof ReplicaLagging) || read === MAX_READS || ended()) throw error;
      }
      await clock.sleep(Math.min(READ_PAUSE_MS * 2 ** (read - 1), MAX_READ_PAUSE_MS));
    }
  }

  private failed(activation: Activation, error: unknown): void {
    const { activations, clock, ended, log } = this.options;
    // Another read has loaded the activation, or it was retired.
    if (ended() || !activation.canLoad()) return;
    if (error instanceof MachineFault) {
      this.events.unreadable(activation, error);
      return;
    }
    log.warn({ err: error, actor: activation.actor }, "actor could not be loaded");
    for (const pending of activation.takeCallers()) {
      pending.reply({ status: "unavailable", reason: "the actor could not be read" });
    }
    if (activation.isBlank()) activations.delete(activation);
    else clock.after(RETRY_MS, () => void this.load(activation));
    this.events.loadFailed();
  }
}

/** What the stream has of an actor. */
type Stored = { readonly record: StoredMessage | undefined; readonly facts: StoredMessage | undefined };

/** The message that was stored last. */
export const newest = (messages: readonly StoredMessage[]): StoredMessage | undefined =>
  messages.toSorted((a, b) => a.sequence - b.sequence).at(-1);

/**
 * The state in a stored record.
 * @throws MachineFault for every fault of a record or of its facts: none of them passes by itself
 */
export function headOf(
  definition: ActorDefinition,
  message: StoredMessage,
  facts: StoredMessage | undefined,
): Head {
  const { payload, sequence } = message;
  const snapshot = readSnapshot(message);
  if (!snapshot && hasNewerForm(payload))
    throw new NewerMachine(`the record at ${sequence} has a form that this node does not know`);
  if (!snapshot) throw new MachineFault(`the message at ${sequence} is not a record`);
  try {
    return restore(definition, snapshot, facts && readFacts(facts.payload));
  } catch (cause) {
    if (cause instanceof MachineFault) throw cause;
    throw new MachineFault(`the record at ${sequence} cannot be read: ${String(cause)}`, { cause });
  }
}
