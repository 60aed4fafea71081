/** One partition on the server in memory, with a relay of its own; a test acquires its lock and holds answers back. */
import { UnreadableEntries } from "../../../../src/runtime/unreadable.ts";
import { firstOf } from "../../../support/faults/first-fault.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { memoryOutbox } from "../../../../src/adapters/memory/outbox.ts";
import { type Fault, MemoryServer, type Operation } from "../../../../src/adapters/memory/server.ts";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import type { ActorDefinition } from "../../../../src/runtime/definition.ts";
import { EffectRunner } from "../../../../src/runtime/effects/effect-runner.ts";
import { OutboxWriter } from "../../../../src/runtime/commit/outbox-writer.ts";
import { Partition, type PartitionOptions } from "../../../../src/runtime/partition/partition.ts";
import type { StoredCheckpoint } from "../../../../src/runtime/partition/checkpoint.ts";
import type { Bucket, Bus, Journal, Subscription } from "../../../../src/runtime/ports.ts";
import { Relay } from "../../../../src/runtime/commit/relay.ts";
import { readRecord } from "../../../../src/runtime/actor/record-decoding.ts";
import type { ActorRecord } from "../../../../src/runtime/actor/snapshot.ts";
import { silent } from "../commit/relay-stage.ts";
import { diary } from "../tenure/tenure-stage.ts";

/** The steps of a takeover whose answer can be held back. */
export const steps = [
  "claim read",
  "claim write",
  "replay",
  "parkings",
  "load",
  "follow",
  "serve",
  "flush",
] as const;
export type Step = (typeof steps)[number];

