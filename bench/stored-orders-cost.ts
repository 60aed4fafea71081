/**
 * The cost of a completed order: bytes on disk, memory of the server and of an idle node, and whether new orders become
 * slower as the number of stored ones grows.
 */
import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { loadNodeSettings } from "../config/settings.ts";
import type { NatsLink } from "../src/adapters/nats/link.ts";
import { streamSettings } from "../nodes/order/streams.ts";
import { orderOf, place, read } from "../test/support/clients/order-client.ts";
import { type OrderCluster, startOrderCluster } from "../test/support/cluster/order-cluster.ts";
import { waitUntil } from "../test/support/wait-until.ts";
import { ordersOfAllSkus, startCluster } from "./cluster.ts";
import { confirmedOnly } from "./load/phase.ts";
import { startGenerator } from "./load/start-load.ts";
import type { Part, PartContext } from "./part.ts";
import { cpuSeconds, memoryBytes } from "./process-costs.ts";
import { metric, type Metric, percentile } from "./result.ts";
import { stockUp } from "./stock.ts";
import { blockBytes, connectTo, countEvents, storedBytes, streamSize, workLeft } from "./stored-orders.ts";
import { type OrderTemplate, readOrder, skipHistory, writeOrders, writtenId } from "./written-history.ts";

const CALLERS = 64;
/** Orders read back to measure a cold read. */
const READS = 200;
const COMPLETE_TIMEOUT_MS = 300_000;
const MB = 2 ** 20;
const GB = 2 ** 30;
/** Headers and the server's own files come on top of payloads, and the disk must not be filled completely. */
const ROOM_FACTOR = 2;

/** With growing numbers of stored orders. */
export const storedOrdersCost: Part = {
  letter: "e",
  name: "stored-orders",
  what: "bytes and memory per stored order, and throughput, with 1000 to 1 000 000 of them",
  async run(context) {
    const { options, stage, progress, report } = context;
    if (["ORDERLY_STREAMS", "ORDERLY_PARTITIONS"].some((name) => options.set[name] !== undefined))
      throw new Error("stored-orders takes one stream and the usual partitions only");
    const sizes = options.orders ?? (options.quick ? [1_000, 20_000] : [1_000, 20_000, 100_000, 1_000_000]);
    const template = await placeForReal(context);
    hasRoom(template, Math.max(...sizes));
    const life = stage.inner();
    progress("stored-orders: starting a cluster of one node ...");
    const cluster = await startOrderCluster(life, {
      nodes: 1,
      fulfillment: "manual",
      syncAlways: true,
      env: options.set,
    });
    const link = await connectTo(life, cluster.nats.url);
    await stockUp(cluster.urls[0] ?? "");
    const empty = memoryBytes(cluster.nats.pid());
    let stored = 0;
    for (const size of sizes.toSorted((a, b) => a - b)) {
      const written = await write(context, { cluster, link, template, from: stored, to: size });
      stored = size;
      const measured = await measure(context, { cluster, template, stored, empty });
      report({
        benchmark: "stored-orders",
        parameters: { orders: stored, history: "written" },
        metrics: { ...written, ...measured },
      });
    }
    await life.end();
  },
};

/** Measures what real orders store, and returns one of them as a template. */
async function placeForReal(context: PartContext): Promise<OrderTemplate> {
  const { options, progress, report } = context;
  const wanted = options.quick ? 200 : 1_000;
  progress(`stored-orders: placing ${wanted} orders ...`);
  const life = context.stage.inner();
  try {
    const cluster = await startCluster(life, { nodes: 1, fulfillment: "auto", set: options.set });
    const { link } = cluster;
    const start = await streamSize(link);
    const { body } = await place(cluster.urls[0] ?? "", orderOf());
    await allDone(link, 1);
    const template = await readOrder(link, body.id, start.lastSequence);
    const plan = { ports: cluster.ports, callers: 16, orders: ordersOfAllSkus() };
    const generator = await startGenerator(life, plan);
    const [before, bytesBefore] = [await streamSize(link), await storedBytes(link)];
    const blocksBefore = blockBytes(cluster.home);
    let orders = 0;
    while (orders < wanted) orders += confirmedOnly(await generator.run(500), cluster.explain);
    await allDone(link, 1 + orders);
    const after = await streamSize(link);
    report({
      benchmark: "stored-orders",
      parameters: { orders, history: "placed" },
      metrics: {
        bytesPerOrder: metric((after.bytes - before.bytes) / orders, "B"),
        messagesPerOrder: metric((after.messages - before.messages) / orders, "messages"),
        diskPerOrder: metric((blockBytes(cluster.home) - blocksBefore) / orders, "B"),
        everythingPerOrder: metric(((await storedBytes(link)) - bytesBefore) / orders, "B"),
      },
    });
    return template;
  } finally {
    await life.end();
  }
}

/** Checks the free space. @throws Error when the disk would fill up */
function hasRoom({ messages }: OrderTemplate, orders: number): void {
  const bytes = messages.reduce((sum, { payload }) => sum + payload.length, 0) * ROOM_FACTOR * orders;
  const { bavail, bsize } = statfsSync(tmpdir());
  if (bytes > bavail * bsize)
    throw new Error(
      `${orders} orders need ${Math.ceil(bytes / GB)} GB, and ${tmpdir()} has ${Math.floor((bavail * bsize) / GB)}; ` +
        "set TMPDIR to another disk, or --orders to less",
    );
}

