/** What the nodes' logs say of partitions that changed hands in order. */
import type { ClusterProcess } from "./order-cluster.ts";

type Line = {
  readonly time: number;
  readonly msg: string;
  readonly resource?: string;
  readonly partition?: number;
  readonly drainMs?: number;
};

/**
 * For how long each partition took no commands: from the beginning of its hand-over to its being open elsewhere, ms.
 * Without those that did not change hands since then, and with the longest of those that did so more than once.
 * @param since wall clock, ms
 */
export function pausesIn(nodes: readonly ClusterProcess[], since: number): ReadonlyMap<number, number> {
  const lines = nodes
    .flatMap((node) => node.output().split("\n").map(parse))
    .filter((line) => line !== undefined && line.time >= since)
    .toSorted((a, b) => a!.time - b!.time) as Line[];
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

function parse(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return undefined;
  }
}
