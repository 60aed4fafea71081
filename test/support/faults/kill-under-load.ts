/** Kills a node while callers place orders, and measures how long its partitions were without an owner. */
import type { ClusterProcess, OrderCluster } from "../cluster/order-cluster.ts";
import { type LoadedOrder, type LoadOptions, startLoad } from "../load/order-load.ts";
import { shareOf } from "../load/partition-share.ts";

export type Kill = {
  /** All orders, placed before and after the kill. */
  readonly orders: readonly LoadedOrder[];
  /** From the kill to the first accepted command on the victim's partitions, ms; infinite when there was none. */
  readonly outageMs: number;
  /** Wall clock, ms. */
  readonly killedAt: number;
};

/** Waits until partitions rest, places `load.count` orders, and kills the node when half of them are answered. */
export async function killUnderLoad(
  cluster: OrderCluster,
  victim: ClusterProcess,
  load: Omit<LoadOptions, "urls">,
): Promise<Kill> {
  const isOwned = await shareOf(cluster, victim);
  const urls = () => cluster.nodes.filter((node) => node.running()).map((node) => node.url);
  const placing = startLoad({ ...load, urls });
  await placing.reached(load.count / 2);
  const killed = { at: performance.now(), wallClock: Date.now() };
  await victim.kill();
  const orders = await placing.done;
  const accepted = orders.filter(
    ({ id, status, sentAt }) => status === 201 && sentAt > killed.at && isOwned(id),
  );
  return {
    orders,
    outageMs: Math.min(...accepted.map(({ answeredAt }) => answeredAt)) - killed.at,
    killedAt: killed.wallClock,
  };
}
