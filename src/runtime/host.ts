/**
 * Hosts actors: the runtime as a library. `hostActors` brings everything that a program needs beside its machines;
 * `hostOn` puts a node on ports that the caller has opened. The one file of the runtime that knows its adapters.
 * docs/runtime.md is the manual.
 */
import { hostname } from "node:os";
import { join } from "node:path";
import { stderrLog } from "../adapters/local/stderr-log.ts";
import { memoryServer } from "../adapters/memory/application-server.ts";
import { memoryPlace } from "../adapters/memory/place.ts";
import type { MemoryServer } from "../adapters/memory/server.ts";
import { type NatsServers, natsPlace } from "../adapters/nats/place.ts";
import type { Actors, ParkedActors } from "./actors.ts";
import { IdentityTaken } from "./cluster/identity-taken.ts";
import type { ActorDefinition } from "./definition.ts";
import {
  CannotHost,
  checkHostOptions,
  hostDefaults,
  namesOf,
  type NodeTuning,
  type Place,
  tuningOf,
} from "./host-options.ts";
import { stopping } from "./limits.ts";
import { RuntimeNode } from "./node.ts";
import type { NodeOptions, NodePorts } from "./node-options.ts";
import type { NodeStatus } from "./node-status.ts";
import type { Log } from "./ports.ts";
import { type SubjectNames, type Subjects, subjectsOf } from "./subjects.ts";

/** What a node is made of besides its ports: `NodeOptions`; those of `hostDefaults` may be absent. */
export type NodeSetup = Omit<NodeOptions, keyof NodePorts | keyof NodeTuning> & NodeTuning;

/**
 * A node on ports that the caller has opened, not started. The caller starts and stops it, and closes the ports then.
 * @throws Error when a machine uses what the runtime cannot keep, or an `invoke` has no effect
 */
export function hostOn(ports: NodePorts, setup: NodeSetup): RuntimeNode {
  return new RuntimeNode({ ...hostDefaults, ...setup, ...ports });
}

/** Actors on NATS servers. */
export type OnNats = {
  /** Addresses of the servers of one cluster, `nats://127.0.0.1:4222`; or all settings of the connection. */
  readonly nats: NatsServers;
  readonly memory?: never;
  /** Folder of the outbox, made when it is not there, for one process at a time. `.orderly/<prefix>` when absent. */
  readonly home?: string;
  /** Copies of every stream: 1 on one server, 3 or 5 on a cluster. 1 when absent. */
  readonly replicas?: number;
  /** Streams that the partitions are divided over, 1 to 16. Fixed when they are made. 1 when absent. */
  readonly streams?: number;
  /** How long the first connection may take, ms. 10 000 when absent. */
  readonly connectTimeoutMs?: number;
};

/** Actors in the memory of this process, for tests. */
export type InMemory = {
  readonly nats?: never;
  /** `true`: a server for this host alone. One of `memoryServer` (orderly/memory) outlives its hosts. */
  readonly memory: true | MemoryServer;
};

/** What `hostActors` takes. Only the definition and the place (`nats` or `memory`) are needed. */
export type HostOptions = (OnNats | InMemory) &
  Partial<SubjectNames> &
  NodeTuning & {
    readonly definition: ActorDefinition;
    /** Unique among the running nodes: 1 to 64 letters, digits, `-` or `_`. Host name and process id when absent. */
    readonly nodeId?: string;
    /** A pino logger fits. Warnings and errors go to standard error when absent. */
    readonly log?: Log;
    /**
     * The node has ended its work permanently, since a stream does not hold the log that it has read (a restored or
     * swapped store). End the process, or stop this host and make another. Only logged when absent.
     */
    readonly onLost?: (reason: string) => void;
    /**
     * Called once when another process has claimed this host's id while this one was not seen, frozen for example. The
     * host stops by itself; end the program.
     */
    readonly onIdentityTaken?: (reason: Error) => void;
  };

