/** Puts one batch together from units: fences, ledgers and lock checks. Pure. */
import { lockParts, subjects } from "../../../config/subjects.ts";
import type { Ledger } from "../definition.ts";
import type { Message } from "../ports.ts";
import type { LockRef, Unit } from "./write-set.ts";

export type Batch = {
  readonly units: readonly Unit[];
  readonly messages: readonly Message[];
  /** Position in `messages` of every guarded subject's last message. */
  readonly guarded: ReadonlyMap<string, number>;
  /** The fences that were sent, by subject: what a refusal has to be compared with. */
  readonly fences: ReadonlyMap<string, number>;
  readonly locks: readonly LockRef[];
  readonly changes: ReadonlyMap<Ledger, readonly unknown[]>;
};

/**
 * @param units in outbox order
 * @param tails last stored sequence of subjects whose earlier units have left the outbox
 * @param marks lock subjects that also want a fence message of their own, to mark time in the log
 */
export function composeBatch(
  units: readonly Unit[],
  tails: ReadonlyMap<string, number>,
  marks: ReadonlySet<string>,
): Batch {
  const messages: Message[] = [];
  const guarded = new Map<string, number>();
  const fences = new Map<string, number>();
  const locks = new Map<string, LockRef>();
  const changes = new Map<Ledger, unknown[]>();
  /** Index of a message without fence that may carry the lock's check. */
  const carriers = new Map<string, number>();

  for (const unit of units) {
    for (const message of unit.messages) {
      const guard = unit.guards.find((candidate) => candidate.subject === message.subject);
      if (guard) {
        // A unit that names a sequence was decided on exactly that: what was stored since must refuse it.
        const sequence = guard.sequence ?? tails.get(guard.subject);
        const first = !guarded.has(guard.subject);
        guarded.set(guard.subject, messages.length);
        // A subject written in this batch cannot be checked again: later units stand behind the first.
        if (first) {
          if (sequence === undefined) throw new Error(`no expected sequence for ${guard.subject}`);
          fences.set(guard.subject, sequence);
          messages.push({ ...message, fence: { subject: guard.subject, sequence } });
          continue;
        }
      } else if (!message.schedule) {
        const lock = unit.locks[0];
        if (lock && !carriers.has(lock.subject)) carriers.set(lock.subject, messages.length);
      }
      messages.push(message);
    }
    for (const lock of unit.locks) locks.set(lock.subject, lock);
    for (const { ledger, change } of unit.tally ?? []) {
      const list = changes.get(ledger);
      if (list) list.push(change);
      else changes.set(ledger, [change]);
    }
  }
  for (const [ledger, list] of changes) messages.push(...ledger.compose(list));
  for (const lock of locks.values()) {
    const fence = { subject: lock.subject, sequence: lock.epoch };
    const carrier = marks.has(lock.subject) ? undefined : carriers.get(lock.subject);
    const message = carrier === undefined ? undefined : messages[carrier];
    if (carrier !== undefined && message) messages[carrier] = { ...message, fence };
    else messages.push({ subject: fenceSubject(lock), payload: "", fence });
  }
  return { units, messages, guarded, fences, locks: [...locks.values()], changes };
}

function fenceSubject(lock: LockRef): string {
  return subjects.fence(lockParts(lock.subject).resource);
}
