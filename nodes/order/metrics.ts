/** The metrics of one node, made from its status. Names and texts: metric-definitions.ts. Pure. */
import type { NodeStatus } from "../../src/runtime/node-status.ts";
import type { OutgoingCounts } from "../../src/services/outgoing/outgoing-tally.ts";
import type { ProjectionState } from "../../src/services/projection/contract.ts";
import { takeoverReasons } from "../../src/runtime/cluster/takeover-counts.ts";
import type { WorkerCounters } from "../../src/runtime/workers/worker.ts";
import { histogram, type Sample, sample, textOf } from "./metrics-text.ts";
import type { CountedOrders } from "./order-counts.ts";
import type { ProbeResult } from "./partition-probes.ts";
import type { ProcessUse } from "./process-use.ts";
import type { CountedRequests } from "./request-durations.ts";
import type { WorkerCount } from "./node-workers.ts";
import { type Program, UNKNOWN } from "./program.ts";
import {
  unmatchedReasons,
  type WebhookCounts,
  webhookSenders,
} from "../../src/services/webhooks/contract.ts";

const BREAKER = { closed: 0, half_open: 1, open: 2 } as const;

/** Bulk operations on a node. */
export type BulkCounts = {
  /** Chunks in flight or queued. */
  readonly chunks: number;
  readonly parked: number;
  /** Orders that were reached, by outcome, since the start of the process. */
  readonly orders: Readonly<Record<string, number>>;
};

/** What the metrics of a node are made from. */
export type MetricsSource = {
  /** The node's id, a label of every sample. */
  readonly node: string;
  readonly status: NodeStatus;
  readonly workers: readonly WorkerCount[];
  readonly program: Program;
  readonly webhooks: WebhookCounts;
  readonly outgoing: OutgoingCounts;
  readonly bulk: BulkCounts;
  readonly probes: readonly ProbeResult[];
  readonly projection: ProjectionState;
  /** Undefined: the node has no list that knows them. */
  readonly orders: CountedOrders | undefined;
  readonly requests: CountedRequests;
  readonly process: ProcessUse;
  /** Whether new orders are taken. */
  readonly takingOrders: boolean;
};

/** The text that `GET /metrics` answers. */
export function metricsText(source: MetricsSource): string {
  return textOf(source.node, metricSamples(source));
}

/** Every sample of a node. What is not known has none. */
export function metricSamples(source: MetricsSource): Sample[] {
  const { status, workers } = source;
  return [
    ...programSamples(source),
    ...source.requests.map(({ durations, ...labels }) =>
      histogram("http_server_request_duration_seconds", durations, labels),
    ),
    ...clusterSamples(source),
    ...commitSamples(status),
    ...orderSamples(source),
    ...providerSamples(status),
    ...workers.flatMap(workerSamples),
    ...unreadableSamples([status.unreadable, ...workers.map(({ unreadable }) => unreadable)]),
    ...webhookSamples(source),
    ...bulkSamples(source.bulk),
    ...projectionSamples(source.projection),
  ];
}

function programSamples({ process, program, status }: MetricsSource): Sample[] {
  const { version, commit = UNKNOWN } = program;
  return [
    sample("orderly_build_info", 1, { version, definition: String(status.definition), commit }),
    sample("process_start_time_seconds", process.startedAt / 1000),
    sample("process_cpu_seconds_total", process.cpuMs / 1000),
    sample("process_resident_memory_bytes", process.memoryBytes),
    sample("nodejs_eventloop_utilization_ratio", process.utilization),
  ];
}

function clusterSamples({ probes, status, takingOrders }: MetricsSource): Sample[] {
  const { settings, takeovers } = status;
  return [
    sample("orderly_taking_orders", Number(takingOrders)),
    sample("orderly_nats_connected", Number(status.connected)),
    sample("orderly_presence_valid", Number(status.present)),
    sample("orderly_settings_differ", Number(settings !== undefined && settings.status !== "equal")),
    sample("orderly_clock_offset_seconds", status.clock.offsetMs / 1000),
    sample("orderly_partitions_open", status.partitions.filter(({ open }) => open).length),
    sample("orderly_partitions_unanswered", probes.filter(({ answers }) => answers === false).length),
    sample("orderly_share_unclaimed_seconds", status.unclaimed.forMs / 1000),
    ...takeoverReasons.map((reason) => sample("orderly_takeovers_total", takeovers[reason], { reason })),
    sample("orderly_locks_lost_total", takeovers.lost),
  ];
}

function commitSamples({ commitDurations, partitions, relay }: NodeStatus): Sample[] {
  return [
    histogram("orderly_commit_duration_seconds", commitDurations),
    sample("orderly_commits_total", relay.writeSets),
    sample("orderly_batches_total", relay.batches),
    sample("orderly_outbox_depth", relay.depth),
    sample("orderly_outbox_oldest_seconds", relay.oldestMs / 1000),
    sample(
      "orderly_inbox_pending",
      sumOf(partitions, ({ lag }) => lag),
    ),
    sample(
      "orderly_messages_without_effect_total",
      sumOf(partitions, ({ inputs }) => inputs.ignored),
    ),
  ];
}

