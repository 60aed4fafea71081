/** A node's reports to operators about itself and the cluster: health, cluster view, metrics. Reads only. */
import type { Forbidden } from "../../src/adapters/nats/link.ts";
import type { NodeSettings } from "../../config/settings.ts";
import type {
  ClusterNode,
  ClusterView,
  Health,
  HealthCheck,
  Operations,
} from "../../src/http/operations/operations-port.ts";
import { CLOCK_WARNING_MS, type ClockState, differenceOf } from "../../src/runtime/cluster/server-clock.ts";
import { drainedIn } from "../../src/runtime/cluster/placement.ts";
import type { NodeEntry } from "../../src/runtime/cluster/presence.ts";
import type { RuntimeNode } from "../../src/runtime/node.ts";
import type { NodeStatus } from "../../src/runtime/node-status.ts";
import type { WebhookCounts } from "../../src/services/webhooks/contract.ts";
import type { Maintenance } from "../../src/services/maintenance/contract.ts";
import { isCount, isObject, isTexts } from "../../src/runtime/json.ts";
import type { LocalProjection } from "../../src/services/projection/order-list.ts";
import { type MetricsSource, metricsText } from "./metrics.ts";
import type { OrderCounts } from "./order-counts.ts";
import { processUse } from "./process-use.ts";
import type { PartitionProbes, ProbeResult } from "./partition-probes.ts";
import type { Program } from "./program.ts";
import type { NodeWorkers, WorkerCount } from "./node-workers.ts";

/** Services whose state is shown. */
export type OperatedServices = {
  readonly maintenance: Pick<Maintenance, "state">;
  readonly projection: Pick<LocalProjection, "state">;
  /** The newest refusal of the NATS server to let this node's user publish or subscribe, of each connection. */
  readonly forbidden: () => readonly (Forbidden | undefined)[];
  readonly orders: Pick<OrderCounts, "read">;
  readonly bulk: () => MetricsSource["bulk"];
  readonly outgoing: () => MetricsSource["outgoing"];
  readonly requests: () => MetricsSource["requests"];
};

/** The operations of one node, read from its status and the counts of its workers and webhooks. */
export function nodeOperations(
  node: RuntimeNode,
  settings: NodeSettings,
  workers: Pick<NodeWorkers, "counts">,
  program: Program,
  webhooks: WebhookCounts,
  probes: Pick<PartitionProbes, "results">,
  { bulk, forbidden, maintenance, orders, outgoing, projection, requests }: OperatedServices,
): Operations {
  return {
    isolation: () => node.isolation(),
    health: () => healthOf(node.status(), settings.outboxMaxAgeMs, probes.results(), refusalIn(forbidden())),
    cluster: () => Promise.resolve(clusterOf(node.status(), probes.results(), workers.counts())),
    metrics: () =>
      metricsText({
        node: settings.nodeId,
        status: node.status(),
        workers: workers.counts(),
        program,
        webhooks,
        probes: probes.results(),
        projection: projection.state(),
        orders: orders.read(),
        bulk: bulk(),
        outgoing: outgoing(),
        requests: requests(),
        process: processUse(),
        takingOrders: maintenance.state().takingOrders,
      }),
  };
}

/** A refusal of the NATS server makes the node not ready for this time: the work that needs the subject is repeated. */
const FORBIDDEN_MS = 60_000;

/** Why a connection was refused a subject not long ago; undefined: none was. @param now monotonic ms */
export const refusalIn = (
  forbidden: readonly (Forbidden | undefined)[],
  now: number = performance.now(),
): string | undefined => forbidden.find((one) => one !== undefined && now - one.at < FORBIDDEN_MS)?.reason;

/** A node that has claimed its share once is ready while it claims more after a failover, up to this time. */
const CLAIMS_MS = 10_000;

/**
 * Ready: connected, present for the others, with a time that can be relied on, its share of the partitions claimed, its
 * outbox moving. What is wrong with other nodes is shown, and makes no node unready: else none would take the requests
 * that can be served.
 */
