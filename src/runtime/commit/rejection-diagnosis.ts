/**
 * Diagnoses a rejected batch by reading back: an earlier attempt of this relay may have been stored, another writer may
 * have written, or a lock may have moved.
 */
import type { Batch } from "./batch.ts";
import { RecordHeader } from "../actor/snapshot.ts";
import { type Journal, type StoredMessage, Unavailable } from "../ports.ts";
import type { LockRef, WriteSet } from "./write-set.ts";

/** The outcome of each write set that the diagnosis explains. Write sets in none of the lists are sent again. */
export type Diagnosis = {
  /** Stored by an earlier attempt, in order. */
  readonly stored: readonly WriteSet[];
  /** By subject that still ends with a commit of these: its last sequence. */
  readonly sequences: ReadonlyMap<string, number>;
  /** The highest of `sequences`; 0 when nothing was stored. */
  readonly lastSequence: number;
  /** Another writer wrote a subject with a precondition. */
  readonly fenced: readonly WriteSet[];
  /** One of their locks has another epoch. */
  readonly lockMoved: readonly WriteSet[];
  readonly movedLocks: readonly LockRef[];
};

/**
 * Finds the outcome of a rejected batch. A write set counts as stored when any of its subjects with a precondition ends
 * with its own commit or a later commit of this batch: a batch is atomic, and the next owner may have written the other
 * subjects again. All subjects are read as of one log position. Otherwise a lock that has moved since could hide that
 * the write set was stored before.
 * @param queued write sets of the queue: before a split they were in a batch with these, and that batch may have landed
 * @param believeOld whether to believe a reading older than the batch expected. A replica that lags returns one, and so
 *   does a log that has really gone back
 * @returns `undefined` when nothing explains the rejection yet (an earlier attempt is in flight, or no answer): repeat
 *   the batch
 */
export async function diagnose(
  batch: Batch,
  queued: readonly WriteSet[],
  journal: Journal,
  believeOld: boolean,
): Promise<Diagnosis | undefined> {
  const expected = [...batch.fences.values(), ...batch.locks.map((lock) => lock.epoch)];
  const wanted = [...batch.fences.keys(), ...batch.locks.map((lock) => lock.subject)];
  let last: ReadonlyMap<string, StoredMessage>;
  try {
    ({ last } = await journal.readLastTogether(wanted, believeOld ? 0 : Math.max(...expected)));
  } catch (error) {
    if (error instanceof Unavailable) return undefined;
    throw error;
  }

  const differs = (subject: string, sequence: number): boolean =>
    (last.get(subject)?.sequence ?? 0) !== sequence;
  const known = [...batch.writeSets, ...queued];
  const position = new Map(known.map((writeSet, index) => [writeSet.commit, index]));
  const stored = new Set<WriteSet>();
  const sequences = new Map<string, number>();
  let lastSequence = 0;
  for (const subject of batch.fences.keys()) {
    const message = last.get(subject);
    const through = position.get(message?.headers[RecordHeader.commit] ?? "");
    if (!message || through === undefined) continue;
    lastSequence = Math.max(lastSequence, message.sequence);
    for (const writeSet of known.slice(0, through + 1)) {
      if (writeSet.preconditions.some((precondition) => precondition.subject === subject))
        stored.add(writeSet);
    }
    sequences.set(subject, message.sequence);
  }
  const movedLocks = batch.locks.filter((lock) => differs(lock.subject, lock.epoch));
  const moved = new Set(movedLocks.map((lock) => lock.subject));
  const overtaken = new Set(
    [...batch.fences]
      .filter(([subject, sequence]) => !sequences.has(subject) && differs(subject, sequence))
      .map(([subject]) => subject),
  );
  const rest = batch.writeSets.filter((writeSet) => !stored.has(writeSet));
  const lockMoved = rest.filter((writeSet) => writeSet.locks.some((lock) => moved.has(lock.subject)));
  const fenced = rest.filter(
    (writeSet) =>
      !lockMoved.includes(writeSet) &&
      writeSet.preconditions.some((precondition) => overtaken.has(precondition.subject)),
  );
  if (stored.size === 0 && lockMoved.length === 0 && fenced.length === 0) return undefined;
  return {
    stored: known.filter((writeSet) => stored.has(writeSet)),
    sequences,
    lastSequence,
    fenced,
    lockMoved,
    movedLocks,
  };
}
