/**
 * What a new owner reads of its partition, from the floor up to its own lock entry (ADR 4).
 * Memory: one entry per actor with open effects, one per parking, and the inputs that no record behind them has
 * evaluated: an input is forgotten when such a record comes by. Without a floor entry that is the whole partition's
 * journal, but of a finished actor nothing is left except inputs that changed nothing (a timer that fired stale): of
 * 1 000 000 actors on 32 partitions some 31 000 inputs, about 10 MB, for as long as the takeover takes.
 */
import { subjects } from "../subjects.ts";
import type { Input } from "../actor/input.ts";
import type { Failpoints } from "../failpoints.ts";
import { readRecord } from "../actor/snapshot.ts";
import { readInput } from "../actor/inbox-input.ts";
import { type Parking, readParking, type Unparking } from "../actor/parking-record.ts";
import type { Clock, Journal, Log, StoredMessage } from "../ports.ts";

/** An inbox input that no record in the replay has evaluated. */
export type Replayed = { readonly actor: string; readonly input: Input; readonly sequence: number };

export type FoundParking = { readonly entry: Parking | Unparking; readonly sequence: number };

export type Replay = {
  /** Actors whose last record in the replay has open effects or cannot be read, and where it stands. */
  readonly open: ReadonlyMap<string, number>;
  /** In the order of the stream. */
  readonly inputs: readonly Replayed[];
  /** The last message about each actor's parking. */
  readonly parkings: ReadonlyMap<string, FoundParking>;
  /** Messages read. */
  readonly count: number;
};

export type ReplayOptions = {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly partition: number;
  /** The lock's subject. */
  readonly lock: string;
  readonly from: number;
  readonly epoch: number;
  /** Where a record of an actor stands; called for every record, in order. */
  readonly onRecord: (actor: string, sequence: number) => void;
  /** False when nobody needs the replay any more: it ends early. */
  readonly wanted: () => boolean;
  readonly failpoints?: Failpoints | undefined;
};

const LOOK_EVERY_MS = 500;

/** Ends when the lock entry of this epoch has come by: then nothing older is missing. @throws Unavailable */
export async function replay(options: ReplayOptions): Promise<Replay> {
  const { clock, failpoints, epoch, from, journal, lock, partition, wanted } = options;
  const found = new Found(options);
  let finished: (() => void) | undefined;
  const caughtUp = new Promise<boolean>((resolve) => {
    finished = () => resolve(true);
  });
  failpoints?.("partition.replay", "before");
  const subscription = await journal.consume(
    {
      filters: [
        subjects.records(partition),
        subjects.inboxes(partition),
        subjects.parkedActors(partition),
        lock,
      ],
      // A deposed owner's floor may be ahead of the lock that it did not know of: the lock must come by.
      fromSequence: Math.min(from, epoch),
    },
    (message) => {
      if (message.sequence > epoch) return;
      if (message.subject !== lock) found.take(message);
      else if (message.sequence === epoch) finished?.();
    },
  );
  failpoints?.("partition.replay", "after");
  try {
    while (!(await Promise.race([caughtUp, clock.sleep(LOOK_EVERY_MS).then(() => false)]))) {
      if (!wanted()) break;
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
    this.records = subjects.record(options.partition, "");
    this.parked = subjects.parked(options.partition, "");
  }

  take(message: StoredMessage): void {
    this.count++;
    if (message.subject.startsWith(this.records)) this.record(message);
    else if (message.subject.startsWith(this.parked)) this.parking(message);
    else {
      const read = readInput(message, this.options.partition, this.options.log);
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

  private record({ payload, sequence, subject }: StoredMessage): void {
    const actor = subject.slice(this.records.length);
    const snapshot = readRecord(payload)?.snapshot;
    this.options.onRecord(actor, sequence);
    // One that cannot be read parks its actor, as soon as that is read to be taken up: here it must not stop the others.
    if (!snapshot || snapshot.effects.length > 0) this.open.set(actor, sequence);
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