export function healthOf(
  status: NodeStatus,
  outboxMaxAgeMs: number,
  probes: readonly ProbeResult[],
  forbidden?: string,
): Health {
  const { unclaimed } = status;
  const age = Math.round(status.relay.oldestMs);
  const count = (kind: "parked" | "newer" | "unreadable"): number =>
    status.partitions.reduce((sum, partition) => sum + partition[kind], 0);
  const [parked, newer, unreadable] = [count("parked"), count("newer"), count("unreadable")];
  const checks: HealthCheck[] = [
    {
      name: "nats",
      ok: status.connected && forbidden === undefined,
      detail: forbidden ?? (status.connected ? "connected" : "not connected"),
    },
    {
      name: "presence",
      ok: status.present,
      detail: status.taken ?? (status.present ? "refreshed in time" : "could not be refreshed in time"),
    },
    { name: "clock", ok: status.clock.fault === undefined, detail: clockDetail(status.clock) },
    {
      name: "share",
      ok: unclaimed.complete && unclaimed.forMs <= CLAIMS_MS,
      detail:
        unclaimed.resources.length === 0
          ? "claimed"
          : `not claimed for ${Math.round(unclaimed.forMs)} ms: ${unclaimed.resources.join(", ")}`,
    },
    {
      name: "settings",
      ok: status.settings?.status !== "different",
      detail: status.settings?.detail ?? "not compared",
    },
    {
      name: "outbox",
      ok: age <= outboxMaxAgeMs && !status.relay.storeRefuses,
      detail: status.relay.storeRefuses
        ? "the local store refuses writes: is the disk full?"
        : `${status.relay.depth} waiting, the oldest for ${age} ms (limit ${outboxMaxAgeMs} ms)`,
    },
    {
      name: "journal",
      ok: status.relay.noRoom === undefined,
      detail: status.relay.noRoom === undefined ? "takes writes" : `has no room: ${status.relay.noRoom}`,
    },
  ];
  if (status.logLost !== undefined) checks.push({ name: "log", ok: false, detail: status.logLost });
  const ready = checks.every((check) => check.ok);
  const silent = probes.filter(({ answers }) => answers === false);
  checks.push({
    name: "partitions",
    ok: silent.length === 0,
    detail:
      silent.length === 0
        ? "all answer"
        : `without an answer: ${silent.map(({ partition }) => partition).join(", ")}`,
  });
  // A drained node serves HTTP like any other: it passes requests on to the owners.
  checks.push({
    name: "drain",
    ok: status.drained === undefined,
    detail:
      status.drained === undefined
        ? "takes part"
        : `drained${status.drained.reason === null ? "" : `: ${status.drained.reason}`}; owns ${status.held.length}`,
  });
  // Parked orders need an operator, unreadable ones another program; the node serves all others.
  checks.push({
    name: "orders",
    ok: parked + newer + unreadable === 0,
    detail: [
      `${parked} parked`,
      ...(newer > 0 ? [`${newer} written by a newer program`] : []),
      ...(unreadable > 0 ? [`${unreadable} unreadable`] : []),
    ].join(", "),
  });
  // Nor does a failing provider make the node unready: its effects wait.
  const failing = status.providers.filter(({ breaker }) => breaker !== "closed");
  checks.push({
    name: "providers",
    ok: failing.length === 0,
    detail:
      failing
        .map(({ provider, breaker, waiting }) => `${provider} ${breaker}, ${waiting} waiting`)
        .join("; ") || "all work",
  });
  return { ready, checks };
}

function clockDetail({ fault, offsetMs, uncertaintyMs }: ClockState): string {
  if (fault !== undefined) return fault;
  const measured = `${differenceOf(offsetMs)} by the nats-server's, within ${Math.ceil(uncertaintyMs)} ms`;
  return Math.abs(offsetMs) < CLOCK_WARNING_MS
    ? measured
    : `${measured}: decisions take the server's time; set both clocks by a time service`;
}

