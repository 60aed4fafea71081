/** Finding orders on one node: its own projection, and those of the other nodes. Composition only. */
import type { NodeSettings } from "../../config/settings.ts";
import type { RuntimeNode } from "../../src/runtime/node.ts";
import type { Bus, Subscription } from "../../src/runtime/ports.ts";
import type { OrderList } from "../../src/services/projection/contract.ts";
import {
  type LocalProjection,
  ProjectedOrders,
  serveProjectionOf,
} from "../../src/services/projection/order-list.ts";

/** The lists of this node; its projection answers other nodes from now on. @throws Unavailable (retryable) */
export async function orderLists({
  bus,
  node,
  projection,
  settings,
}: {
  readonly node: RuntimeNode;
  readonly settings: NodeSettings;
  readonly bus: Bus;
  readonly projection: LocalProjection;
}): Promise<{ readonly list: OrderList; readonly served: Subscription }> {
  const { nodeId } = settings;
  const list = new ProjectedOrders({
    node: nodeId,
    local: projection,
    bus,
    projecting: () =>
      node.status().entries.flatMap((entry) => (entry["projection"] === "on" ? entry.id : [])),
    owners: () =>
      new Map(
        node.status().owners.flatMap(({ node: owner, resource }) => {
          const [kind, number] = resource.split(".");
          return kind === "partition" && owner !== "" ? [[Number(number), owner] as const] : [];
        }),
      ),
    now: () => node.clock.now(),
  });
  return { list, served: await serveProjectionOf(bus, nodeId, projection) };
}
