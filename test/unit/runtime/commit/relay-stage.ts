/** A relay on the server in memory, and write sets that write one subject each. */
import { subjects } from "../../../../src/services/subjects.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { memoryOutbox } from "../../../../src/adapters/memory/outbox.ts";
import { type Fault, MemoryServer, type Operation } from "../../../../src/adapters/memory/server.ts";
import type { Aggregator } from "../../../../src/runtime/definition.ts";
import { RecordHeader } from "../../../../src/runtime/actor/snapshot.ts";
import type { AppendResult, Journal, Log, Message } from "../../../../src/runtime/ports.ts";
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
  readonly sequence: number | undefined;
  readonly locks: readonly LockRef[];
  readonly payload?: string;
  readonly delta?: { readonly aggregator: Aggregator; readonly delta: unknown };
  readonly resolved?: (outcome: Outcome) => void;
};

export function relayStage() {
  const clock = new VirtualClock();
  /** Faults of the next operations; the first one that returns a result counts. */
  const faults: ((operation: Operation) => Fault | undefined)[] = [];
  const server = new MemoryServer({
    subjects,
    clock,
    latencyMs: () => 1,
    faults: (operation) => {
      for (const fault of faults) {
        const found = fault(operation);
        if (found) return found;
      }
      return undefined;
    },
  });
  const { journal } = memoryNode(server, "one");
  const outbox = memoryOutbox();
  const appended: (readonly Message[])[] = [];
  let inFlight = 0;
  let mostInFlight = 0;
  /** Answers that replace the answer of the server; nothing is sent. */
  const refusals: ((messages: readonly Message[]) => AppendResult | undefined)[] = [];
  const watched: Journal = {
    ...journal,
    append: async (messages, timeoutMs) => {
      appended.push(messages);
      mostInFlight = Math.max(mostInFlight, ++inFlight);
      try {
        for (const refusal of refusals) {
          const refused = refusal(messages);
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
    store: new OutboxWriter({ outbox, clock, log: silent }),
    clock,
    log: silent,
    commitTimeoutMs: 100,
    markEveryMs: Number.POSITIVE_INFINITY,
    onLockMoved: (lock) => moved.push(lock),
  });
  const outcomes = new Map<string, Outcome>();
  const order: string[] = [];

  const log = server.log("KV_ORDERS");
  const store = (subject: string, payload = ""): number => {
    log.propose([{ subject, payload }], () => {});
    return log.lastSequence;
  };
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
    mostInFlight: () => mostInFlight,
    store,
    /** Takes a lock, as a node does. */
    lock(resource: string): LockRef {
      const subject = subjects.lock(resource);
      return { subject, epoch: store(subject) };
    },
    submit(write: Write): void {
      const subject = subjects.record(0, write.actor);
      const writeSet: WriteSet = {
        commit: write.commit,
        locks: write.locks,
        messages: [
          {
            subject,
            payload: write.payload ?? write.commit,
            headers: { [RecordHeader.commit]: write.commit },
            messageId: write.commit,
          },
        ],
        preconditions: [{ subject, sequence: write.sequence }],
        ...(write.delta ? { deltas: [write.delta] } : {}),
        resolved: (outcome) => {
          if (outcomes.has(write.commit)) throw new Error(`${write.commit} resolved twice`);
          outcomes.set(write.commit, outcome);
          order.push(write.commit);
          write.resolved?.(outcome);
        },
      };
      relay.submit(writeSet);
    },
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
  };
}