type Range = {
  readonly cluster: OrderCluster;
  readonly link: NatsLink;
  readonly template: OrderTemplate;
  readonly from: number;
  readonly to: number;
};

/** Writes orders while the node is stopped; `measure` starts it again. */
async function write(
  { options, progress }: PartContext,
  { cluster, link, template, from, to }: Range,
): Promise<Record<string, Metric>> {
  await cluster.nodes[0]!.stop();
  const before = await streamSize(link);
  const blocksBefore = blockBytes(cluster.nats.dir);
  const cpuBefore = cpuSeconds(cluster.nats.pid());
  const startedAt = performance.now();
  let reportedAt = startedAt;
  progress(`stored-orders: writing the orders ${from} to ${to} ...`);
  await writeOrders(link, template, { from, to }, (stored) => {
    if (performance.now() - reportedAt < 10_000) return;
    reportedAt = performance.now();
    progress(`stored-orders: ${stored} are written`);
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await streamSize(link);
  const cpuAfter = cpuSeconds(cluster.nats.pid());
  const settings = loadNodeSettings({
    ORDERLY_DEVELOPMENT: "true",
    ORDERLY_NODE_ID: "bench",
    ...options.set,
  });
  await skipHistory(link, streamSettings(settings));
  return {
    bytesPerOrder: metric((after.bytes - before.bytes) / (to - from), "B"),
    messagesPerOrder: metric((after.messages - before.messages) / (to - from), "messages"),
    stream: metric(after.bytes / MB, "MB"),
    diskPerOrder: metric((blockBytes(cluster.nats.dir) - blocksBefore) / (to - from), "B"),
    ...(cpuBefore === undefined || cpuAfter === undefined
      ? {}
      : { "cpu nats-server, writing": metric(cpuAfter - cpuBefore, "s") }),
    writing: metric(seconds, "s"),
  };
}

async function measure(
  { options, stage, progress }: PartContext,
  history: {
    readonly cluster: OrderCluster;
    readonly template: OrderTemplate;
    readonly stored: number;
    /** Memory of the server before anything was stored, bytes. */
    readonly empty: number | undefined;
  },
): Promise<Record<string, Metric>> {
  const { cluster, template, stored, empty } = history;
  const seconds = options.seconds ?? (options.quick ? 2 : 10);
  const warmupSeconds = options.warmupSeconds ?? (options.quick ? 1 : 5);
  progress(`stored-orders: measuring with ${stored} orders ...`);
  const node = cluster.nodes[0]!;
  const startedAt = performance.now();
  await node.start();
  const startSeconds = (performance.now() - startedAt) / 1000;
  // Idle: garbage of the start is collected, caches of the writing are dropped.
  await pause(options.quick ? 1_000 : 10_000);
  const memory = { node: memoryBytes(node.pid()), nats: memoryBytes(cluster.nats.pid()) };
  const readMs = await readOld(node.url, template, stored);
  const life = stage.inner();
  const port = Number(new URL(node.url).port);
  const explain = () => node.output();
  const callers = options.callers?.[0] ?? CALLERS;
  const generator = await startGenerator(life, { ports: [port], callers, orders: ordersOfAllSkus() });
  if (warmupSeconds > 0) confirmedOnly(await generator.run(warmupSeconds * 1000), explain);
  const phase = await generator.run(seconds * 1000);
  const placed = confirmedOnly(phase, explain);
  await life.end();
  return {
    nodeStart: metric(startSeconds, "s"),
    ...(memory.node === undefined ? {} : { nodeMemory: metric(memory.node / MB, "MB") }),
    ...(memory.nats === undefined ? {} : { natsMemory: metric(memory.nats / MB, "MB") }),
    readP50: metric(percentile(readMs, 0.5), "ms"),
    throughput: metric((placed * 1000) / phase.elapsedMs, "orders/s"),
    p50: metric(phase.p50Ms, "ms"),
    p99: metric(phase.p99Ms, "ms"),
    ...(memory.nats === undefined || empty === undefined
      ? {}
      : { natsPerOrder: metric((memory.nats - empty) / stored, "B") }),
  };
}

/** Reads orders that are not in memory, one after the other. @throws Error when one is missing or not completed */
async function readOld(url: string, template: OrderTemplate, stored: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < READS; index++) {
    const id = writtenId(template, Math.floor((index * stored) / READS));
    const from = performance.now();
    const { status, body } = await read(url, id);
    times.push(performance.now() - from);
    if (status !== 200 || body.status !== "completed")
      throw new Error(`${id} was written, and is answered ${status} ${body.status ?? body.code}`);
  }
  return times;
}

/** Waits until the orders are completed and invoiced, and all e-mails sent. @throws NeverHappened */
async function allDone(link: NatsLink, orders: number): Promise<void> {
  await waitUntil(
    `${orders} orders are completed and their mails sent`,
    async () => {
      const completed = await countEvents(link, "order.completed");
      const left = (await workLeft(link, "email")) + (await workLeft(link, "invoice"));
      if (completed < orders || left > 0)
        throw new Error(`${completed} are, ${left} pieces of work are left`);
      return true;
    },
    { timeoutMs: COMPLETE_TIMEOUT_MS, intervalMs: 100 },
  );
}
