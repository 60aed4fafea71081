/** The worlds of the contract suites: in memory, on one server, on a cluster of three. One type for all. */
import { subjects } from "../../src/services/subjects.ts";
import { setTimeout as pause } from "node:timers/promises";
import type { Test } from "tap";
import {
  bucketStream,
  orderStream,
  type StreamDefinition,
} from "../../src/adapters/nats/stream-definitions.ts";
import { natsBucket } from "../../src/adapters/nats/bucket.ts";
import { natsBus } from "../../src/adapters/nats/bus.ts";
import { systemClock } from "../../src/adapters/local/system-clock.ts";
import { memoryNode } from "../../src/adapters/memory/connection.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import { MemoryServer } from "../../src/adapters/memory/server.ts";
import { ensureStream } from "../../src/adapters/nats/streams.ts";
import { memoryRegister } from "../../src/adapters/memory/register.ts";
import { natsRegister } from "../../src/adapters/nats/register.ts";
import type { Bucket, Bus, Journal, Register } from "../../src/runtime/ports.ts";
import { type NatsServer, startNatsCluster, startNatsServer } from "../support/cluster/nats-server.ts";
import { waitUntil } from "../support/wait-until.ts";
import { isWhole } from "../support/cluster/stream-leader.ts";
import { untilAnswered } from "../support/cluster/until-answered.ts";

/** One connection and the ports on it. */
export type Peer = {
  readonly journal: Journal;
  /** `ORDERS` (locks), `PLAIN` (file), `SHORT` (memory, entries live `SHORT_AGE_MS`). */
  bucket(name: "ORDERS" | "PLAIN" | "SHORT"): Bucket;
  /** `PLAIN`, in the order of its writes. */
  readonly register: Register;
  readonly bus: Bus;
  /** Ends the connection like the end of its process. */
  leave(): Promise<void>;
};

export type World = {
  readonly name: string;
  /** Several copies: writes are checked first and stored later. */
  readonly replicated: boolean;
  join(): Promise<Peer>;
  /** Waits until every server has the whole stream: a consumer may begin on any of them. */
  copied(stream: string): Promise<void>;
  /** Every peer loses its connection for a moment, or its server dies and restarts. */
  interrupt(): Promise<void>;
  /** Every server dies and restarts at once. Quicker, for tests that need no continuous quorum. */
  restart(): Promise<void>;
  /** Freezes the servers: requests wait until the returned function is called. Less than a second. */
  stall(): () => void;
};

export const SHORT_AGE_MS = 1_000;
/** Longer than the wait for an answer in tests that freeze their server. */
export const STALL_MS = 700;

const plain = (replicas: number): StreamDefinition =>
  bucketStream("PLAIN", { storage: "file", ageMs: 0, replicas });
const short = (replicas: number): StreamDefinition =>
  bucketStream("SHORT", { storage: "memory", ageMs: SHORT_AGE_MS, replicas });
const orders = (replicas: number): StreamDefinition =>
  orderStream({ replicas, partitions: 32, streams: 1, presenceAgeMs: 1_000, subjects });

/** Worlds at a time: a suite mostly waits. */
const WORLDS_AT_ONCE = 2;

/** Runs `suite` once per world; each gets servers of its own. */
export async function inEveryWorld(t: Test, suite: (t: Test, world: World) => Promise<void>): Promise<void> {
  t.jobs = WORLDS_AT_ONCE;
  const runs = Object.entries(worlds).map(([name, open]) =>
    t.test(name, { buffered: true }, async (t) => suite(t, await open(t))),
  );
  await Promise.all(runs);
}

/** One of the worlds by its name. */
export function openWorld(t: Test, name: keyof typeof worlds): Promise<World> {
  return worlds[name](t);
}

/** The slowest first: the others run beside it. */
const worlds = {
  "three servers": async (t: Test) => {
    const { servers } = await startNatsCluster(t, 3);
    return natsWorld(t, "three servers", servers, 3);
  },
  "one server": async (t: Test) => {
    const server = await startNatsServer(t);
    return natsWorld(t, "one server", [server], 1);
  },
  "in memory": async (t: Test) => memoryWorld(t, "in memory", 1),
  "in memory, replicated": async (t: Test) => memoryWorld(t, "in memory, replicated", 3),
} satisfies Readonly<Record<string, (t: Test) => Promise<World>>>;

