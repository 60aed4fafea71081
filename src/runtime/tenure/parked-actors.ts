/**
 * The actors of one tenure that no input reaches: parked ones, and ones that this node is too old to read.
 * Owns: the list, and the message that makes a parking durable.  Does not own: cells, the inbox.
 * Invariants
 *   K1. From the moment an actor is set aside nothing is applied to it, in this tenure or a later one, until the end of
 *       the parking is stored.
 *   K2. The floor passes no input of an actor before its parking is stored.
 * A crash before the parking is stored leaves the input to be met again; after it, the next owner finds the parking.
 * Proved by: test/unit/runtime/tenure/parked.test.ts, test/integration/runtime/parked.test.ts
 */
import { subjects } from "../subjects.ts";
import type { ActorReply } from "../actors.ts";
import type { Input } from "../actor/input.ts";
import type { Failpoints } from "../failpoints.ts";
import { RecordHeader } from "../actor/snapshot.ts";
import { type Parking, parkingOf, readParking, type Unparking } from "../actor/parking-record.ts";
import { type Clock, type Ids, type Journal, type Log, type Message, Unavailable } from "../ports.ts";
import type { InboxProgress } from "./inbox-progress.ts";
import type { LockRef, Outcome, WriteSet, WriteSetSink } from "../commit/write-set.ts";

export type Quarantined = {
  readonly actor: string;
  /** `storing`: parked, and the message is on its way. `newer`: written by a newer machine, never stored as parked. */
  state: "storing" | "parked" | "newer";
  readonly reason: string;
  /** Where the parking's message stands; 0 until it is stored. */
  sequence: number;
  /** Inbox inputs that wait in the stream, as far as this tenure knows: the newest, and those that hold the floor. */
  newest: number;
  readonly holding: number[];
};

export type ParkedRegistryOptions = {
  readonly journal: Journal;
  readonly sink: WriteSetSink;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly node: string;
  readonly partition: number;
  readonly lock: LockRef;
  readonly progress: InboxProgress;
  readonly ended: () => boolean;
  readonly failpoints?: Failpoints | undefined;
  /** A parking is stored: perhaps nothing is under way any more. */
  readonly onStored: () => void;
};

const RETRY_MS = 250;

export class ParkedRegistry {
  private readonly options: ParkedRegistryOptions;
  private readonly list = new Map<string, Quarantined>();
  /** The newest stored message about a parking, its end included. */
  private at: number;

  /** @param at where the newest stored message about a parking of this partition stands */
  constructor(options: ParkedRegistryOptions, at = 0) {
    this.options = options;
    this.at = at;
  }

  get(actor: string): Quarantined | undefined {
    return this.list.get(actor);
  }

  count(): number {
    return this.list.size;
  }

  /** The newest stored message about a parking: older readings of the list are not believed. */
  storedAt(): number {
    return this.at;
  }

  /** Nothing is on its way to the stream. */
  isIdle(): boolean {
    return !this.among("storing").next().value;
  }

  /** Actors whose parking is not stored yet, or that are set aside as written by a newer machine. */
  *among(state: "storing" | "newer"): Generator<string> {
    for (const quarantined of this.list.values()) if (quarantined.state === state) yield quarantined.actor;
  }

  /** Found parked in the stream by a takeover. */
  found(parking: Parking, sequence: number): void {
    const { actor, reason, inbox } = parking;
    this.list.set(actor, { actor, reason, state: "parked", sequence, newest: inbox, holding: [] });
  }

  /** A message about a parking is stored there. */
  knows(sequence: number): void {
    this.at = Math.max(this.at, sequence);
  }

  /** Written by a newer machine: this node applies nothing to it, and does not park it either. */
  quarantine(actor: string, reason: string): void {
    this.list.set(actor, { actor, reason, state: "newer", sequence: 0, newest: 0, holding: [] });
  }

  /** Parks the actor, in memory at once, in the stream as soon as that can be. */
  park(
    what: {
      readonly actor: string;
      readonly reason: string;
      readonly version: number;
      readonly record: number;
    },
    cause: { readonly input: Input; readonly inbox: number } | undefined,
  ): void {
    const { clock, ids } = this.options;
    const { actor, reason } = what;
    const quarantined: Quarantined = { actor, reason, state: "storing", sequence: 0, newest: 0, holding: [] };
    this.list.set(actor, quarantined);
    if (cause) this.letGo(quarantined, cause.inbox);
    void this.store(quarantined, parkingOf(what, cause, clock.now(), ids.next()));
  }

