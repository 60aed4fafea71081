/** A node that leaves and joins while callers place orders: no request fails, and partitions change owner in order. */
import t, { type Test } from "tap";
import { auditReplies } from "../support/audits/reply-audit.ts";
import { partitionOf } from "../../src/runtime/subjects.ts";
import { checkAllEnd, checkHistories, checkLedger } from "../support/audits/order-audit.ts";
import type { LoadedOrder } from "../support/load/order-load.ts";
import {
  type ClusterProcess,
  type OrderCluster,
  startOrderCluster,
} from "../support/cluster/order-cluster.ts";
import { ownersIn, untilSettled } from "../support/load/partition-share.ts";
import { pausesIn } from "../support/logs/hand-over-log.ts";
import { startStrictLoad, type StrictLoad } from "../support/load/strict-load.ts";
import { waitUntil } from "../support/wait-until.ts";

const CALLERS = 8;
const PARTITIONS = 32;
/** Orders that are placed before anything happens, and after. */
const ENOUGH = 60;
/** Connections in the system's backlog at the moment in which a listener closed. */
const RESET_AT_MOST = 2;

const moved = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) =>
  Array.from({ length: PARTITIONS }, (_, p) => p).filter(
    (p) => before.get(`partition.${p}`) !== after.get(`partition.${p}`),
  );

/** Places orders while `happen` runs; no request may fail. @returns the load with all orders */
async function underLoad(
  t: Test,
  cluster: OrderCluster,
  name: string,
  partitions: readonly number[],
  happen: (leaves: (node: ClusterProcess) => void) => Promise<void>,
): Promise<StrictLoad> {
  const leaving = new Set<string>();
  const load = startStrictLoad(
    name,
    CALLERS,
    () => cluster.nodes.filter((node) => node.running()).map(({ url }) => url),
    (url) => leaving.has(url),
  );
  const more = (count: number) => {
    const target = load.answered.length + count;
    return waitUntil(`${count} more orders are placed`, () => load.answered.length >= target, {
      timeoutMs: 60_000,
    });
  };
  await more(ENOUGH);
  const since = Date.now();
  await happen(({ url }) => leaving.add(url));
  await more(ENOUGH);
  await load.stop();
  t.strictSame(load.failed, [], "no request failed");
  t.ok(
    load.resetConnections() <= RESET_AT_MOST,
    `${load.resetConnections()} connections reset before a node took them`,
  );
  const pauses = pausesIn(cluster.nodes, since);
  t.ok(
    partitions.every((partition) => pauses.has(partition)),
    `${partitions.length} partitions were handed over, one owner to the next`,
  );
  const sorted = [...pauses.values()].toSorted((a, b) => a - b);
  const there = load.answered.filter(({ id }) => partitions.includes(partitionOf(id, PARTITIONS)));
  const times = load.answered.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const slowest = Math.max(0, ...there.map(({ tookMs }) => tookMs));
  t.comment(
    `${name}: partitions were without an owner for p50 ${sorted[sorted.length >> 1]} ms, max ${sorted.at(-1)} ms; ` +
      `slowest of ${there.length} orders there ${Math.round(slowest)} ms, p50 of all ${times.length} orders ` +
      `${Math.round(times[times.length >> 1] ?? 0)} ms, max ${Math.round(times.at(-1) ?? 0)} ms; ` +
      `${load.refusedConnections()} connections refused, ${load.handedBack()} orders that the leaving node answered with 202`,
  );
  return load;
}

t.test("a node leaves and joins under load, and no request fails", async (t) => {
  const cluster = await startOrderCluster(t);
  const audit = auditReplies(t, cluster);
  await untilSettled(cluster);
  const [leaving, ...others] = cluster.nodes as readonly [ClusterProcess, ...ClusterProcess[]];
  const withAll = ownersIn(cluster);
  const without = ownersIn(cluster, others);

  const leave = await underLoad(t, cluster, "leave", moved(withAll, without), async (leaves) => {
    leaves(leaving);
    const before = performance.now();
    await leaving.stop();
    t.comment(`the node was gone ${Math.round(performance.now() - before)} ms after SIGTERM`);
    await untilSettled(cluster, others);
  });
  t.equal(await leaving.exitCode(), 0);
  const join = await underLoad(t, cluster, "join", moved(without, withAll), async () => {
    await leaving.start();
    await untilSettled(cluster);
  });

  const all = [...leave.answered, ...join.answered].map(
    ({ id, key, order }): LoadedOrder => ({
      id,
      key,
      order,
      status: 201,
      outcome: "confirmed",
      attempts: 1,
      sentAt: 0,
      answeredAt: 0,
    }),
  );
  await checkAllEnd(t, cluster.urls, all);
  await checkHistories(t, cluster.urls, all);
  await checkLedger(t, cluster.gateway.url, all);
  await audit.check(t);
});
