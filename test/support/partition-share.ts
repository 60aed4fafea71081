/** Who owns what once partitions have stopped moving. */
import { partitionOf } from "../../config/subjects.ts";
import { assign } from "../../src/runtime/assignment.ts";
import { clusterView } from "./order-client.ts";
import type { ClusterProcess, OrderCluster } from "./order-cluster.ts";
import { waitUntil } from "./wait-until.ts";

/** Of a cluster whose settings do not say otherwise. */
const PARTITIONS = 32;
/** They move one at a time, and a busy machine is slow. */
const SETTLE_TIMEOUT_MS = 60_000;

/**
 * Waits until every partition is with the node that should have it while all nodes run.
 * @returns whether an order is one of this node's
 */
export async function shareOf(
  cluster: OrderCluster,
  node: ClusterProcess,
): Promise<(orderId: string) => boolean> {
  const names = cluster.nodes.map(({ name }) => name);
  await waitUntil(
    "every partition is where it should be",
    async () => {
      const { partitions } = await clusterView(node.url);
      const elsewhere = partitions.filter((one) => one.node !== ownerOf(one.partition, names));
      if (elsewhere.length > 0) throw new Error(`${elsewhere.length} are still elsewhere`);
      return partitions.length === PARTITIONS;
    },
    { timeoutMs: SETTLE_TIMEOUT_MS, intervalMs: 100 },
  );
  return (orderId) => ownerOf(partitionOf(orderId, PARTITIONS), names) === node.name;
}

const ownerOf = (partition: number, names: readonly string[]) => assign(`partition.${partition}`, names);
