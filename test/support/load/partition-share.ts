/** Which node owns which partition once partitions have stopped moving. */
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { assignment } from "../../../src/runtime/cluster/assignment.ts";
import { clusterView } from "../clients/order-client.ts";
import type { ClusterProcess, OrderCluster } from "../cluster/order-cluster.ts";
import { waitUntil } from "../wait-until.ts";

/** The default setting of a cluster. */
const PARTITIONS = 32;
export const INVENTORY = "inventory.0";
const RESOURCES = [...Array.from({ length: PARTITIONS }, (_, i) => `partition.${i}`), INVENTORY];
/** Partitions move one at a time, and a busy machine is slow. */
const SETTLE_TIMEOUT_MS = 60_000;

/**
 * Name of the node that should own a resource (`partition.7`, `inventory.0`) while these nodes run.
 * @param nodes that run; default all of the cluster
 */
export function ownersIn(
  cluster: OrderCluster,
  nodes: readonly ClusterProcess[] = cluster.nodes,
): ReadonlyMap<string, string> {
  return assignment(
    RESOURCES,
    nodes.map(({ name }) => name),
  );
}

/** Waits until every partition is where it should be, as one of these nodes sees it. */
export async function untilSettled(
  cluster: OrderCluster,
  nodes: readonly ClusterProcess[] = cluster.nodes,
): Promise<void> {
  const owners = ownersIn(cluster, nodes);
  await waitUntil(
    "every partition is where it should be",
    async () => {
      const { partitions } = await clusterView(nodes[0]!.url);
      const elsewhere = partitions.filter((one) => one.node !== owners.get(`partition.${one.partition}`));
      if (elsewhere.length > 0) throw new Error(`${elsewhere.length} are still elsewhere`);
      return partitions.length === PARTITIONS;
    },
    { timeoutMs: SETTLE_TIMEOUT_MS, intervalMs: 100 },
  );
}

/**
 * Waits until every partition is with the node that should have it while all nodes run.
 * @returns whether an order is one of this node's
 */
export async function shareOf(
  cluster: OrderCluster,
  node: ClusterProcess,
): Promise<(orderId: string) => boolean> {
  await untilSettled(cluster);
  const owners = ownersIn(cluster);
  return (orderId) => owners.get(`partition.${partitionOf(orderId, PARTITIONS)}`) === node.name;
}

/** Waits until partitions have stopped moving. @returns the node that owns the order, as the cluster itself says */
export async function ownerOf(cluster: OrderCluster, orderId: string): Promise<ClusterProcess> {
  await untilSettled(cluster);
  const { partitions } = await clusterView(cluster.urls[0]!);
  const own = partitions.find(({ partition }) => partition === partitionOf(orderId, PARTITIONS));
  const owner = cluster.nodes.find(({ name }) => name === own?.node);
  if (owner === undefined) throw new Error(`no node owns ${orderId}`);
  return owner;
}
