/**
 * Orders per second and latencies over HTTP, on one node or several: the whole system of `npm start`, with the
 * simulators of gateway and carrier and the mailbox, and the load generator on the same cores.
 */
import { history } from "../test/support/clients/order-client.ts";
import { waitUntil } from "../test/support/wait-until.ts";
import {
  type BenchCluster,
  type ClusterCounts,
  countCluster,
  ordersOfAllSkus,
  startCluster,
} from "./cluster.ts";
import { confirmedOnly } from "./load/phase.ts";
import { startGenerator } from "./load/start-load.ts";
import type { Mode } from "./options.ts";
import type { Part, PartContext } from "./part.ts";
import { metric, type Metric, percentile, type Result } from "./result.ts";
import { countEvents, workLeft } from "./stored-orders.ts";

/** Time limit for completing the orders: this factor times the time of placing, plus a start. */
const DRAIN_FACTOR = 10;
const DRAIN_START_MS = 60_000;
const DRAIN_CHECK_MS = 50;

/** Placed: confirmed and answered. Completed: delivered to the customer, with an invoice. */
export const ordersOverHttp: Part = {
  letter: "c",
  name: "orders-over-http",
  what: "orders/s, p50 and p99 over HTTP on one node, placed and completed",
  async run(context) {
    const { quick } = context.options;
    const modes = context.options.modes ?? ["placed", "completed"];
    for (const mode of modes) {
      const usual = quick ? (mode === "placed" ? [1, 64] : [64]) : [1, 16, 64, 256];
      for (const callers of context.options.callers ?? usual)
        context.report(await measureOrders(context, { name: "orders-over-http", nodes: 1, mode, callers }));
    }
  },
};

/** The parameters of one run. */
export type OrdersRun = {
  /** Name of the benchmark. */
  readonly name: string;
  readonly nodes: number;
  readonly mode: Mode;
  /** Spread evenly over the nodes. */
  readonly callers: number;
};

/** One run on a fresh cluster: warm-up, then the measured time. @throws Error when an answer was not `confirmed` */
export async function measureOrders(context: PartContext, run: OrdersRun): Promise<Result> {
  const { options, progress } = context;
  const seconds = options.seconds ?? (options.quick ? 3 : 20);
  const warmupSeconds = options.warmupSeconds ?? (options.quick ? 2 : 5);
  const { name, ...parameters } = run;
  progress(`${name}: ${run.mode}, ${run.callers} callers, ${run.nodes} node(s): starting a cluster ...`);
  const stage = context.stage.inner();
  try {
    const fulfillment = run.mode === "placed" ? "manual" : "auto";
    const cluster = await startCluster(stage, { nodes: run.nodes, fulfillment, set: options.set });
    const plan = { ports: cluster.ports, callers: run.callers, orders: ordersOfAllSkus() };
    const generator = await startGenerator(stage, plan);
    const warmup = warmupSeconds > 0 ? await generator.run(warmupSeconds * 1000) : undefined;
    const warm = warmup === undefined ? 0 : confirmedOnly(warmup, cluster.explain);
    const limitMs = DRAIN_START_MS + DRAIN_FACTOR * seconds * 1000;
    if (run.mode === "completed") await allCompleted(cluster, warm, limitMs);
    progress(`${name}: measuring for ${seconds} s ...`);
    const before = await countCluster(cluster);
    const from = performance.now();
    const phase = await generator.run(seconds * 1000);
    const orders = confirmedOnly(phase, cluster.explain);
    const mailsLeft = await workLeft(cluster.link, "email");
    const completed = await countEvents(cluster.link, "order.completed");
    let elapsedMs = phase.elapsedMs;
    if (run.mode === "completed") {
      await allCompleted(cluster, warm + orders, limitMs);
      elapsedMs = performance.now() - from;
    }
    const after = await countCluster(cluster);
    return {
      benchmark: name,
      parameters: { ...parameters, seconds, warmupSeconds },
      metrics: {
        orders: metric(orders, "orders"),
        throughput: metric((orders * 1000) / elapsedMs, "orders/s"),
        p50: metric(phase.p50Ms, "ms"),
        p99: metric(phase.p99Ms, "ms"),
        max: metric(phase.maxMs, "ms"),
        elapsed: metric(elapsedMs / 1000, "s"),
        mailsLeft: metric(mailsLeft, "mails"),
        ...(run.mode === "completed"
          ? {
              completedWhilePlacing: metric(completed - warm, "orders"),
              ...(await timesToCompletion(cluster, phase.sampledIds)),
            }
          : {}),
        ...costs(before, after, elapsedMs, phase.cpuSeconds),
      },
    };
  } finally {
    await stage.end();
  }
}

/** Waits until every order is completed. @throws NeverHappened */
async function allCompleted(cluster: BenchCluster, orders: number, timeoutMs: number): Promise<void> {
  await waitUntil(
    `all ${orders} orders are completed`,
    async () => {
      const completed = await countEvents(cluster.link, "order.completed");
      if (completed < orders) throw new Error(`${completed} are`);
      return true;
    },
    { timeoutMs, intervalMs: DRAIN_CHECK_MS },
  );
}

/** Time from the first commit of an order to its last: of some orders, from their histories. */
async function timesToCompletion(
  { urls }: BenchCluster,
  ids: readonly string[],
): Promise<Record<string, Metric>> {
  const times: number[] = [];
  for (const id of ids) {
    const items = await history(urls[0] ?? "", id);
    times.push(Date.parse(items.at(-1)?.at ?? "") - Date.parse(items[0]?.at ?? ""));
  }
  return {
    completedAfterP50: metric(percentile(times, 0.5), "ms"),
    completedAfterP99: metric(percentile(times, 0.99), "ms"),
  };
}

/** What limits the rate: commits per batch, and the CPU time of each process. */
export function costs(
  before: ClusterCounts,
  after: ClusterCounts,
  elapsedMs: number,
  generatorCpuSeconds: number,
): Record<string, Metric> {
  const batches = after.batches - before.batches;
  const commits = after.commits - before.commits;
  const cpu = Object.entries(after.cpu).map(([name, seconds]) => [
    `cpu ${name}`,
    metric(seconds - (before.cpu[name] ?? 0), "s"),
  ]);
  return {
    batchRate: metric((batches * 1000) / elapsedMs, "batches/s"),
    commitsPerBatch: metric(commits / Math.max(1, batches), "commits"),
    commitRate: metric((commits * 1000) / elapsedMs, "commits/s"),
    ...Object.fromEntries(cpu),
    "cpu generator": metric(generatorCpuSeconds, "s"),
  };
}