  /** An input for an actor that is set aside: one of the inbox is read again when the actor is taken up again. */
  letGo(quarantined: Quarantined, inbox: number): void {
    quarantined.newest = Math.max(quarantined.newest, inbox);
    if (quarantined.state === "storing" && inbox > 0) quarantined.holding.push(inbox);
    else this.options.progress.done(inbox);
  }

  /** What a caller is told. */
  reply({ state, reason }: Quarantined): ActorReply {
    return state === "newer"
      ? { status: "unavailable", reason: `this node cannot serve the order: ${reason}` }
      : { status: "refused", code: "order_parked", reason };
  }

  /** The stored parking. @throws Unavailable, also when the reading is older than what is known */
  async stored(
    actor: string,
  ): Promise<{ readonly entry: Parking | Unparking | undefined; sequence: number }> {
    const { failpoints, journal, partition } = this.options;
    failpoints?.("parking.read", "before");
    const message = await journal.readLast(subjects.parked(partition, actor));
    failpoints?.("parking.read", "after");
    const sequence = message?.sequence ?? 0;
    if (sequence < (this.list.get(actor)?.sequence ?? 0)) {
      throw new Unavailable(`the reading of the parking of ${actor} is older than what is known of it`);
    }
    return { entry: readParking(message), sequence };
  }

  /** The message that ends a parking, guarded by it. */
  ending(quarantined: Quarantined, parking: string, status: Unparking["status"]): Message {
    const { clock, partition } = this.options;
    const subject = subjects.parked(partition, quarantined.actor);
    const entry: Unparking = { status, parking, actor: quarantined.actor, at: clock.now() };
    return { subject, payload: JSON.stringify(entry), fence: { subject, sequence: quarantined.sequence } };
  }

  /** The end of the parking is stored at this sequence: inputs reach the actor again. */
  ended({ actor }: Quarantined, sequence: number): void {
    this.knows(sequence);
    this.list.delete(actor);
  }

  /** Publishes one message about an actor's parking, guarded by what its subject holds now. */
  async publish({ subject, payload, fence }: Message, commit: string): Promise<Outcome> {
    const { failpoints, lock, node, sink } = this.options;
    failpoints?.("parking.store", "before");
    const outcome = await new Promise<Outcome>((resolve) => {
      const headers = {
        [RecordHeader.commit]: commit,
        [RecordHeader.epoch]: String(lock.epoch),
        [RecordHeader.node]: node,
      };
      const writeSet: WriteSet = {
        commit,
        locks: [lock],
        messages: [{ subject, payload, headers, messageId: commit }],
        preconditions: [{ subject, sequence: fence?.sequence ?? 0 }],
        resolved: resolve,
      };
      sink.submit(writeSet);
    });
    failpoints?.("parking.store", "after");
    return outcome;
  }

  /** Tries until it is stored or the tenure ends; a pause between tries. */
  private async store(quarantined: Quarantined, parking: Parking): Promise<void> {
    const { clock, ended, ids, log, partition, progress } = this.options;
    const subject = subjects.parked(partition, quarantined.actor);
    let { id } = parking;
    while (!ended() && this.list.get(quarantined.actor) === quarantined) {
      try {
        const { sequence } = await this.stored(quarantined.actor);
        if (ended()) return;
        const payload = JSON.stringify({ ...parking, id });
        const outcome = await this.publish({ subject, payload, fence: { subject, sequence } }, id);
        if (ended()) return;
        if (outcome.status === "stored") {
          // Without a sequence somebody has written behind it: the lock has moved, and the tenure will end.
          quarantined.sequence = outcome.sequences.get(subject) ?? outcome.lastSequence;
          quarantined.state = "parked";
          this.knows(quarantined.sequence);
          for (const inbox of quarantined.holding.splice(0)) progress.done(inbox);
          this.options.onStored();
          return;
        }
        log.warn({ actor: quarantined.actor, outcome }, "parking not stored yet");
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        log.warn({ err: error, actor: quarantined.actor }, "parking not stored yet");
      }
      await clock.sleep(RETRY_MS);
      id = ids.next();
    }
  }
}
