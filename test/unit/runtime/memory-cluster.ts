/** Whole nodes of the runtime in one process: a server in memory, a virtual clock, faults on demand. */
import { firstOf } from "../../support/faults/first-fault.ts";
import { streamOf } from "../../../src/runtime/layout.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { type ProcessClock, VirtualClock } from "../../../src/adapters/memory/virtual-clock.ts";
import { type MemoryNode, memoryNode } from "../../../src/adapters/memory/connection.ts";
import { memoryOutbox, type MemoryOutbox } from "../../../src/adapters/memory/outbox.ts";
import { type Fault, MemoryServer, type Operation } from "../../../src/adapters/memory/server.ts";
import type { ActorReply, Actors, ParkedActors } from "../../../src/runtime/actors.ts";
import type { ActorDefinition } from "../../../src/runtime/definition.ts";
import { readRecord } from "../../../src/runtime/actor/record-decoding.ts";
import type { ActorRecord } from "../../../src/runtime/actor/snapshot.ts";
import type { StoredCheckpoint } from "../../../src/runtime/partition/checkpoint.ts";
import { hostOn } from "../../../src/runtime/host.ts";
import type { RuntimeNode } from "../../../src/runtime/node.ts";
import type { Application } from "../../../src/runtime/application.ts";
import type { NodeTuning } from "../../../src/runtime/host-options.ts";
import type { SharedSettings } from "../../../src/runtime/cluster/shared-settings.ts";
import type { Bucket, Bus, Clock, Ids, Journal, Log } from "../../../src/runtime/ports.ts";
import type { Unverified } from "../../../src/runtime/cluster/owned-resource.ts";
import type { WriteSetSink } from "../../../src/runtime/commit/write-set.ts";
import { silent } from "./commit/relay-stage.ts";

export type ClusterOptions = {
  readonly partitions: number;
  /** 1 when absent. */
  readonly streams?: number;
  readonly idleActors?: number;
  /** 1000 when absent. */
  readonly effectLimit?: number;
  readonly latencyMs?: () => number;
  /** Of a cluster of servers: from the check of a write to its being stored, ms. One server when absent. */
  readonly replicationMs?: () => number;
  readonly log?: (node: string) => Log;
  /** The server's limit for one message, bytes; 1 MiB when absent. */
  readonly maxPayload?: number;
  /** Life of a presence entry on the server, ms; 3000 when absent. */
  readonly presenceAgeMs?: number;
  /** Further buckets of the server. */
  readonly buckets?: readonly string[];
  /** How much later than others a node's consumers get what is stored now, ms; 0 when absent. */
  readonly deliveryDelayMs?: (node: string) => number;
  /** How much later than its time a schedule fires, ms; 100 when absent. */
  readonly latenessMs?: () => number;
  /** How far a process's own clock is ahead when it starts, ms; 0 when absent. */
  readonly skewMs?: (node: string) => number;
  /** False: the bucket of definitions stays empty, as nodes of 0.1.0 leave it. True when absent. */
  readonly comparesDefinitions?: boolean;
  /** Settings of one node, in place of those of this cluster. */
  readonly tuning?: (node: string) => NodeTuning;
  /** Settings of one node that are equal on all nodes; none when absent. */
  readonly shared?: (node: string) => SharedSettings;
};

/** What an application of a simulated node is built on: the node's own ports. */
export type Host = {
  readonly sink: WriteSetSink;
  readonly unverified: Unverified;
  readonly journal: Journal;
  readonly bus: Bus;
  /** The server's time. */
  readonly clock: Clock;
  readonly ids: Ids;
  readonly ports: MemoryNode;
};

/** Actors alone, or with resources that are owned beside them; made anew for every process. */
export type Hosted = ActorDefinition | ((host: Host) => Application);

export type ClusterNode = MemoryNode & {
  readonly name: string;
  /** The process's own; `node.clock` is the server's time. */
  readonly clock: ProcessClock;
  readonly node: RuntimeNode;
  readonly actors: Actors;
  readonly parked: ParkedActors;
  readonly outbox: MemoryOutbox;
  /** The process ends without a word; its outbox stays on the disk. */
  kill(): void;
};

/** Keeps nothing. */
const emptyBucket = (bucket: Bucket): Bucket => ({
  ...bucket,
  get: async () => undefined,
  update: async () => ({ status: "stored", revision: 1 }),
});

