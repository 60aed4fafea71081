/** Composes one batch from write sets: fences, messages of aggregators, lock checks. Pure. */
import { limits } from "../limits.ts";
import type { Subjects } from "../subjects.ts";
import type { Aggregator } from "../definition.ts";
import type { Message } from "../ports.ts";
import type { LockRef, WriteSet } from "./write-set.ts";

/** One atomic publish. */
export type Batch = {
  readonly writeSets: readonly WriteSet[];
  readonly messages: readonly Message[];
  /** By subject with a precondition: the index of its last message in `messages`. */
  readonly checkedSubjects: ReadonlyMap<string, number>;
  /** By subject: the expected sequence that was sent. A rejection is compared with it. */
  readonly fences: ReadonlyMap<string, number>;
  /** Every lock that the batch checks, each once. */
  readonly locks: readonly LockRef[];
  /** Those of them with a fence message of their own, which marks a position in the log. */
  readonly marked: ReadonlySet<string>;
  readonly deltas: ReadonlyMap<Aggregator, readonly unknown[]>;
};

/**
 * How many write sets from the start of the queue may share one batch. A batch checks each lock at one epoch: write
 * sets of an earlier tenure go alone, and the server rejects them. It checks each subject once: a write set that names
 * a sequence for a subject written earlier in the queue goes into a later batch. Otherwise it would be stored unchecked
 * after a write that its decision did not include.
 * @param maxWriteSets the first write set fits in any case
 */
export function countThatFits(queue: readonly WriteSet[], maxWriteSets: number): number {
  const epochs = new Map<string, number>();
  const written = new Set<string>();
  let messages = 0;
  for (const [index, { locks, preconditions, messages: own }] of queue.entries()) {
    messages += own.length;
    if (index > 0 && (index >= maxWriteSets || messages > limits.batchMessages)) return index;
    for (const { subject, epoch } of locks) {
      if ((epochs.get(subject) ?? epoch) !== epoch) return index;
      epochs.set(subject, epoch);
    }
    if (preconditions.some(({ subject, sequence }) => sequence !== undefined && written.has(subject)))
      return index;
    for (const { subject } of preconditions) written.add(subject);
  }
  return queue.length;
}

/**
 * Composes the batch of these write sets.
 * @param writeSets in outbox order; the locks of all must be in one stream
 * @param lastSequences by subject: the last stored sequence of a write set that has left the outbox
 * @param marks lock subjects that need a fence message of their own, which marks a position in the log
 * @throws Error when a precondition without a sequence has no entry in `lastSequences`: programmer fault
 */
export function composeBatch(
  writeSets: readonly WriteSet[],
  lastSequences: ReadonlyMap<string, number>,
  marks: ReadonlySet<string>,
  subjects: Pick<Subjects, "fence" | "lockParts">,
): Batch {
  const messages: Message[] = [];
  const checkedSubjects = new Map<string, number>();
  const fences = new Map<string, number>();
  const locks = new Map<string, LockRef>();
  const deltas = new Map<Aggregator, unknown[]>();

  for (const writeSet of writeSets) {
    for (const message of writeSet.messages) {
      const precondition = writeSet.preconditions.find((candidate) => candidate.subject === message.subject);
      if (precondition) {
        // A named sequence is the state that the decision was made on: anything stored since must reject it.
        const sequence = precondition.sequence ?? lastSequences.get(precondition.subject);
        const first = !checkedSubjects.has(precondition.subject);
        checkedSubjects.set(precondition.subject, messages.length);
        // A batch checks a subject once: later write sets of the subject depend on the first.
        if (first) {
          if (sequence === undefined) throw new Error(`no expected sequence for ${precondition.subject}`);
          fences.set(precondition.subject, sequence);
          messages.push({ ...message, fence: { subject: precondition.subject, sequence } });
          continue;
        }
      }
      messages.push(message);
    }
    for (const lock of writeSet.locks) locks.set(lock.subject, lock);
    for (const { aggregator, delta } of writeSet.deltas ?? []) {
      const list = deltas.get(aggregator);
      if (list) list.push(delta);
      else deltas.set(aggregator, [delta]);
    }
  }
  for (const [aggregator, list] of deltas) messages.push(...aggregator.compose(list));
  const marked = checkLocks(messages, locks.values(), marks, subjects);
  return { writeSets, messages, checkedSubjects, fences, locks: [...locks.values()], marked, deltas };
}

/**
 * Adds the check of each lock. Any message without a check of its own carries one: an event, a stock message, a later
 * record of an order that the batch has written; last a schedule, which fires without it (docs/nats-traps.md, 26).
 * Without such a message, and for a mark, the lock has a message of its own.
 * @returns the locks with a message of their own
 */
function checkLocks(
  messages: Message[],
  locks: Iterable<LockRef>,
  marks: ReadonlySet<string>,
  subjects: Pick<Subjects, "fence" | "lockParts">,
): Set<string> {
  const carriers = carriersIn(messages);
  const marked = new Set<string>();
  for (const { epoch, subject } of locks) {
    const fence = { subject, sequence: epoch };
    const carrier = marks.has(subject) ? undefined : carriers.next().value;
    if (carrier) {
      messages[carrier.index] = { ...carrier.message, fence };
      continue;
    }
    marked.add(subject);
    messages.push({ subject: subjects.fence(subjects.lockParts(subject).resource), payload: "", fence });
  }
  return marked;
}

function* carriersIn(
  messages: readonly Message[],
): Generator<{ readonly index: number; readonly message: Message }, undefined> {
  for (const schedules of [false, true])
    for (const [index, message] of messages.entries())
      if (!message.fence && (message.schedule !== undefined) === schedules) yield { index, message };
}
