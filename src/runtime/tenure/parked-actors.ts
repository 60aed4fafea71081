/**
 * The actors of one tenure that no input reaches: parked ones, and ones whose record this program cannot read.
 * Owns: the list, and the message that makes a parking durable.  Does not own: activations, the inbox.
 * Invariants
 *   parked-actors.K1. From the moment an actor is quarantined nothing is applied to it, in this tenure or a later one,
 *                     until the end of the parking is stored.
 *   parked-actors.K2. The checkpoint passes no input of an actor before its parking is stored.
 *   parked-actors.K3. Nothing is stored about an actor whose record cannot be read. The checkpoint lists it as lagging,
 *                     so that the next owner reads its inbox again, and goes on with it if it can.
 * A crash before the parking is stored leaves the input to be decided again. After it, the next owner finds the
 * parking.
 * Proved by: test/unit/runtime/tenure/operator-actions.test.ts, test/unit/runtime/tenure/parked.test.ts,
 *   test/unit/runtime/tenure/unread-records.test.ts, test/integration/runtime/parked.test.ts
 */
import type { Subjects } from "../subjects.ts";
import type { ActorReply, UnparkOptions, UnreadableActor, UnreadableKind } from "../actors.ts";
import { askedOf, type Input } from "../actor/input.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import type { MachineFault } from "../actor/machine.ts";
import { RecordHeader } from "../actor/snapshot.ts";
import { type Parking, parkingOf, readParking, type Unparking } from "../actor/parking-record.ts";
import { type Clock, type Ids, type Journal, type Log, type Message, Unavailable } from "../ports.ts";
import type { InboxProgress } from "./inbox-progress.ts";
import { unreadableKind, unreadableReply } from "./replies.ts";
import type { LockRef, Outcome, WriteSet, WriteSetSink } from "../commit/write-set.ts";

/** An actor that no input reaches. */
export type Quarantined = {
  readonly actor: string;
  /**
   * `storing`: parked, and the message is not stored yet. `newer`: a newer program wrote the record. `unreadable`: this
   * program does not know what the record holds. The last two are never stored.
   */
  state: "storing" | "parked" | UnreadableKind;
  readonly reason: string;
  /** When this owner found it, ms since the epoch, and on the monotonic clock. */
  readonly since: number;
  readonly at: number;
  /** Sequence of the parking's message; 0 until it is stored. */
  sequence: number;
  /**
   * Inbox inputs that wait in the stream, as far as this tenure knows: the newest, and those that hold the checkpoint
   * back.
   */
  newest: number;
  readonly holding: number[];
};

/** What the registry of parked actors needs. */
export type ParkedRegistryOptions = {
  readonly subjects: Subjects;
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
  readonly mayBeIdle: () => void;
};

const RETRY_MS = 250;
/** By then another node has the partition, if one is present that can read the actor. */
const HAND_OVER_MS = 2000;

/** See the top of this file. */
export class ParkedRegistry {
  private readonly options: ParkedRegistryOptions;
  private readonly list = new Map<string, Quarantined>();
  /** Sequence of the newest stored message about a parking, its end included. */
  private at: number;

  /** @param at sequence of the newest stored message about a parking of this partition */
  constructor(options: ParkedRegistryOptions, at = 0) {
    this.options = options;
    this.at = at;
  }

  /** The actor's entry, if no input may reach the actor. */
  get(actor: string): Quarantined | undefined {
    return this.list.get(actor);
  }

  /** Actors in the list: parked ones, and those that cannot be read, by kind. */
  counts(): { readonly parked: number } & Readonly<Record<UnreadableKind, number>> {
    const counts = { parked: 0, newer: 0, unreadable: 0 };
    for (const { state } of this.list.values()) counts[state === "storing" ? "parked" : state]++;
    return counts;
  }

  /** Sequence of the newest stored message about a parking: an older reading of the list is rejected. */
  storedAt(): number {
    return this.at;
  }

  /** Every parking is stored. */
  isIdle(): boolean {
    return !this.storing().next().value;
  }

  /** Actors whose parking is not stored yet. */
  *storing(): Generator<string> {
    for (const { actor, state } of this.list.values()) if (state === "storing") yield actor;
  }

  /** Actors whose record cannot be read, in the order in which they were found. */
  *unreadable(): Generator<UnreadableActor> {
    for (const { actor, reason, since, state } of this.list.values()) {
      if (state === "newer" || state === "unreadable") yield { actor, kind: state, since, reason };
    }
  }

  /** A takeover found the actor parked in the stream. */
  found(parking: Parking, sequence: number): void {
    const { actor, reason, inbox } = parking;
    this.list.set(actor, { ...this.entry(actor, reason, "parked"), sequence, newest: inbox });
  }

  /** A message about a parking is stored there. */
  knows(sequence: number): void {
    this.at = Math.max(this.at, sequence);
  }

  /** The actor's record cannot be read: this node applies nothing to the actor, and does not park it either. */
  quarantine(actor: string, error: MachineFault): void {
    this.list.set(actor, this.entry(actor, error.message, unreadableKind(error)));
  }

  private entry(actor: string, reason: string, state: Quarantined["state"]): Quarantined {
    const { clock } = this.options;
    const [since, at] = [clock.now(), clock.monotonic()];
    return { actor, reason, state, since, at, sequence: 0, newest: 0, holding: [] };
  }

