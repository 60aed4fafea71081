/**
 * Finds out what became of a rejected batch by reading back from the leader: an earlier attempt of ours may have
 * been stored, somebody else may have written, or a lock may have moved.
 */
import type { Batch } from "./batch.ts";
import { RecordHeader } from "./envelope.ts";
import { type Journal, type StoredMessage, Unavailable } from "./ports.ts";
import type { LockRef, Unit } from "./unit.ts";

export type Diagnosis = {
  /** Stored by an earlier attempt, in order. */
  readonly stored: readonly Unit[];
  readonly sequences: ReadonlyMap<string, number>;
  readonly lastSequence: number;
  readonly fenced: readonly Unit[];
  readonly lockMoved: readonly Unit[];
  readonly movedLocks: readonly LockRef[];
};

const READS_AT_ONCE = 32;

/**
 * `undefined` when nothing explains the refusal yet (an earlier attempt still under way, no answer): repeat the
 * batch. A unit is taken for stored when **any** of its guarded subjects ends with a commit of this batch at or
 * behind it: a batch is atomic, and the other subjects may have been written again by their next owner.
 * @param behind units of the queue: they were in a batch with these before it was split, and it may have landed
 * @param believeOld whether to believe a reading from before the sequence that was expected: a server that has just
 *   lost its leadership answers so, and a unit that is stored must not be taken for overtaken
 */
export async function diagnose(
  batch: Batch,
  behind: readonly Unit[],
  journal: Journal,
  believeOld: boolean,
): Promise<Diagnosis | undefined> {
  const last = new Map<string, StoredMessage | undefined>();
  const wanted = [...batch.fences.keys(), ...batch.locks.map((lock) => lock.subject)];
  try {
    for (let at = 0; at < wanted.length; at += READS_AT_ONCE) {
      const slice = wanted.slice(at, at + READS_AT_ONCE);
      const found = await Promise.all(slice.map((subject) => journal.readLast(subject)));
      for (const [index, subject] of slice.entries()) last.set(subject, found[index]);
    }
  } catch (error) {
    if (error instanceof Unavailable) return undefined;
    throw error;
  }

  const differs = (subject: string, expected: number): boolean => {
    const actual = last.get(subject)?.sequence ?? 0;
    return believeOld ? actual !== expected : actual > expected;
  };
  const known = [...batch.units, ...behind];
  const position = new Map(known.map((unit, index) => [unit.commit, index]));
  const stored = new Set<Unit>();
  const sequences = new Map<string, number>();
  let lastSequence = 0;
  for (const subject of batch.fences.keys()) {
    const message = last.get(subject);
    const through = position.get(message?.headers[RecordHeader.commit] ?? "");
    if (!message || through === undefined) continue;
    lastSequence = Math.max(lastSequence, message.sequence);
    for (const unit of known.slice(0, through + 1)) {
      if (unit.guards.some((guard) => guard.subject === subject)) stored.add(unit);
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
  const rest = batch.units.filter((unit) => !stored.has(unit));
  const lockMoved = rest.filter((unit) => unit.locks.some((lock) => moved.has(lock.subject)));
  const fenced = rest.filter(
    (unit) => !lockMoved.includes(unit) && unit.guards.some((guard) => overtaken.has(guard.subject)),
  );
  if (stored.size === 0 && lockMoved.length === 0 && fenced.length === 0) return undefined;
  return {
    stored: known.filter((unit) => stored.has(unit)),
    sequences,
    lastSequence,
    fenced,
    lockMoved,
    movedLocks,
  };
}
