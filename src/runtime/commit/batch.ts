/** Puts one batch together from units: fences, ledgers and lock checks. Pure. */
import { lockParts, subjects } from "../subjects.ts";
import type { Aggregator } from "../definition.ts";
import type { Message } from "../ports.ts";
import type { LockRef, WriteSet } from "./write-set.ts";

export type Batch = {
  readonly writeSets: readonly WriteSet[];
  readonly messages: readonly Message[];
  /** Position in `messages` of every guarded subject's last message. */
  readonly checkedSubjects: ReadonlyMap<string, number>;
  /** The fences that were sent, by subject: what a refusal has to be compared with. */
  readonly fences: ReadonlyMap<string, number>;
  readonly locks: readonly LockRef[];
  readonly changes: ReadonlyMap<Aggregator, readonly unknown[]>;
};

/**
 * @param writeSets in outbox order
 * @param tails last stored sequence of subjects whose earlier units have left the outbox
 * @param marks lock subjects that also want a fence message of their own, to mark time in the log
 */
export function composeBatch(
  writeSets: readonly WriteSet[],
  tails: ReadonlyMap<string, number>,
  marks: ReadonlySet<string>,
): Batch {
  const messages: Message[] = [];
  const guarded = new Map<string, number>();
  const fences = new Map<string, number>();
  const locks = new Map<string, LockRef>();
  const changes = new Map<Aggregator, unknown[]>();
  /** Index of a message without fence that may carry the lock's check. */
  const carriers = new Map<string, number>();

  for (const writeSet of writeSets) {
    for (const message of writeSet.messages) {
      const precondition = writeSet.preconditions.find((candidate) => candidate.subject === message.subject);
      if (precondition) {
        // A unit that names a sequence was decided on exactly that: what was stored since must refuse it.
        const sequence = precondition.sequence ?? tails.get(precondition.subject);
        const first = !guarded.has(precondition.subject);
        guarded.set(precondition.subject, messages.length);
        // A subject written in this batch cannot be checked again: later units stand behind the first.
        if (first) {
          if (sequence === undefined) throw new Error(`no expected sequence for ${precondition.subject}`);
          fences.set(precondition.subject, sequence);
          messages.push({ ...message, fence: { subject: precondition.subject, sequence } });
          continue;
        }
      } else if (!message.schedule) {
        const lock = writeSet.locks[0];
        if (lock && !carriers.has(lock.subject)) carriers.set(lock.subject, messages.length);
      }
      messages.push(message);
    }
    for (const lock of writeSet.locks) locks.set(lock.subject, lock);
    for (const { aggregator, delta: change } of writeSet.deltas ?? []) {
      const list = changes.get(aggregator);
      if (list) list.push(change);
      else changes.set(aggregator, [change]);
    }
  }
  for (const [aggregator, list] of changes) messages.push(...aggregator.compose(list));
  for (const lock of locks.values()) {
    const fence = { subject: lock.subject, sequence: lock.epoch };
    const carrier = marks.has(lock.subject) ? undefined : carriers.get(lock.subject);
    const message = carrier === undefined ? undefined : messages[carrier];
    if (carrier !== undefined && message) messages[carrier] = { ...message, fence };
    else messages.push({ subject: fenceSubject(lock), payload: "", fence });
  }
  return { writeSets, messages, checkedSubjects: guarded, fences, locks: [...locks.values()], changes };
}

function fenceSubject(lock: LockRef): string {
  return subjects.fence(lockParts(lock.subject).resource);
}