  /** Parks the actor: in memory at once, in the stream as soon as possible. */
  park(
    what: {
      readonly actor: string;
      readonly reason: string;
      readonly version: number;
      readonly record: number;
    },
    cause: { readonly input: Input; readonly inbox: number },
  ): void {
    const { clock, ids } = this.options;
    const { actor, reason } = what;
    const quarantined = this.entry(actor, reason, "storing");
    this.list.set(actor, quarantined);
    this.letGo(quarantined, cause.inbox);
    void this.store(quarantined, parkingOf(what, cause, clock.now(), ids.next()));
  }

  /** An input for a quarantined actor is released: one of the inbox is read again when the actor is resumed. */
  letGo(quarantined: Quarantined, inbox: number): void {
    quarantined.newest = Math.max(quarantined.newest, inbox);
    if (quarantined.state === "storing" && inbox > 0) quarantined.holding.push(inbox);
    else this.options.progress.done(inbox);
  }

  /** The reply to a caller of a quarantined actor. */
  reply({ at, state, reason }: Quarantined): ActorReply {
    return state === "newer" || state === "unreadable"
      ? unreadableReply(state, reason, this.options.clock.monotonic() - at >= HAND_OVER_MS)
      : { status: "refused", code: "actor_parked", reason };
  }

  /** Reads the stored parking. @throws Unavailable (retryable), also when the reading is older than what is known */
  async stored(
    actor: string,
  ): Promise<{ readonly entry: Parking | Unparking | undefined; sequence: number }> {
    const { failpoints, journal, partition } = this.options;
    const message = await failpoint(failpoints, "parking.read", () =>
      journal.readLast(this.options.subjects.parked(partition, actor)),
    );
    const sequence = message?.sequence ?? 0;
    if (sequence < (this.list.get(actor)?.sequence ?? 0)) {
      throw new Unavailable(`the reading of the parking of ${actor} is older than its last known message`);
    }
    return { entry: readParking(message), sequence };
  }

  /**
   * Every stored parking of the actor and their ends, oldest first.
   * @throws Unavailable (retryable), also when the reading is older than what is known
   */
  async all(actor: string): Promise<readonly (Parking | Unparking)[]> {
    const { journal, partition, subjects } = this.options;
    const stored = await journal.readAll(subjects.parked(partition, actor));
    if ((stored.at(-1)?.sequence ?? 0) < (this.list.get(actor)?.sequence ?? 0))
      throw new Unavailable(`the reading of the parkings of ${actor} is older than its last known message`);
    return stored.flatMap((message) => readParking(message) ?? []);
  }

  /** The message that ends a parking. Its precondition is that the parking is the last message of its subject. */
  ending(
    quarantined: Quarantined,
    parking: string,
    status: Unparking["status"],
    how: UnparkOptions = {},
  ): Message {
    const { clock, partition } = this.options;
    const { actor } = quarantined;
    const subject = this.options.subjects.parked(partition, actor);
    const { commandId: command } = how;
    const asked = { ...(command === undefined ? {} : { command }), ...askedOf(how) };
    const entry: Unparking = { status, parking, actor, at: clock.now(), ...asked };
    return { subject, payload: JSON.stringify(entry), fence: { subject, sequence: quarantined.sequence } };
  }

  /** The end of the parking is stored at this sequence: inputs reach the actor again. */
  ended({ actor }: Quarantined, sequence: number): void {
    this.knows(sequence);
    this.list.delete(actor);
  }

  /** Publishes one message about an actor's parking. The precondition is the `fence` of the message. */
  async publish({ subject, payload, fence }: Message, commit: string): Promise<Outcome> {
    const { failpoints, lock, node, sink } = this.options;
    const headers = {
      [RecordHeader.commit]: commit,
      [RecordHeader.epoch]: String(lock.epoch),
      [RecordHeader.node]: node,
    };
    const writeSet: Omit<WriteSet, "resolved"> = {
      commit,
      locks: [lock],
      messages: [{ subject, payload, headers, messageId: commit }],
      preconditions: [{ subject, sequence: fence?.sequence ?? 0 }],
    };
    return await failpoint(
      failpoints,
      "parking.store",
      () => new Promise<Outcome>((resolved) => sink.submit({ ...writeSet, resolved })),
    );
  }

  /** Tries until it is stored or the tenure ends; a pause between tries. */
  private async store(quarantined: Quarantined, parking: Parking): Promise<void> {
    const { clock, ended, ids, log, partition, progress } = this.options;
    const subject = this.options.subjects.parked(partition, quarantined.actor);
    let { id } = parking;
    while (!ended() && this.list.get(quarantined.actor) === quarantined) {
      try {
        const { sequence } = await this.stored(quarantined.actor);
        if (ended()) return;
        const payload = JSON.stringify({ ...parking, id });
        const outcome = await this.publish({ subject, payload, fence: { subject, sequence } }, id);
        if (ended()) return;
        if (outcome.status === "stored") {
          // Without a sequence another owner has written after it: the lock has moved, and the tenure will end.
          quarantined.sequence = outcome.sequences.get(subject) ?? outcome.lastSequence;
          quarantined.state = "parked";
          this.knows(quarantined.sequence);
          for (const inbox of quarantined.holding.splice(0)) progress.done(inbox);
          this.options.mayBeIdle();
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
