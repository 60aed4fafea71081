/**
 * What nodes ask each other for operators: to take a partition, to give everything away, to take part again.
 * Owns the subject `node.<id>.place` of its node. Core NATS: a request that is lost is asked again by its operator.
 */
import type { Placement } from "../../runtime/cluster/placement.ts";
import { parseObject } from "../../runtime/json.ts";
import type { Bus, Log, Subscription } from "../../runtime/ports.ts";
import { token } from "../../runtime/subjects.ts";

/** One request. The reason is for the log of the node that is asked. */
export type PlacementRequest =
  | { readonly type: "take"; readonly resource: string; readonly reason: string | null }
  | { readonly type: "drain" | "undrain"; readonly reason: string | null };

/** Where a node takes such requests. */
export const placementSubject = (node: string): string => `node.${token(node)}.place`;

/** The request as it is sent. */
export const askOf = (request: PlacementRequest): string => JSON.stringify(request);

/**
 * The node takes requests from now on. Answers `done`, `draining` (it takes nothing) or `unknown` (the request is of
 * another program).
 * @param orders takes partitions; it and `others` give everything away
 */
export function servePlacements(
  bus: Bus,
  {
    log,
    node,
    orders,
    others,
  }: {
    readonly node: string;
    readonly orders: Placement;
    readonly others: readonly Placement[];
    readonly log: Log;
  },
): Promise<Subscription> {
  const all = [orders, ...others];
  return bus.serve(placementSubject(node), (payload) => {
    const { reason, resource, type } = parseObject(payload) ?? {};
    const why = typeof reason === "string" ? reason : null;
    if (type === "take" && typeof resource === "string") {
      const takes = orders.take(resource);
      log.info({ resource, reason: why, takes }, "an operator moves a resource to this node");
      return Promise.resolve(takes ? "done" : "draining");
    }
    if (type !== "drain" && type !== "undrain") return Promise.resolve("unknown");
    for (const placement of all) {
      if (type === "drain") placement.drain(why);
      else placement.undrain();
    }
    log.warn(
      { reason: why },
      type === "drain" ? "an operator drains this node" : "this node takes part again",
    );
    return Promise.resolve("done");
  });
}
