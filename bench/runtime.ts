/**
 * The runtime alone: one node in this process, callers beside it, a real nats-server and SQLite file, no HTTP.
 * Counters show the cost of a commit; orders add the cost of the machines and the inventory.
 */
import { type Calls, runCallers } from "./callers.ts";
import { ordersOfAllSkus } from "./cluster.ts";
import { hostCounters, hostOrders, type InProcessNode } from "./in-process-node.ts";
import type { Options } from "./options.ts";
import type { Part, PartContext } from "./part.ts";
import { cpuSeconds } from "./process-costs.ts";
import { metric, type Result } from "./result.ts";
import type { Stage } from "./stage.ts";

const WAIT_MS = 30_000;
const machines = { counter: prepareCounters, orders: prepareOrders } as const;

/** Counter: one commit per call. Orders: placed and confirmed, two commits per call. */
export const runtime: Part = {
  letter: "b",
  name: "runtime",
  what: "commits/s of the runtime in one process, with counters and with orders",
  async run(context) {
    const usual = context.options.quick ? [256] : [1, 64, 256, 1_000];
    for (const machine of ["counter", "orders"] as const)
      for (const callers of context.options.callers ?? usual)
        context.report(await measure(context, machine, callers));
  },
};

type Prepared = {
  readonly host: InProcessNode;
  /** One call of one caller, checked. */
  readonly call: (caller: number) => Promise<void>;
};

async function measure(
  { stage, options, progress }: PartContext,
  machine: keyof typeof machines,
  callers: number,
): Promise<Result> {
  const seconds = options.seconds ?? (options.quick ? 2 : 20);
  const warmupSeconds = options.warmupSeconds ?? (options.quick ? 2 : 5);
  progress(`runtime: ${machine}, ${callers} callers ...`);
  const life = stage.inner();
  try {
    const { host, call } = await machines[machine](life, options.set, callers);
    if (warmupSeconds > 0) await runCallers(callers, warmupSeconds * 1000, call);
    const before = costsOf(host);
    const calls = await runCallers(callers, seconds * 1000, call);
    return {
      benchmark: "runtime",
      parameters: { machine, callers, seconds, warmupSeconds },
      metrics: metricsOf(calls, before, costsOf(host)),
    };
  } finally {
    await life.end();
  }
}

async function prepareCounters(life: Stage, set: Options["set"], callers: number): Promise<Prepared> {
  const host = await hostCounters(life, set);
  const { actors } = host.node;
  await Promise.all(
    Array.from({ length: callers }, (_, caller) =>
      actors.start(`counter_${caller}`, {}, { waitMs: WAIT_MS, mayExist: false }),
    ),
  );
  let commands = 0;
  const call = async (caller: number) => {
    const commandId = `c${commands++}`;
    const how = { commandId, waitMs: WAIT_MS };
    const reply = await actors.command(`counter_${caller}`, "counter", { type: "count" }, how);
    if (reply.status !== "ok") throw new Error(`a counter answers ${JSON.stringify(reply)}`);
  };
  return { host, call };
}

async function prepareOrders(life: Stage, set: Options["set"]): Promise<Prepared> {
  const { orders, ...host } = await hostOrders(life, set);
  const requests = ordersOfAllSkus();
  let placed = 0;
  const call = async () => {
    const request = requests[placed++ % requests.length]!;
    const result = await orders.place(request, { caller: "bench", waitMs: WAIT_MS });
    if (result.status !== "placed" || result.order.status !== "confirmed")
      throw new Error(`an order is answered ${JSON.stringify(result)}`);
  };
  return { host, call };
}

type Costs = {
  readonly batches: number;
  readonly commits: number;
  readonly ownCpu: number;
  readonly natsCpu: number | undefined;
};

function costsOf({ node, natsPid }: InProcessNode): Costs {
  const { batches, writeSets } = node.status().relay;
  const { user, system } = process.cpuUsage();
  return { batches, commits: writeSets, ownCpu: (user + system) / 1e6, natsCpu: cpuSeconds(natsPid) };
}

function metricsOf(calls: Calls, before: Costs, after: Costs): Result["metrics"] {
  const seconds = calls.elapsedMs / 1000;
  const batches = after.batches - before.batches;
  const commits = after.commits - before.commits;
  return {
    commitRate: metric(commits / seconds, "commits/s"),
    callRate: metric(calls.done / seconds, "calls/s"),
    p50: metric(calls.p50Ms, "ms"),
    p99: metric(calls.p99Ms, "ms"),
    batchRate: metric(batches / seconds, "batches/s"),
    commitsPerBatch: metric(commits / Math.max(1, batches), "commits"),
    elapsed: metric(seconds, "s"),
    "cpu node": metric(after.ownCpu - before.ownCpu, "s"),
    ...(before.natsCpu === undefined || after.natsCpu === undefined
      ? {}
      : { "cpu nats-server": metric(after.natsCpu - before.natsCpu, "s") }),
  };
}