/** A running host. */
export type Host = {
  readonly nodeId: string;
  readonly actors: Actors;
  readonly parked: ParkedActors;
  /** The node as it is now: what it owns, who the others are, what waits. */
  status(): NodeStatus;
  /**
   * Hands over, ends, and closes what the host has opened: within about 4 s, also while the server is silent. Calls
   * after the first wait for the same end.
   */
  stop(): Promise<void>;
};

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Hosts the actors of one definition in this process. Makes streams and buckets that are missing, opens the outbox,
 * checks the server, and resolves when the node takes part. Any number of processes with the same definition and names
 * divide the actors among themselves. A killed process leaves nothing to repair: another one, or the same one started
 * again, goes on with its actors.
 *
 * @throws CannotHost (an option, the server or the folder does not fit, or another process has the id);
 *   Unavailable (the server stopped answering; retryable); Error (a machine uses what the runtime cannot keep, or an
 *   `invoke` has no effect)
 * @example
 * const host = await hostActors({ definition, nats: "nats://127.0.0.1:4222", home: "data" });
 * await host.actors.start("gate-1", { lockAfterMs: 5_000 }, { waitMs: 1_000, mayExist: true });
 * await host.actors.command("gate-1", "turnstile", { type: "coin" }, { commandId: "coin-17", waitMs: 1_000 });
 * await host.stop();
 */
export async function hostActors(options: HostOptions): Promise<Host> {
  const { definition, nodeId = defaultNodeId() } = options;
  checkHostOptions({ ...options, nodeId });
  const subjects = orCannotHost(() => subjectsOf(namesOf(options)));
  const log = options.log ?? stderrLog({ node: nodeId });
  const place = await placeOf(options, nodeId, subjects, log);
  const application = () => ({ definition, resources: [] });
  let node: RuntimeNode | undefined;
  let host: Host | undefined;
  try {
    const { partitions } = place;
    const setup = {
      ...tuningOf(options),
      node: nodeId,
      log,
      application,
      partitions,
      subjects: place.subjects,
      onLost: options.onLost,
      onIdentityTaken: (taken: IdentityTaken) => {
        void host?.stop().catch(() => {});
        options.onIdentityTaken?.(asCannotHost(taken));
      },
    };
    node = hostOn(place.ports, setup);
    await node.start();
    host = runningHost(nodeId, node, place);
    return host;
  } catch (error) {
    // A start that fails half way has started timers and subscriptions.
    await (node ? end(node, place) : place.close());
    throw error instanceof IdentityTaken ? asCannotHost(error) : error;
  }
}

async function placeOf(options: HostOptions, nodeId: string, subjects: Subjects, log: Log): Promise<Place> {
  const { partitions, presenceTtlMs } = { ...hostDefaults, ...tuningOf(options) };
  if (options.memory !== undefined) {
    const own =
      options.memory === true
        ? memoryServer({ ...namesOf(options), partitions, presenceTtlMs })
        : options.memory;
    return memoryPlace(own, nodeId);
  }
  const { nats, replicas = 1, streams = 1, home = join(".orderly", subjects.prefix) } = options;
  return await natsPlace({
    servers: nats,
    streams: { subjects, partitions, streams, replicas, presenceAgeMs: presenceTtlMs },
    nodeId,
    home,
    log,
    connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
  });
}

function runningHost(nodeId: string, node: RuntimeNode, place: Place): Host {
  let stopped: Promise<void> | undefined;
  return {
    nodeId,
    actors: node.actors,
    parked: node.parked,
    status: () => node.status(),
    stop: () => (stopped ??= end(node, place)),
  };
}

async function end(node: RuntimeNode, { ports, close }: Place): Promise<void> {
  try {
    await node.handOver();
    // A server that answers nothing does not keep this process: the other nodes notice by themselves.
    await Promise.race([node.stop(), ports.clock.sleep(stopping.presenceMs)]);
  } finally {
    await close();
  }
}

const defaultNodeId = (): string =>
  `${hostname()
    .replace(/[^A-Za-z0-9_-]/gu, "-")
    .slice(0, 50)}-${process.pid}`;

/** With the name of the option in place of the variable. */
const asCannotHost = (cause: IdentityTaken): CannotHost =>
  new CannotHost(`cannot host: ${cause.message.replace("ORDERLY_NODE_ID", "option nodeId")}`, { cause });

function orCannotHost<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new CannotHost(`cannot host: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
