/**
 * How long orders wait when a node dies: repeated `kill -9` of one node of three under load, each node in turn. Three
 * real processes, started again after each kill.
 */
import { orderOf } from "../test/support/clients/order-client.ts";
import { startOrderCluster } from "../test/support/cluster/order-cluster.ts";
import { killUnderLoad } from "../test/support/faults/kill-under-load.ts";
import type { Part } from "./part.ts";
import { metric, percentile } from "./result.ts";

const NODES = 3;
const CALLERS = 16;
/** Orders per kill: half of them before it. */
const ORDERS = 200;
const SKUS = ["TSHIRT-S", "TSHIRT-L", "MUG-BLUE"];

/** From the kill to the first accepted command on the partitions of the dead node. */
export const failover: Part = {
  letter: "f",
  name: "failover",
  what: "time from kill -9 of a node under load to the first accepted command on its partitions",
  async run({ stage, options, progress, report }) {
    const kills = options.kills ?? (options.quick ? 2 : 20);
    const callers = options.callers?.[0] ?? CALLERS;
    progress(`failover: starting a cluster of ${NODES} nodes ...`);
    const life = stage.inner();
    const cluster = await startOrderCluster(life, {
      nodes: NODES,
      fulfillment: "manual",
      syncAlways: true,
      env: options.set,
    });
    const outages: number[] = [];
    let orders = 0;
    let repeated = 0;
    for (let kill = 0; kill < kills; kill++) {
      const victim = cluster.nodes[kill % NODES]!;
      const { outageMs, orders: placed } = await killUnderLoad(cluster, victim, {
        name: `kill-${kill}`,
        count: ORDERS,
        callers,
        orderAt: (index) => orderOf({ lines: [{ sku: SKUS[index % SKUS.length]!, quantity: 1 }] }),
      });
      if (!Number.isFinite(outageMs)) throw new Error("no order fell on the partitions of the dead node");
      const other = placed.find(({ outcome }) => outcome !== "confirmed");
      if (other !== undefined) throw new Error(`an order was answered ${other.status} ${other.outcome}`);
      progress(`failover: kill ${kill + 1} of ${kills}, ${victim.name}: ${Math.round(outageMs)} ms`);
      outages.push(outageMs);
      orders += placed.length;
      repeated += placed.filter(({ attempts }) => attempts > 1).length;
      await victim.start();
    }
    await life.end();
    report({
      benchmark: "failover",
      parameters: { nodes: NODES, kills, callers, ordersPerKill: ORDERS },
      metrics: {
        p50: metric(percentile(outages, 0.5), "ms"),
        min: metric(outages[0] ?? 0, "ms"),
        max: metric(outages.at(-1) ?? 0, "ms"),
        orders: metric(orders, "orders"),
        askedTwiceOrMore: metric(repeated, "orders"),
      },
    });
  },
};
