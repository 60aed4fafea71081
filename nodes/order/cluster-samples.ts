/**
 * The last minutes of the cluster as this node saw them, a sample a second: for graphs. In memory only.
 * Owns: the samples.  Does not own: what they are made of, which is in the presence of the nodes.
 */
import type { ClusterSample, ClusterSamples } from "../../src/http/operations/operations-port.ts";
import type { NodeEntry } from "../../src/runtime/cluster/presence.ts";
import { isCount, isObject } from "../../src/runtime/json.ts";
import type { NodeStatus } from "../../src/runtime/node-status.ts";
import type { Clock } from "../../src/runtime/ports.ts";

const EVERY_MS = 1_000;
/** A quarter of an hour. */
const KEPT = 900;

/** What is sampled of the node's status. */
export type SampledStatus = Pick<NodeStatus, "entries" | "owners">;

/** See the top of the file. `start` once, `stop` once. */
export class SampledCluster {
  private readonly clock: Pick<Clock, "now" | "after">;
  private readonly status: () => SampledStatus;
  private samples: ClusterSample[] = [];
  /** By node and process, its commits at the last sample, and when. */
  private before = new Map<string, { readonly commits: number; readonly at: number }>();
  private cancel: () => void = () => {};

  constructor(clock: Pick<Clock, "now" | "after">, status: () => SampledStatus) {
    this.clock = clock;
    this.status = status;
  }

  /** Takes the first sample now. */
  start(): void {
    this.sample();
    this.cancel = this.clock.after(EVERY_MS, () => this.start());
  }

  /** Takes no further samples. */
  stop(): void {
    this.cancel();
  }

  /** Those of the last `windowMs`, oldest first. */
  last(windowMs: number): ClusterSamples {
    const since = this.clock.now() - windowMs;
    return { everyMs: EVERY_MS, samples: this.samples.filter(({ at }) => Date.parse(at) > since) };
  }

  private sample(): void {
    const { entries, owners } = this.status();
    const now = this.clock.now();
    const before = this.before;
    this.before = new Map();
    const nodes = entries
      .toSorted((a, b) => a.id.localeCompare(b.id))
      .map((entry) => ({
        id: entry.id,
        partitions: owners.filter(
          ({ node, resource }) => node === entry.id && resource.startsWith("partition."),
        ).length,
        outboxDepth: countOf(entry["outboxDepth"]),
        lag: lagOf(entry),
        commitsPerSecond: this.rateOf(entry, before, now),
        commitP99Ms: p99Of(entry),
      }));
    this.samples.push({ at: new Date(now).toISOString(), nodes });
    if (this.samples.length > KEPT) this.samples = this.samples.slice(-KEPT);
  }

  /** Null: the node's process is new here, or its program does not say. */
  private rateOf(entry: NodeEntry, before: SampledCluster["before"], now: number): number | null {
    const { boot, commits } = entry;
    if (!isCount(commits)) return null;
    const last = before.get(boot);
    this.before.set(boot, { commits, at: now });
    if (!last || now <= last.at) return null;
    return Math.round((Math.max(0, commits - last.commits) * 10_000) / (now - last.at)) / 10;
  }
}

const countOf = (value: unknown): number => (isCount(value) ? value : 0);

function lagOf({ lags }: NodeEntry): number {
  return isObject(lags) ? Object.values(lags).reduce<number>((sum, lag) => sum + countOf(lag), 0) : 0;
}

function p99Of({ commitMs }: NodeEntry): number | null {
  const p99 = isObject(commitMs) ? commitMs["p99"] : null;
  return typeof p99 === "number" && Number.isFinite(p99) ? p99 : null;
}
