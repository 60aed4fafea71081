/** Whole nodes of the runtime in one process: a server in memory, a virtual clock, faults on demand. */
import { subjects } from "../../../config/subjects.ts";
import { type ProcessClock, VirtualClock } from "../../../src/adapters/clock.virtual.ts";
import { type MemoryNode, memoryNode } from "../../../src/adapters/connection.memory.ts";
import { memoryOutbox, type MemoryOutbox } from "../../../src/adapters/outbox.memory.ts";
import { type Fault, MemoryServer, type Operation } from "../../../src/adapters/server.memory.ts";
import type { ActorReply, Actors } from "../../../src/runtime/actors.ts";
import type { ActorDefinition } from "../../../src/runtime/definition.ts";
import type { ActorRecord } from "../../../src/runtime/envelope.ts";
import type { Floor } from "../../../src/runtime/floor.ts";
import { RuntimeNode } from "../../../src/runtime/node.ts";
import type { Bus, Log } from "../../../src/runtime/ports.ts";
import { silent } from "./relay-stage.ts";

export type ClusterOptions = {
  readonly partitions: number;
  readonly idleActors?: number;
  readonly latencyMs?: () => number;
  readonly log?: (node: string) => Log;
};

export type ClusterNode = MemoryNode & {
  readonly name: string;
  readonly clock: ProcessClock;
  readonly node: RuntimeNode;
  readonly actors: Actors;
  readonly outbox: MemoryOutbox;
  /** The process ends without a word; its outbox stays on the disk. */
  kill(): void;
};

export function memoryCluster(options: ClusterOptions) {
  const clock = new VirtualClock();
  /** What goes wrong; the first that answers counts. */
  const faults: ((operation: Operation) => Fault | undefined)[] = [];
  const server = new MemoryServer({
    clock,
    latencyMs: options.latencyMs ?? (() => 1),
    bucketAgeMs: { NODES: 3000 },
    faults: (operation) => {
      for (const fault of faults) {
        const found = fault(operation);
        if (found) return found;
      }
      return undefined;
    },
  });
  const log = server.log("KV_ORDERS");
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

  /** Starts a process; resolves when it takes part. Somebody else has to advance the clock. */
  const launch = async (
    name: string,
    definition: ActorDefinition,
    wrapBus: (bus: Bus) => Bus = (bus) => bus,
  ): Promise<ClusterNode> => {
    const own = clock.process();
    const ports = memoryNode(server, name, own);
    const outbox = outboxes.get(name) ?? memoryOutbox();
    outboxes.set(name, outbox);
    const node = new RuntimeNode({
      node: name,
      application: () => ({ definition, resources: [] }),
      journal: ports.journal,
      bus: wrapBus(ports.bus),
      nodes: ports.bucket("NODES"),
      floors: ports.bucket("FLOORS"),
      outbox,
      clock: own,
      ids: { next: () => `id${++ids}` },
      log: options.log?.(name) ?? silent,
      partitions: options.partitions,
      presenceTtlMs: 2000,
      presenceRefreshMs: 500,
      commitTimeoutMs: 500,
      outboxLimit: 1000,
      idleActors: options.idleActors ?? 1000,
      findOwnerMs: 5000,
      details: {},
    });
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
    server,
    faults,
    running,
    /** Every disk takes writes again, also those of nodes that do not run now. */
    repairDisks: (): void => {
      for (const outbox of outboxes.values()) outbox.failWith(undefined);
    },
    until,
    done,
    /** Lets `ms` of virtual time pass for the caller; somebody else has to advance the clock. */
    pause: (ms: number): Promise<undefined> =>
      new Promise((resolve) => {
        clock.after(ms, () => resolve(undefined));
      }),
    /** Starts a process, and drives the clock until it takes part. */
    start: (name: string, definition: ActorDefinition, wrapBus?: (bus: Bus) => Bus): Promise<ClusterNode> =>
      done(launch(name, definition, wrapBus)),
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
      return log
        .all(subjects.record(partition, actor))
        .map((message) => JSON.parse(message.payload) as ActorRecord);
    },
    floor(partition: number): Floor | undefined {
      const stored = server.log("KV_FLOORS").last(`$KV.FLOORS.partition.${partition}`);
      return stored && (JSON.parse(stored.payload) as Floor);
    },
    epoch: (partition: number): number => log.last(subjects.lock(`partition.${partition}`))?.sequence ?? 0,
    /** Puts an input into an actor's inbox, as a webhook does. */
    inbox(partition: number, actor: string, machine: string, type: string, id: string): number {
      const payload = JSON.stringify({ kind: "event", machine, event: { type }, id });
      log.propose([{ subject: subjects.inbox(partition, actor), payload }], () => {});
      return log.lastSequence;
    },
    ok(reply: ActorReply): Extract<ActorReply, { status: "ok" }> {
      if (reply.status !== "ok") throw new Error(`not ok but ${JSON.stringify(reply)}`);
      return reply;
    },
  };
}
