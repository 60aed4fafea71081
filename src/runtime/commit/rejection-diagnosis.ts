/**
 * Finds out what became of a rejected batch by reading back: an earlier attempt of ours may have
 * been stored, somebody else may have written, or a lock may have moved.
 */
import type { Batch } from "./batch.ts";
import { RecordHeader } from "../actor/snapshot.ts";
import { type Journal, type StoredMessage, Unavailable } from "../ports.ts";
import type { LockRef, WriteSet } from "./write-set.ts";

export type Diagnosis = {
  /** Stored by an earlier attempt, in order. */
  readonly stored: readonly WriteSet[];
  readonly sequences: ReadonlyMap<string, number>;
  readonly lastSequence: number;
  readonly fenced: readonly WriteSet[];
  readonly lockMoved: readonly WriteSet[];
  readonly movedLocks: readonly LockRef[];
};

/**
 * `undefined` when nothing explains the refusal yet (an earlier attempt still under way, no answer): repeat the
 * batch. A unit is taken for stored when **any** of its guarded subjects ends with a commit of this batch at or
 * behind it: a batch is atomic, and the other subjects may have been written again by their next owner. Everything is
 * read as of one point of the log, or a lock that has moved since could hide that the unit was stored before.
 * @param behind units of the queue: they were in a batch with these before it was split, and it may have landed
 * @param believeOld whether to believe a reading from before what the batch expected, as a replica gives it that is
 *   behind: for a log that has really gone back
 */
export async function diagnose(
  batch: Batch,
  behind: readonly WriteSet[],
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
  const known = [...batch.writeSets, ...behind];
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