/** The cluster as this node sees it: nodes by id, partitions by number, and what waits for the workers. */
export function clusterOf(
  status: NodeStatus,
  probes: readonly ProbeResult[] = [],
  workers: readonly WorkerCount[] = [],
): ClusterView {
  const answers = new Map(probes.map((probe) => [probe.partition, probe.answers]));
  const partitions = status.owners.flatMap(({ resource, node, epoch }) => {
    const partition = partitionNumber(resource);
    return partition === undefined ? [] : [{ partition, node, epoch }];
  });
  const lagOf = (node: string, partition: number): number => {
    const entry = status.entries.find((candidate) => candidate.id === node);
    const lags = entry?.["lags"];
    return isObject(lags) ? countOf(lags[partition]) : 0;
  };
  return {
    nodes: status.entries
      .toSorted((a, b) => a.id.localeCompare(b.id))
      .map((entry) => clusterNode(entry, partitions)),
    partitions: partitions
      .toSorted((a, b) => a.partition - b.partition)
      .map(({ partition, node, epoch }) => ({
        partition,
        node: node === "" ? null : node,
        epoch,
        lag: lagOf(node, partition),
        answers: answers.get(partition) ?? null,
      })),
    workers: workers.map(({ worker, backlog }) => ({
      worker,
      pending: backlog?.items ?? null,
      oldestMs: backlog === undefined ? null : Math.round(backlog.oldestMs),
      deadLetters: backlog?.deadLetters ?? null,
    })),
  };
}

function clusterNode(
  entry: NodeEntry,
  partitions: readonly { readonly partition: number; readonly node: string }[],
): ClusterView["nodes"][number] {
  const { clockOffsetMs, pid, url, version, definition, commit } = entry;
  const drained = drainedIn(entry);
  return {
    id: entry.id,
    startedAt: new Date(entry.startedAt).toISOString(),
    roles: isTexts(entry["roles"]) ? entry["roles"] : [],
    partitions: partitions
      .filter(({ node }) => node === entry.id)
      .map(({ partition }) => partition)
      .toSorted((a, b) => a - b),
    outboxDepth: countOf(entry["outboxDepth"]),
    clockOffsetMs: Number.isSafeInteger(clockOffsetMs) ? (clockOffsetMs as number) : null,
    url: typeof url === "string" ? url : "",
    draining: drained ? { reason: drained.reason, since: new Date(drained.since).toISOString() } : null,
    commitMs: commitMsOf(entry),
    lanes: lanesOf(entry),
    // Nodes of version 0.1.0 say nothing of their program.
    ...(typeof version === "string" ? { version } : {}),
    ...(isCount(definition) ? { definition } : {}),
    ...(typeof commit === "string" ? { commit } : {}),
    ...(isCount(pid) ? { pid } : {}),
  };
}

function commitMsOf({ commitMs }: NodeEntry): ClusterNode["commitMs"] {
  const ms = (name: string): number | null => {
    const value = isObject(commitMs) ? commitMs[name] : undefined;
    return typeof value === "number" && value >= 0 ? value : null;
  };
  return { p50: ms("p50"), p99: ms("p99") };
}

function lanesOf({ lanes }: NodeEntry): ClusterNode["lanes"] {
  if (!Array.isArray(lanes)) return [];
  return lanes
    .filter(isObject)
    .flatMap(({ breaker, busy, limit, provider, waiting }) =>
      typeof provider === "string" && typeof breaker === "string"
        ? { provider, inUse: countOf(busy), limit: countOf(limit), waiting: countOf(waiting), breaker }
        : [],
    );
}

/** Details of an entry are shown only; another program may have written anything there. */
const countOf = (value: unknown): number => (isCount(value) ? value : 0);

function partitionNumber(resource: string): number | undefined {
  const [kind, number] = resource.split(".");
  return kind === "partition" ? Number(number) : undefined;
}