function memoryWorld(t: Test, name: string, replicas: number): World {
  // The system's timers do not keep a process alive, and here nothing else does.
  const alive = setInterval(() => {}, 60_000);
  t.teardown(() => clearInterval(alive));
  let stalled = false;
  const server = new MemoryServer({
    subjects,
    clock: systemClock,
    faults: () => (stalled ? { delayMs: STALL_MS } : undefined),
    replicas,
    replicationMs: () => 5,
    bucketAgeMs: { PLAIN: 0, SHORT: SHORT_AGE_MS },
  });
  const nodes: ReturnType<typeof memoryNode>[] = [];
  const interrupt = async (): Promise<void> => {
    for (const node of nodes) node.link.disconnect();
    await pause(20);
    for (const node of nodes) node.link.reconnect();
  };
  return {
    name,
    replicated: replicas > 1,
    // Its consumers read the one log.
    async copied() {},
    async join() {
      const node = memoryNode(server, `node-${nodes.length}`, systemClock);
      nodes.push(node);
      return {
        journal: node.journal,
        bucket: (bucket) => node.bucket(bucket),
        register: memoryRegister(node.link, "PLAIN"),
        bus: node.bus,
        async leave() {
          node.link.disconnect();
          nodes.splice(nodes.indexOf(node), 1);
        },
      };
    },
    interrupt,
    restart: interrupt,
    stall() {
      stalled = true;
      return () => void (stalled = false);
    },
  };
}

async function natsWorld(
  t: Test,
  name: string,
  servers: readonly NatsServer[],
  replicas: number,
): Promise<World> {
  let made: Promise<void> | undefined;
  const definitions = [orders(replicas), plain(replicas), short(replicas)];
  const make = async () => {
    const links = await Promise.all(
      servers.map(({ url }) => connectNats({ servers: [url], name: "setup", connectTimeoutMs: 20_000 })),
    );
    for (const definition of definitions)
      await waitUntil(`${definition.name} exists`, async () => {
        await ensureStream(links[0]!, definition);
        return true;
      });
    await Promise.all(links.map((link) => untilAnswered(link, definitions)));
    await Promise.all(links.map((link) => link.close()));
  };
  return {
    name,
    replicated: replicas > 1,
    async copied(stream) {
      if (replicas === 1) return;
      const link = await connectNats({
        servers: servers.map((server) => server.url),
        name: "copied",
        connectTimeoutMs: 20_000,
      });
      await waitUntil(`every server has ${stream}`, () => isWhole(link, stream, servers.length));
      await link.close();
    },
    async join() {
      await (made ??= make());
      const link = await connectNats({
        servers: servers.map((server) => server.url),
        name: "peer",
        connectTimeoutMs: 20_000,
      });
      t.teardown(() => link.close());
      const journal = natsJournal(link, subjects.stream(0));
      return {
        journal,
        bucket: (bucket) =>
          natsBucket(link, { ORDERS: orders, PLAIN: plain, SHORT: short }[bucket](replicas)),
        register: natsRegister(link, plain(replicas)),
        bus: natsBus(link),
        leave: () => link.close(),
      };
    },
    async interrupt() {
      // One after the other: there is always a quorum, and every connection breaks once.
      for (const server of servers) {
        await server.kill();
        await server.restart();
        await settled(servers);
      }
    },
    async restart() {
      await Promise.all(servers.map((server) => server.kill()));
      await Promise.all(servers.map((server) => server.restart()));
      await settled(servers);
    },
    stall() {
      const thaws = servers.map((server) => server.freeze());
      return () => {
        for (const thaw of thaws) thaw();
      };
    },
  };
}

/** The stream can be written and read again. */
async function settled(servers: readonly NatsServer[]): Promise<void> {
  const link = await connectNats({
    servers: servers.map((server) => server.url),
    name: "settled",
    connectTimeoutMs: 20_000,
  });
  const journal = natsJournal(link, subjects.stream(0));
  await waitUntil(
    "the stream takes writes",
    async () => {
      const result = await journal.append([{ subject: "orders.fence.settled", payload: "" }], 1_000);
      return result.status === "stored";
    },
    { timeoutMs: 30_000 },
  );
  await link.close();
}