function orderSamples({ orders, status: { partitions } }: MetricsSource): Sample[] {
  return [
    ...(orders ? byStatus("orderly_orders", orders.byStatus) : []),
    ...(orders ? byStatus("orderly_orders_stuck", orders.stuck) : []),
    sample(
      "orderly_orders_parked",
      sumOf(partitions, ({ parked }) => parked),
    ),
    ...(["newer", "unreadable"] as const).map((kind) =>
      sample(
        "orderly_orders_unread",
        sumOf(partitions, (partition) => partition[kind]),
        { kind },
      ),
    ),
    sample(
      "orderly_orders_in_memory",
      sumOf(partitions, ({ actors }) => actors),
    ),
    ...Object.entries(added(partitions.map(({ inputs }) => inputs.events))).map(([type, count]) =>
      sample("orderly_events_total", count, { type }),
    ),
  ];
}

function byStatus(
  name: "orderly_orders" | "orderly_orders_stuck",
  counts: Readonly<Record<string, number>>,
): Sample[] {
  return Object.entries(counts).map(([status, count]) => sample(name, count, { status }));
}

function providerSamples({ effectDurations, effects, providers }: NodeStatus): Sample[] {
  return [
    sample("orderly_effects_running", effects),
    ...effectDurations.map(({ durations, effect, outcome }) =>
      histogram("orderly_effect_duration_seconds", durations, { effect, outcome }),
    ),
    ...providers.flatMap(({ breaker, busy, calls, provider, waiting }) => [
      sample("orderly_provider_breaker", BREAKER[breaker], { provider }),
      sample("orderly_provider_active_calls", busy, { provider }),
      sample("orderly_provider_waiting", waiting, { provider }),
      ...Object.entries(calls).map(([outcome, count]) =>
        sample("orderly_provider_calls_total", count, { provider, outcome }),
      ),
    ]),
  ];
}

/** The outcome of an event as the metric names it. */
const OUTCOMES: Readonly<Record<keyof WorkerCounters, string>> = {
  done: "done",
  repeated: "repeated",
  failed: "failed",
  dead: "dead",
  tooOld: "too_old",
  unreadableMark: "unreadable_mark",
};

/** What waits is the same on every node, and absent while the server cannot be asked. */
function workerSamples({ backlog, counters, worker }: WorkerCount): Sample[] {
  const events = Object.entries(OUTCOMES).map(([counter, outcome]) =>
    sample("orderly_worker_events_total", counters[counter as keyof WorkerCounters], { worker, outcome }),
  );
  if (backlog === undefined) return events;
  return [
    ...events,
    sample("orderly_worker_pending", backlog.items, { worker }),
    sample("orderly_worker_lag_seconds", backlog.oldestMs / 1000, { worker }),
    sample("orderly_dead_letters", backlog.deadLetters, { worker }),
  ];
}

/** Of the node and of its threads together. */
function unreadableSamples(counts: readonly NodeStatus["unreadable"][]): Sample[] {
  return Object.entries(added(counts)).map(([kind, count]) =>
    sample("orderly_unreadable_entries_total", count, { kind }),
  );
}

function webhookSamples({ outgoing, webhooks: { otherBody, unmatched } }: MetricsSource): Sample[] {
  return [
    ...webhookSenders.flatMap((sender) => [
      sample("orderly_webhooks_other_body_total", otherBody[sender], { sender }),
      ...unmatchedReasons.map((reason) =>
        sample("orderly_webhooks_unmatched_total", unmatched[sender][reason], { sender, reason }),
      ),
    ]),
    ...Object.entries(outgoing.endpoints).map(([breaker, count]) =>
      sample("orderly_webhook_endpoints", count, { breaker }),
    ),
    sample("orderly_webhook_deliveries_pending", outgoing.pending),
    ...Object.entries(outgoing.tries).map(([outcome, count]) =>
      sample("orderly_webhook_tries_total", count, { outcome }),
    ),
  ];
}

function bulkSamples({ chunks, orders, parked }: BulkCounts): Sample[] {
  return [
    sample("orderly_bulk_chunks_running", chunks),
    ...Object.entries(orders).map(([outcome, count]) =>
      sample("orderly_bulk_orders_total", count, { outcome }),
    ),
    sample("orderly_bulk_parked", parked),
  ];
}

/** None while the node keeps no list of orders. */
function projectionSamples(state: ProjectionState): Sample[] {
  if (state.status === "off") return [];
  return [
    sample("orderly_projection_orders", state.orders),
    sample("orderly_projection_progress_ratio", state.progress),
    sample("orderly_projection_failing", Number(state.status === "failing")),
    sample("orderly_projection_lag_seconds", state.behindMs / 1000),
    sample("orderly_projection_folded_total", state.folded),
    ...state.streams.map(({ sequence, stream }) =>
      sample("orderly_projection_sequence", sequence, { stream: String(stream) }),
    ),
  ];
}

function sumOf<T>(list: readonly T[], pick: (one: T) => number): number {
  return list.reduce((total, one) => total + pick(one), 0);
}

/** The sums of numbers by key. */
function added(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [key, count] of counts.flatMap((one) => Object.entries(one)))
    sums[key] = (sums[key] ?? 0) + count;
  return sums;
}
