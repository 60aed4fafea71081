/**
 * Makes the write set that stores a cascade: cancellations first, then the record, events, timers, and the
 * messages of joined decisions. Pure. The relay adds the fences (ADR 2).
 */
import { limits } from "../limits.ts";
import type { FactsRules } from "../definition.ts";
import type { Subjects } from "../subjects.ts";
import type { Cascade } from "../actor/cascade.ts";
import type { Input } from "../actor/input.ts";
import { changesOf } from "../actor/record-changes.ts";
import { encodeRecord } from "../actor/record-encoding.ts";
import {
  type ActorRecord,
  FACTS_HEADER,
  type OpenTimer,
  RecordHeader,
  type Snapshot,
  type StoredSnapshot,
} from "../actor/snapshot.ts";
import { isLargerThan, messageBytes } from "./message-size.ts";
import type { Message } from "../ports.ts";
import type { Precondition, LockRef, Outcome, WriteSet } from "./write-set.ts";

/** What the write set needs besides the cascade and its input. */
export type CommitContext = {
  readonly subjects: Subjects;
  /** Absent: the definition has none. */
  readonly facts?: FactsRules | undefined;
  /** Unique id of this commit. */
  readonly commit: string;
  readonly actor: string;
  readonly partition: number;
  readonly node: string;
  readonly lock: LockRef;
  /** Expected last sequence of the record's subject; `undefined` after a write set that is still in the outbox. */
  readonly sequence: number | undefined;
  /** Armed timers that the owner fires itself: their schedules fire a grace later. None when absent. */
  readonly graced?: readonly OpenTimer[];
  readonly resolved: (outcome: Outcome) => void;
};

/**
 * A message of the write set is larger than the limit, or the write set has more messages than the limit. Not
 * retryable: the input is rejected or parks its actor, whose state does not change.
 */
export class RecordTooLarge extends Error {
  override readonly name = "RecordTooLarge";
}

/**
 * Composes the write set of a cascade.
 * @throws RecordTooLarge, before any part of it can share a batch with other write sets
 */
export function cascadeWriteSet(cascade: Cascade, input: Input, context: CommitContext): WriteSet {
  const { actor, partition, commit, subjects } = context;
  const recordSubject = subjects.record(partition, actor);
  const record = encodeRecord(recordOf(cascade, input, context));
  const headers = {
    [RecordHeader.commit]: commit,
    [RecordHeader.epoch]: String(context.lock.epoch),
    [RecordHeader.node]: context.node,
  };
  const main: Message[] = [
    { subject: recordSubject, payload: record, headers, messageId: commit },
    ...factsMessages(cascade, context),
    ...cascade.events.map((event, index) => eventMessage(cascade, context, event, index)),
  ];
  const timers = cascade.armed.filter(hasSchedule).map(
    (timer): Message => ({
      subject: subjects.timer(partition, actor, timer.machine, timer.id, timer.generation),
      payload: JSON.stringify({
        kind: "timer",
        machine: timer.machine,
        timer: timer.id,
        generation: timer.generation,
      }),
      schedule: { at: scheduledAt(timer, context), target: subjects.inbox(partition, actor) },
    }),
  );
  // A message carries one cancellation, and cancellations precede arming. Surplus ones are dropped, because the
  // cascade ignores a timer that fires with an old generation. The one that would fire first is not dropped.
  const cancelled = [...cascade.fired, ...cascade.cancelled]
    .filter(hasSchedule)
    .map((timer) =>
      subjects.timer(partition, actor, timer.machine, timer.armedAs ?? timer.id, timer.generation),
    );
  const cancelling = main.map((message, index) => {
    const cancels = cancelled[index];
    return cancels === undefined ? message : { ...message, cancels };
  });
  const preconditions: Precondition[] = [{ subject: recordSubject, sequence: context.sequence }];
  const joined: Message[] = [];
  for (const part of cascade.joined) {
    for (const { fence, ...message } of part.messages) {
      if (!fence) {
        joined.push(message);
        continue;
      }
      preconditions.push({ subject: fence.subject, sequence: fence.sequence });
      joined.push({ ...message, headers: { ...message.headers, [RecordHeader.commit]: commit } });
    }
  }
  const deltas = cascade.joined.flatMap((part) => part.delta ?? []);
  const locks = [context.lock];
  for (const { lock } of cascade.joined) {
    if (!locks.some((known) => known.subject === lock.subject)) locks.push(lock);
  }
  const messages = [...cancelling, ...timers, ...joined];
  mustFit(messages);
  return {
    commit,
    locks,
    messages,
    preconditions,
    ...(deltas.length > 0 ? { deltas } : {}),
    resolved: (outcome) => {
      for (const part of cascade.joined) {
        if (outcome.status === "stored") part.resolved(true, outcome.sequences);
        else part.resolved(false);
      }
      context.resolved(outcome);
    },
  };
}

const hasSchedule = ({ unscheduled }: OpenTimer): boolean => unscheduled !== true;

const scheduledAt = (timer: OpenTimer, { graced }: CommitContext): number =>
  graced?.includes(timer) ? timer.dueAt + limits.timerGraceMs : timer.dueAt;

/** @throws RecordTooLarge */
function mustFit(messages: readonly Message[]): void {
  if (messages.length > limits.writeSetMessages) {
    throw new RecordTooLarge(
      `${messages.length} messages to be stored together, at most ${limits.writeSetMessages}`,
    );
  }
  const large = messages.find((message) => isLargerThan(limits.messageBytes, message));
  if (!large) return;
  const bytes = messageBytes(large);
  throw new RecordTooLarge(`message of ${bytes} bytes for ${large.subject}, at most ${limits.messageBytes}`);
}

function recordOf(cascade: Cascade, input: Input, context: CommitContext): ActorRecord {
  return {
    commit: context.commit,
    actor: context.actor,
    ...changesOf(cascade, input),
    snapshot: storedSnapshot(cascade.head.snapshot),
  };
}

/** The facts are a message of their own: the record names their version. */
function storedSnapshot({ facts, ...snapshot }: Snapshot): StoredSnapshot {
  return facts ? { ...snapshot, facts: { version: facts.version } } : snapshot;
}

function factsMessages({ facts }: Cascade, context: CommitContext): Message[] {
  if (!facts || !context.facts) return [];
  const group = context.facts.group(facts.data);
  const subject = context.subjects.facts(context.partition, context.actor, group);
  return [{ subject, payload: JSON.stringify({ version: facts.version, facts: facts.data }) }];
}

/** An event as CloudEvents 1.0 in binary mode. Its id follows from the actor's version, so a repeat has the same id. */
function eventMessage(
  cascade: Cascade,
  context: CommitContext,
  event: { readonly type: string },
  index: number,
): Message {
  const { type, ...data } = event;
  const { facts } = cascade.head.snapshot;
  return {
    subject: context.subjects.event(context.partition, type),
    payload: JSON.stringify(data),
    headers: {
      "ce-specversion": "1.0",
      "ce-id": `${context.actor}.${cascade.head.snapshot.version}.${index}`,
      "ce-type": type,
      "ce-source": context.subjects.source,
      "ce-subject": context.actor,
      "ce-time": new Date(cascade.head.snapshot.updatedAt).toISOString(),
      "content-type": "application/json",
      ...(facts && { [FACTS_HEADER]: String(facts.version) }),
    },
  };
}