export function partitionStage({
  definition = diary(),
  inboxBound = 10,
  refusal = () => undefined,
}: StageOptions = {}) {
  const clock = new VirtualClock();
  const faults: ((operation: Operation) => Fault | undefined)[] = [];
  const server = new MemoryServer({
    subjects,
    clock,
    faults: firstOf(faults),
  });
  const one = memoryNode(server, "one");
  const log = server.log("KV_ORDERS");
  const put = (subject: string, payload: string): number => {
    log.propose([{ subject, payload }], () => {});
    return log.lastSequence;
  };
  const unreadable: string[] = [];
  /** Steps whose next answer is held back, until the promise resolves. */
  const held = new Map<Step, Promise<void>>();
  const pass = async (step: Step): Promise<void> => {
    const gate = held.get(step);
    if (!gate) return;
    held.delete(step);
    await gate;
  };
  const consumers = new Set<Subscription>();
  let begun = 0;
  let lastShown: number | undefined;
  const journal: Journal = {
    ...one.journal,
    readLastPerSubject: async (filter) => {
      const found = await one.journal.readLastPerSubject(filter);
      await pass("parkings");
      return found;
    },
    readLastTogether: async (asked, through) => {
      if (lastShown !== undefined) {
        const last = asked.flatMap((subject) => log.last(subject, lastShown) ?? []);
        return { last: new Map(last.map((message) => [message.subject, message])), through: Infinity };
      }
      const found = await one.journal.readLastTogether(asked, through);
      await pass("load");
      return found;
    },
    consume: async (options, onMessage) => {
      const isReplay = options.filters.includes(subjects.lock("partition.0"));
      begun++;
      const gate = isReplay ? held.get("replay") : undefined;
      if (isReplay) held.delete("replay");
      const found = await one.journal.consume(options, async (message) => {
        await gate;
        await onMessage(message);
      });
      const subscription = {
        stop: async (): Promise<void> => {
          consumers.delete(subscription);
          await found.stop();
        },
      };
      consumers.add(subscription);
      if (!isReplay) await pass("follow");
      return subscription;
    },
  };
  const bus: Bus = {
    ...one.bus,
    serve: async (subject, handler) => {
      const found = await one.bus.serve(subject, handler);
      await pass("serve");
      return found;
    },
    flush: async () => {
      await one.bus.flush();
      await pass("flush");
    },
  };
  const stored = one.bucket("FLOORS");
  const checkpoints: Bucket = {
    ...stored,
    get: async (key) => {
      const found = await stored.get(key);
      await pass("claim read");
      return found;
    },
    update: async (key, value, revision) => {
      const result = await stored.update(key, value, revision);
      await pass("claim write");
      return result;
    },
  };
  const moved: unknown[] = [];
  const relay = new Relay({
    subjects,
    journal: one.journal,
    store: new OutboxWriter({ outbox: memoryOutbox(), clock, log: silent }),
    clock,
    log: silent,
    commitTimeoutMs: 500,
    markEveryMs: 1000,
    onLockMoved: (lock) => moved.push(lock),
  });
  const effects = new EffectRunner({ handlers: definition.effects, clock, log: silent });
  let ids = 0;
  const partition = new Partition({
    subjects,
    definition,
    lock: subjects.lock("partition.0"),
    journal,
    sink: relay,
    effects,
    clock,
    ids: { next: () => `id${++ids}` },
    log: silent,
    node: "one",
    idleActors: 10,
    partition: 0,
    bus,
    checkpoints,
    history: { stamp: () => ({}), contradicts: async () => undefined },
    commitTimeoutMs: 500,
    unreadable: new UnreadableEntries(silent),
    relay,
    refusal,
    inboxBound,
    onUnreadable: (resource) => unreadable.push(resource),
  });
  const stage = {
    clock,
    server,
    log,
    faults,
    link: one.link,
    partition,
    effects,
    unreadable,
    put,
    /** Consumers that are not stopped. */
    consumers,
    /** Consumers that were ever begun. */
    begun: (): number => begun,
    /** Readings show the log up to this sequence, and claim to be whole; `undefined`: they are right again. */
    forgeReadings: (sequence: number | undefined): void => {
      lastShown = sequence;
    },
    /** Listeners for requests of other nodes. */
    served: (): number => server.listeners(subjects.command(0)).length,
    /** Acquires the lock, as an owner of the partition does. */
    acquireLock: (): number => put(subjects.lock("partition.0"), "{}"),
    /** Holds the next answer of a step back; the result lets it through. */
    hold(step: Step): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(step, promise);
      return resolve;
    },
    /** The next answer of a step is a failure. */
    fail(step: Step, error: Error): void {
      const failed = Promise.reject(error);
      failed.catch(() => {});
      held.set(step, failed);
    },
    /** Acquires lock and partition, and waits until it is open. */
    async open(): Promise<number> {
      const epoch = stage.acquireLock();
      void partition.acquire(epoch);
      if (!(await clock.advanceUntil(() => partition.isOpen(), 5000))) throw new Error("not open");
      return epoch;
    },
    done: async <T>(promise: Promise<T>, limitMs = 60_000): Promise<T> => {
      let over = false;
      const watched = promise.finally(() => {
        over = true;
      });
      watched.catch(() => {});
      if (!(await clock.advanceUntil(() => over, limitMs))) throw new Error("never ended");
      return await watched;
    },
    start: (actor = "d"): Promise<ActorReply> =>
      stage.done(partition.handle({ op: "start", actor, input: {}, waitMs: 0, mayExist: false })),
    command: (type: string, { actor = "d", commandId = type } = {}): Promise<ActorReply> =>
      stage.done(
        partition.handle({ op: "command", actor, machine: "diary", event: { type }, commandId, waitMs: 0 }),
      ),
    read: (actor = "d"): Promise<ActorReply> => stage.done(partition.handle({ op: "read", actor })),
    inbox(type: string, id = `${type}!`, actor = "d"): number {
      return put(
        subjects.inbox(0, actor),
        JSON.stringify({ kind: "event", machine: "diary", event: { type }, id }),
      );
    },
    records: (actor = "d"): ActorRecord[] =>
      log.all(subjects.record(0, actor)).map((message) => readRecord(message)!),
    checkpoint(): StoredCheckpoint | undefined {
      const found = server.log("KV_FLOORS").last("$KV.FLOORS.partition.0");
      return found && (JSON.parse(found.payload) as StoredCheckpoint);
    },
    /** Stores a checkpoint, as an earlier owner has. */
    state(entry: Partial<StoredCheckpoint>): void {
      const value: StoredCheckpoint = { through: 0, epoch: 0, open: [], behind: [], parkedAt: 0, ...entry };
      server
        .log("KV_FLOORS")
        .propose([{ subject: "$KV.FLOORS.partition.0", payload: JSON.stringify(value) }], () => {});
    },
  };
  return stage;
}
type StageOptions = {
  readonly definition?: ActorDefinition;
  readonly inboxBound?: number;
  readonly refusal?: PartitionOptions["refusal"];
};
export type PartitionStage = ReturnType<typeof partitionStage>;
