/**
 * What a new owner reads of its partition, from the checkpoint up to its own lock entry (ADR 4).
 * Memory: one entry per actor with open effects or a timer without a schedule, one per parking, and the inputs that no
 * later record has evaluated: an input is dropped when such a record is read. Without a checkpoint the replay reads the
 * whole journal of the partition, but of a finished actor only the inputs that changed nothing are kept (a timer that
 * fired stale): of 1 000 000 actors on 32 partitions some 31 000 inputs, about 10 MB, until the takeover has ended.
 * Owns: what it has found.  Does not own: the actors.
 * Proved by: test/unit/runtime/partition/replay.test.ts, test/unit/runtime/partition/takeover.test.ts,
 *   test/unit/runtime/tenure/unreadable.test.ts
 */
import type { Subjects } from "../subjects.ts";
import type { Input } from "../actor/input.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import { isOpen } from "../actor/unscheduled-timers.ts";
import { readSnapshot } from "../actor/record-decoding.ts";
import { readInput } from "../actor/inbox-input.ts";
import { type Parking, readParking, type Unparking } from "../actor/parking-record.ts";
import type { Clock, Journal, Log, StoredMessage } from "../ports.ts";

/** An inbox input that no record in the replay has evaluated. */
export type Replayed = { readonly actor: string; readonly input: Input; readonly sequence: number };

/** The last message about one actor's parking, and its sequence. */
export type FoundParking = { readonly entry: Parking | Unparking; readonly sequence: number };

/** What a replay has found. */
export type Replay = {
  /** Actors whose last record in the replay `isOpen`, or cannot be read, and the sequence of that record. */
  readonly open: ReadonlyMap<string, number>;
  /** In the order of the stream. */
  readonly inputs: readonly Replayed[];
  /** The last message about each actor's parking. */
  readonly parkings: ReadonlyMap<string, FoundParking>;
  /** Messages read. */
  readonly count: number;
};

/** What a replay needs. */
export type ReplayOptions = {
  readonly subjects: Subjects;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly partition: number;
  /** The lock's subject. */
  readonly lock: string;
  readonly from: number;
  readonly epoch: number;
  /** Takes the sequence of a record; called for every record, in order. */
  readonly onRecord: (actor: string, sequence: number) => void;
  /** False when the tenure has ended: the replay ends early. */
  readonly isNeeded: () => boolean;
  readonly failpoints?: Failpoints | undefined;
};

const CHECK_EVERY_MS = 500;

/** Ends when the lock entry of this epoch is read: then nothing older is missing. @throws Unavailable (retryable) */
export async function replay(options: ReplayOptions): Promise<Replay> {
  const { clock, failpoints, epoch, from, journal, isNeeded, lock, partition } = options;
  const found = new Found(options);
  let finished: (() => void) | undefined;
  const caughtUp = new Promise<boolean>((resolve) => {
    finished = () => resolve(true);
  });
  const filters = [
    options.subjects.records(partition),
    options.subjects.inboxes(partition),
    options.subjects.parkedActors(partition),
    lock,
  ];
  // The checkpoint of a deposed owner may be ahead of a lock entry that it did not know of: the entry must be read.
  const fromSequence = Math.min(from, epoch);
  const subscription = await failpoint(failpoints, "partition.replay", () =>
    journal.consume({ filters, fromSequence }, (message) => {
      if (message.sequence > epoch) return;
      if (message.subject !== lock) found.take(message);
      else if (message.sequence === epoch) finished?.();
    }),
  );
  try {
    while (!(await Promise.race([caughtUp, clock.sleep(CHECK_EVERY_MS).then(() => false)]))) {
      if (!isNeeded()) break;
    }
  } finally {
    await subscription.stop();
  }
  return found.result();
}

class Found {
  private readonly options: ReplayOptions;
  private readonly records: string;
  private readonly parked: string;
  private readonly open = new Map<string, number>();
  private readonly parkings = new Map<string, FoundParking>();
  /** By actor, oldest first. */
  private readonly inputs = new Map<string, Replayed[]>();
  private count = 0;

  constructor(options: ReplayOptions) {
    this.options = options;
    this.records = options.subjects.record(options.partition, "");
    this.parked = options.subjects.parked(options.partition, "");
  }

  take(message: StoredMessage): void {
    this.count++;
    if (message.subject.startsWith(this.records)) this.record(message);
    else if (message.subject.startsWith(this.parked)) this.parking(message);
    else {
      const read = readInput(message, this.options.log);
      if (!read) return;
      const input = { ...read, sequence: message.sequence };
      const waiting = this.inputs.get(read.actor);
      if (waiting) waiting.push(input);
      else this.inputs.set(read.actor, [input]);
    }
  }

  result(): Replay {
    const inputs = [...this.inputs.values()].flat().toSorted((a, b) => a.sequence - b.sequence);
    return { open: this.open, inputs, parkings: this.parkings, count: this.count };
  }

  private record(message: StoredMessage): void {
    const { sequence, subject } = message;
    const actor = subject.slice(this.records.length);
    const snapshot = readSnapshot(message);
    this.options.onRecord(actor, sequence);
    // A record that cannot be read sets its actor apart when the takeover loads it: it must not stop the others here.
    if (!snapshot || isOpen(snapshot)) this.open.set(actor, sequence);
    else this.open.delete(actor);
    const waiting = this.inputs.get(actor);
    if (!waiting || !snapshot) return;
    const left = waiting.filter((input) => input.sequence > snapshot.inbox);
    if (left.length > 0) this.inputs.set(actor, left);
    else this.inputs.delete(actor);
  }

  private parking(message: StoredMessage): void {
    const entry = readParking(message);
    if (entry) this.parkings.set(entry.actor, { entry, sequence: message.sequence });
  }
}