export function memoryCluster(options: ClusterOptions) {
  const clock = new VirtualClock();
  /** The server's own: a test may set it. */
  const serverClock = clock.process();
  const streams = options.streams ?? 1;
  /** What goes wrong; the first that answers counts. */
  const faults: ((operation: Operation) => Fault | undefined)[] = [];
  const server = new MemoryServer({
    subjects,
    clock: serverClock,
    layout: { partitions: options.partitions, streams },
    latencyMs: options.latencyMs ?? (() => 1),
    ...(options.replicationMs ? { replicas: 3, replicationMs: options.replicationMs } : {}),
    bucketAgeMs: { NODES: options.presenceAgeMs ?? 3000 },
    ...(options.buckets ? { buckets: options.buckets } : {}),
    ...(options.deliveryDelayMs ? { deliveryDelayMs: options.deliveryDelayMs } : {}),
    ...(options.latenessMs ? { latenessMs: options.latenessMs } : {}),
    ...(options.maxPayload ? { maxPayload: options.maxPayload } : {}),
    faults: firstOf(faults),
  });
  /** The stream of a partition. */
  const logOf = (partition: number) => server.log(subjects.stream(streamOf(partition, streams)));
  const lockOf = (partition: number): string =>
    subjects.lock(`partition.${partition}`, streamOf(partition, streams));
  const outboxes = new Map<string, MemoryOutbox>();
  const running = new Set<ClusterNode>();
  let ids = 0;

  const until = async (reason: string, condition: () => boolean, limitMs = 60_000): Promise<void> => {
    if (!(await clock.advanceUntil(condition, limitMs))) throw new Error(`never happened: ${reason}`);
  };
  /** Lets time pass until the promise is settled. */
  const done = async <T>(promise: Promise<T>, limitMs = 60_000): Promise<T> => {
    let over = false;
    const watched = promise.finally(() => {
      over = true;
    });
    watched.catch(() => {});
    await until("the call returned", () => over, limitMs);
    return await watched;
  };

  /** Starts a process; resolves when it takes part. Another task must advance the clock. */
  const launch = async (
    name: string,
    hosted: Hosted,
    wrapBus: (bus: Bus) => Bus = (bus) => bus,
  ): Promise<ClusterNode> => {
    const own = clock.process(options.skewMs?.(name));
    const ports = memoryNode(server, name, own);
    const bus = wrapBus(ports.bus);
    const nextId: Ids = { next: () => `id${++ids}` };
    const outbox = outboxes.get(name) ?? memoryOutbox();
    outboxes.set(name, outbox);
    const { journals, nodes, checkpoints, settings } = ports;
    const compares = options.comparesDefinitions ?? true;
    const definitions = compares ? ports.definitions : emptyBucket(ports.definitions);
    const node = hostOn(
      { journals, bus, nodes, checkpoints, definitions, settings, outbox, clock: own, ids: nextId },
      {
        node: name,
        subjects,
        application: (sink, unverified, time) =>
          typeof hosted === "function"
            ? hosted({ sink, unverified, journal: ports.journal, bus, clock: time, ids: nextId, ports })
            : { definition: hosted, resources: [] },
        log: options.log?.(name) ?? silent,
        partitions: options.partitions,
        presenceTtlMs: 2000,
        presenceRefreshMs: 500,
        commitTimeoutMs: 500,
        outboxLimit: 1000,
        effectLimit: options.effectLimit ?? 1000,
        idleActors: options.idleActors ?? 1000,
        shared: options.shared?.(name),
        ...options.tuning?.(name),
      },
    );
    const kill = (): void => {
      own.end();
      ports.link.disconnect();
      running.delete(started);
    };
    const started: ClusterNode = {
      ...ports,
      name,
      clock: own,
      node,
      actors: node.actors,
      parked: node.parked,
      outbox,
      kill,
    };
    running.add(started);
    try {
      await node.start();
    } catch (error) {
      kill();
      throw error;
    }
    return started;
  };

  return {
    clock,
    serverClock,
    server,
    logOf,
    faults,
    running,
    /** Every disk takes writes again, also those of nodes that do not run now. */
    repairDisks: (): void => {
      for (const outbox of outboxes.values()) outbox.failWith(undefined);
    },
    /** The node's disk is lost: its next process starts with an empty outbox. */
    loseDisk: (name: string): void => {
      outboxes.delete(name);
    },
    until,
    done,
    /** Lets `ms` of virtual time pass for the caller; another task must advance the clock. */
    pause: (ms: number): Promise<undefined> =>
      new Promise((resolve) => {
        clock.after(ms, () => resolve(undefined));
      }),
    /** Starts a process, and drives the clock until it takes part. */
    start: (name: string, hosted: Hosted, wrapBus?: (bus: Bus) => Bus): Promise<ClusterNode> =>
      done(launch(name, hosted, wrapBus)),
    launch,
    /** Every partition is open somewhere. */
    async settled(): Promise<void> {
      await until("every partition is open", () => {
        const open = [...running].flatMap(({ node }) =>
          node
            .status()
            .partitions.filter((found) => found.open)
            .map((found) => found.partition),
        );
        return new Set(open).size === options.partitions;
      });
    },
    records(partition: number, actor: string): ActorRecord[] {
      return logOf(partition)
        .all(subjects.record(partition, actor))
        .map((message) => readRecord(message)!);
    },
    checkpoint(partition: number): StoredCheckpoint | undefined {
      const stored = server.log("KV_FLOORS").last(`$KV.FLOORS.partition.${partition}`);
      return stored && (JSON.parse(stored.payload) as StoredCheckpoint);
    },
    epoch: (partition: number): number => logOf(partition).last(lockOf(partition))?.sequence ?? 0,
    /** How often the partition's lock has changed. */
    lockChanges: (partition: number): number => logOf(partition).all(lockOf(partition)).length,
    /** Puts an input into an actor's inbox, as a webhook does. */
    inbox(partition: number, actor: string, machine: string, type: string, id: string): number {
      const payload = JSON.stringify({ kind: "event", machine, event: { type }, id });
      const log = logOf(partition);
      log.propose([{ subject: subjects.inbox(partition, actor), payload }], () => {});
      return log.lastSequence;
    },
    ok(reply: ActorReply): Extract<ActorReply, { status: "ok" }> {
      if (reply.status !== "ok") throw new Error(`not ok but ${JSON.stringify(reply)}`);
      return reply;
    },
  };
}
