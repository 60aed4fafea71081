/** A relay on the server in memory, and write sets: an order's record, and the hold that may join it. */
import { firstOf } from "../../../support/faults/first-fault.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { memoryOutbox } from "../../../../src/adapters/memory/outbox.ts";
import { type Fault, MemoryServer, type Operation } from "../../../../src/adapters/memory/server.ts";
import type { Aggregator } from "../../../../src/runtime/definition.ts";
import { RecordHeader } from "../../../../src/runtime/actor/snapshot.ts";
import type { AppendResult, Journal, Log, Message, Outbox } from "../../../../src/runtime/ports.ts";
import { OutboxWriter } from "../../../../src/runtime/commit/outbox-writer.ts";
import { Relay } from "../../../../src/runtime/commit/relay.ts";
import type { LockRef, Outcome, WriteSet } from "../../../../src/runtime/commit/write-set.ts";

export const silent: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silent,
};

export type Write = {
  readonly commit: string;
  readonly actor: string;
  /** Expected last sequence of the record. */
  readonly sequence: number | undefined;
  /** Expected last sequence of the actor's hold; without it the write set has no hold. */
  readonly hold?: { readonly sequence: number | undefined };
  /** Number of messages without a precondition, each an event. */
  readonly events?: number;
  readonly locks: readonly LockRef[];
  readonly payload?: string;
  readonly delta?: { readonly aggregator: Aggregator; readonly delta: unknown };
  readonly resolved?: (outcome: Outcome) => void;
};

/**
 * @param markEveryMs shortest time between two fence messages of one lock; one is due at once and then never again
 * @param refusalMs how long an answer takes that replaces that of the server
 */
export function relayStage({ markEveryMs = Number.POSITIVE_INFINITY, refusalMs = 0 } = {}) {
  const clock = new VirtualClock();
  /** Faults of the next operations; the first one that returns a result counts. */
  const faults: ((operation: Operation) => Fault | undefined)[] = [];
  const server = new MemoryServer({
    subjects,
    clock,
    latencyMs: () => 1,
    faults: firstOf(faults),
  });
  const { journal, link } = memoryNode(server, "one");
  const outbox = memoryOutbox();
  /** What happened, in order: rows written and removed, batches sent, write sets resolved. */
  const trace: string[] = [];
  const watchedOutbox: Outbox = {
    ...outbox,
    write: (rows) => {
      outbox.write(rows);
      trace.push(`write ${rows.map(({ commit }) => commit).join(" ")}`);
    },
    remove: (commits) => {
      outbox.remove(commits);
      trace.push(`remove ${commits.join(" ")}`);
    },
  };
  const appended: (readonly Message[])[] = [];
  let inFlight = 0;
  let mostInFlight = 0;
  /** Answers that replace the answer of the server; nothing is sent. */
  const refusals: ((messages: readonly Message[]) => AppendResult | undefined)[] = [];
  const watched: Journal = {
    ...journal,
    append: async (messages, timeoutMs) => {
      appended.push(messages);
      trace.push(`send ${commitsIn(messages).join(" ")}`);
      mostInFlight = Math.max(mostInFlight, ++inFlight);
      try {
        for (const refusal of refusals) {
          const refused = refusal(messages);
          if (refused && refusalMs > 0) await clock.sleep(refusalMs);
          if (refused) return refused;
        }
        return await journal.append(messages, timeoutMs);
      } finally {
        inFlight--;
      }
    },
  };
  const moved: LockRef[] = [];
  const relay = new Relay({
    subjects,
    journal: watched,
    store: new OutboxWriter({ outbox: watchedOutbox, clock, log: silent }),
    clock,
    log: silent,
    commitTimeoutMs: 100,
    markEveryMs,
    onLockMoved: (lock) => moved.push(lock),
  });
  const outcomes = new Map<string, Outcome>();
  const order: string[] = [];

  const log = server.log("KV_ORDERS");
  const store = (subject: string, payload = ""): number => {
    log.propose([{ subject, payload }], () => {});
    return log.lastSequence;
  };
  const submitWriteSet = (writeSet: WriteSet): void => {
    const { commit } = writeSet;
    relay.submit({
      ...writeSet,
      resolved: (outcome) => {
        order.push(commit);
        trace.push(`resolve ${commit}`);
        if (outcomes.has(commit)) throw new Error(`${commit} resolved twice`);
        outcomes.set(commit, outcome);
        writeSet.resolved(outcome);
      },
    });
  };
  const submit = (write: Write): void => submitWriteSet(writeSetOf(write));
  return {
    clock,
    server,
    relay,
    outbox,
    faults,
    refusals,
    appended,
    moved,
    outcomes,
    /** Commits in the order in which they were resolved. */
    order,
    trace,
    mostInFlight: () => mostInFlight,
    store,
    /** Takes a lock, as a node does. */
    lock(resource: string): LockRef {
      const subject = subjects.lock(resource);
      return { subject, epoch: store(subject) };
    },
    submit,
    submitWriteSet,
    link,
    /** Lets time pass until every write set given is resolved. */
    async resolved(count: number): Promise<void> {
      if (!(await clock.advanceUntil(() => outcomes.size >= count, 60_000)))
        throw new Error(`${outcomes.size} of ${count} write sets resolved`);
    },
    status: (commit: string): string => {
      const outcome = outcomes.get(commit);
      return outcome?.status === "dropped" ? outcome.why : (outcome?.status ?? "unresolved");
    },
    /** Payloads stored for an actor, oldest first. */
    stored: (actor: string): string[] => log.all(subjects.record(0, actor)).map((message) => message.payload),
    last: (actor: string): number => log.last(subjects.record(0, actor))?.sequence ?? 0,
    /** Payloads stored for an actor's hold, oldest first. */
    holds: (actor: string): string[] =>
      log.all(inventorySubjects.hold(actor)).map((message) => message.payload),
    lastHold: (actor: string): number => log.last(inventorySubjects.hold(actor))?.sequence ?? 0,
    /** Payloads stored under a subject, oldest first. */
    under: (subject: string): string[] => log.all(subject).map((message) => message.payload),
  };
}

