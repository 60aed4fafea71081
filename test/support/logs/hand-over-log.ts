/** Reads from the nodes' logs the partitions that changed hands in order, and the nodes that died. */
import type { ClusterProcess } from "../cluster/order-cluster.ts";

type Line = {
  readonly time: number;
  readonly msg: string;
  readonly resource?: string;
  readonly partition?: number;
  readonly drainMs?: number;
  readonly peer?: string;
};

/**
 * How long each partition accepted no commands: from the beginning of its hand-over until it is open on another node,
 * ms. Only partitions that changed hands since then; of several hand-overs the longest.
 * @param since wall clock, ms
 */
export function pausesIn(nodes: readonly ClusterProcess[], since: number): ReadonlyMap<number, number> {
  const lines = linesOf(nodes, since);
  const closedAt = new Map<number, number>();
  const pauses = new Map<number, number>();
  for (const { time, msg, resource, partition, drainMs } of lines) {
    if (msg === "handed over" && resource?.startsWith("partition."))
      closedAt.set(Number(resource.slice("partition.".length)), time - (drainMs ?? 0));
    if (msg !== "partition taken over" || partition === undefined) continue;
    const closed = closedAt.get(partition);
    closedAt.delete(partition);
    if (closed !== undefined) pauses.set(partition, Math.max(time - closed, pauses.get(partition) ?? 0));
  }
  return pauses;
}

/**
 * How long after `since` the first of these nodes was certain of a death because nothing answered for the dead node,
 * and not because its presence had run out: ms; infinite when none was.
 */
export function foundDeadAfter(nodes: readonly ClusterProcess[], dead: string, since: number): number {
  const found = linesOf(nodes, since).find(
    ({ msg, peer }) => peer === dead && msg === "node counts as dead: requests to it find no responders",
  );
  return found === undefined ? Number.POSITIVE_INFINITY : found.time - since;
}

/** Oldest first. */
function linesOf(nodes: readonly ClusterProcess[], since: number): Line[] {
  return nodes
    .flatMap((node) => node.output().split("\n").map(parse))
    .filter((line): line is Line => line !== undefined && line.time >= since)
    .toSorted((a, b) => a.time - b.time);
}

function parse(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return undefined;
  }
}
