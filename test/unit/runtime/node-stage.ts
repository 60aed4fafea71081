/** One node on the server in memory whose ports a test may wrap, and what it does with them, in order. */
import { firstOf } from "../../support/faults/first-fault.ts";
import { type ProcessClock, VirtualClock } from "../../../src/adapters/memory/virtual-clock.ts";
import { memoryNode } from "../../../src/adapters/memory/connection.ts";
import { memoryOutbox, type MemoryOutbox } from "../../../src/adapters/memory/outbox.ts";
import { type Fault, MemoryServer, type Operation } from "../../../src/adapters/memory/server.ts";
import type { ActorDefinition } from "../../../src/runtime/definition.ts";
import { hostOn, type NodeSetup } from "../../../src/runtime/host.ts";
import type { RuntimeNode } from "../../../src/runtime/node.ts";
import type { NodePorts } from "../../../src/runtime/node-options.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { silent } from "./commit/relay-stage.ts";

export const TTL_MS = 2000;
export const REFRESH_MS = 500;

export type StagedNode = {
  readonly node: RuntimeNode;
  readonly clock: ProcessClock;
  readonly outbox: MemoryOutbox;
  /** Announces, reads, releases and so on, in the order in which the node began them. */
  readonly did: string[];
  readonly start: () => Promise<void>;
  readonly kill: () => void;
};

export function nodeStage(partitions = 1) {
  const clock = new VirtualClock();
  const faults: ((operation: Operation) => Fault | undefined)[] = [];
  const server = new MemoryServer({
    subjects,
    clock,
    layout: { partitions, streams: 1 },
    latencyMs: () => 1,
    bucketAgeMs: { [subjects.buckets.nodes]: TTL_MS + 1000 },
    faults: firstOf(faults),
  });
  let ids = 0;
  const until = async (reason: string, condition: () => boolean, limitMs = 60_000): Promise<void> => {
    if (!(await clock.advanceUntil(condition, limitMs))) throw new Error(`never happened: ${reason}`);
  };
  const done = async <T>(promise: Promise<T>, limitMs = 60_000): Promise<T> => {
    let isOver = false;
    const watched = promise.finally(() => {
      isOver = true;
    });
    watched.catch(() => {});
    await until("the call returned", () => isOver, limitMs);
    return await watched;
  };
  return {
    clock,
    server,
    faults,
    until,
    done,
    log: server.log(subjects.stream(0)),
    make(
      name: string,
      definition: ActorDefinition,
      wrap: (ports: NodePorts) => NodePorts = (ports) => ports,
      setup: Partial<NodeSetup> = {},
    ): StagedNode {
      const own = clock.process();
      const { link, journals, bus, nodes, checkpoints, definitions, settings } = memoryNode(
        server,
        name,
        own,
      );
      const outbox = memoryOutbox();
      const did: string[] = [];
      const ports: NodePorts = {
        journals: journals.map((journal) => ({
          ...journal,
          readLastTogether: (wanted, through) => {
            if (wanted[0] === subjects.lock("partition.0") && through === 0) did.push("reads locks");
            return journal.readLastTogether(wanted, through);
          },
          append: (messages, timeoutMs) => {
            const [first] = messages;
            if (first?.subject === subjects.lock("partition.0"))
              did.push(first.payload.includes('"node":""') ? "releases" : "claims");
            return journal.append(messages, timeoutMs);
          },
        })),
        bus: {
          ...bus,
          serve: (subject, handler) => {
            if (subject === subjects.ping(name)) did.push("answers pings");
            return bus.serve(subject, handler);
          },
        },
        nodes: {
          get: (key) => nodes.get(key),
          update: (key, value, revision) => {
            did.push(value.includes('"leaving":true') ? "leaves" : "heartbeat");
            return nodes.update(key, value, revision);
          },
          keys: () => nodes.keys(),
          put: (key, value) => nodes.put(key, value),
          delete: (key, revision) => {
            did.push("deletes its entry");
            return nodes.delete(key, revision);
          },
          watch: (onChange) => {
            did.push("watches nodes");
            return nodes.watch(onChange);
          },
        },
        checkpoints,
        definitions,
        settings,
        outbox,
        clock: own,
        ids: { next: () => `id${++ids}` },
      };
      const node = hostOn(wrap(ports), {
        node: name,
        subjects,
        application: () => ({ definition, resources: [] }),
        log: silent,
        partitions,
        presenceTtlMs: TTL_MS,
        presenceRefreshMs: REFRESH_MS,
        commitTimeoutMs: 500,
        outboxLimit: 1000,
        effectLimit: 1000,
        idleActors: 1000,
        ...setup,
      });
      return {
        node,
        clock: own,
        outbox,
        did,
        start: async () => {
          await done(node.start());
        },
        kill: () => {
          own.end();
          link.disconnect();
        },
      };
    },
  };
}