/** The write set of a record, with its hold and its events where the write has them. */
export function writeSetOf(write: Write): WriteSet {
  const { commit, actor, payload = commit } = write;
  const record = subjects.record(0, actor);
  const hold = inventorySubjects.hold(actor);
  const headers = { [RecordHeader.commit]: commit };
  const messages: Message[] = [{ subject: record, payload, headers, messageId: commit }];
  for (let n = 0; n < (write.events ?? 0); n++)
    messages.push({ subject: subjects.event(0, "said"), payload: `${commit}.${n}` });
  if (write.hold) messages.push({ subject: hold, payload, headers });
  return {
    commit,
    locks: write.locks,
    messages,
    preconditions: [
      { subject: record, sequence: write.sequence },
      ...(write.hold ? [{ subject: hold, sequence: write.hold.sequence }] : []),
    ],
    ...(write.delta ? { deltas: [write.delta] } : {}),
    resolved: (outcome) => write.resolved?.(outcome),
  };
}

/** A write set of the inventory alone: the hold of an actor, without its record. */
export function holdOnly(write: Write): WriteSet {
  const writeSet = writeSetOf(write);
  const { messages, preconditions } = writeSet;
  const [, ...others] = preconditions;
  return {
    ...writeSet,
    messages: messages.filter(({ messageId }) => messageId === undefined),
    preconditions: others,
  };
}

/** The commits whose records are among these messages, in order. */
export function commitsIn(messages: readonly Message[]): string[] {
  return messages.flatMap(({ messageId }) => messageId ?? []);
}

/** Every fence among these messages, as subject and expected sequence. */
export function fencesIn(messages: readonly Message[]): [subject: string, sequence: number][] {
  return messages.flatMap(({ fence }) => (fence ? [[fence.subject, fence.sequence]] : []));
}
