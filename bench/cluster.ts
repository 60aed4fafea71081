/**
 * A local cluster like that of `npm start`, for benchmarks: real processes on free ports, a folder of its own,
 * `sync_interval: always`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sampleCatalogue } from "../nodes/local/catalogue.ts";
import type { NatsLink } from "../src/adapters/nats/link.ts";
import type { PlaceOrder } from "../src/services/orders/contract.ts";
import { orderOf } from "../test/support/clients/order-client.ts";
import type { Lifetime } from "../test/support/cluster/lifetime.ts";
import { findPlace, launch } from "../test/support/cluster/local-cluster.ts";
import { metricsOf, valueOf } from "../test/support/metrics.ts";
import { waitUntil } from "../test/support/wait-until.ts";
import { childrenOf, cpuSeconds } from "./process-costs.ts";
import { stockUp } from "./stock.ts";
import { connectTo } from "./stored-orders.ts";

/** What to start. */
export type ClusterOptions = {
  readonly nodes: number;
  readonly fulfillment: "auto" | "manual";
  /** Further variables for all processes. */
  readonly set: Readonly<Record<string, string>>;
};

/** A running cluster. */
export type BenchCluster = {
  readonly ports: readonly number[];
  readonly urls: readonly string[];
  readonly link: NatsLink;
  /** Folder in which everything is stored. */
  readonly home: string;
  /** Process ids by name: `node-1`, `gateway`, `mailbox`, `nats-server`. */
  readonly pids: Readonly<Record<string, number>>;
  /** The log of the first node, for the explanation of a failure. */
  readonly explain: () => string;
};

/** Cumulative: the difference of two counts belongs to the time between them. */
export type ClusterCounts = {
  readonly batches: number;
  readonly commits: number;
  /** CPU s by process; one that cannot be measured is missing. */
  readonly cpu: Readonly<Record<string, number>>;
};

const SETTLE_TIMEOUT_MS = 60_000;
/** Unless the settings say otherwise. */
const PARTITIONS = 32;

/** Starts it, waits until every partition is served, and puts plenty of the sample catalogue in stock. */
export async function startCluster(life: Lifetime, options: ClusterOptions): Promise<BenchCluster> {
  const natsServers = options.set["ORDERLY_NATS_SERVERS"] === "3" ? 3 : 1;
  const place = await findPlace(life, options.nodes, natsServers);
  const env = { ORDERLY_FULFILLMENT: options.fulfillment, ORDERLY_STEP_DELAY_MS: "0", ...options.set };
  const launched = await launch(life, place, { env });
  const ports = Array.from({ length: options.nodes }, (_, index) => place.port + index);
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const link = await connectTo(life, `nats://127.0.0.1:${place.natsPort}`);
  await stockUp(urls[0] ?? "");
  const partitions = Number(options.set["ORDERLY_PARTITIONS"] ?? PARTITIONS);
  await waitUntil("every partition is served", async () => isServed(urls, partitions), {
    timeoutMs: SETTLE_TIMEOUT_MS,
  });
  const pids = Object.fromEntries(Object.entries(launched.pids).flatMap(measuredProcess));
  const explain = () => readFileSync(join(place.home, "logs", "node-1.log"), "utf8");
  return { ports, urls, link, home: place.home, pids, explain };
}

/** The nats-server itself instead of the process that keeps it; the launcher does nothing. */
function measuredProcess([name, pid]: [string, number]): [string, number][] {
  if (name === "launcher") return [];
  if (!/^nats-(server|\d+)$/u.test(name)) return [[name, pid]];
  const server = childrenOf(pid)[0];
  return server === undefined ? [] : [[name, server]];
}

/** One line of one piece each, all SKUs in turn, paid by a credit card that works. */
export function ordersOfAllSkus(): readonly PlaceOrder[] {
  return sampleCatalogue().map(({ sku }) => orderOf({ lines: [{ sku, quantity: 1 }] }));
}

/** Reads the metrics of every node and the CPU times of the processes. */
export async function countCluster({ urls, pids }: BenchCluster): Promise<ClusterCounts> {
  const texts = await Promise.all(urls.map(metricsOf));
  const sum = (name: string) => texts.reduce((total, text) => total + valueOf(text, name), 0);
  const cpu: Record<string, number> = {};
  for (const [name, pid] of Object.entries(pids)) {
    const seconds = cpuSeconds(pid);
    if (seconds !== undefined) cpu[name] = seconds;
  }
  return { batches: sum("orderly_batches_total"), commits: sum("orderly_commits_total"), cpu };
}

/** Every partition is open on one node, and every node serves its share. */
async function isServed(urls: readonly string[], partitions: number): Promise<boolean> {
  const texts = await Promise.all(urls.map(metricsOf));
  const open = texts.map((text) => valueOf(text, "orderly_partitions_open"));
  return open.every((count) => count > 0) && open.reduce((sum, count) => sum + count, 0) === partitions;
}
