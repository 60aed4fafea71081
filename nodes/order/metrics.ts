/** Metrics of one node in Prometheus' text format (version 0.0.4). Pure. */
import type { NodeStatus } from "../../src/runtime/node-status.ts";
import type { ProjectionState } from "../../src/services/projection/contract.ts";
import { takeoverReasons } from "../../src/runtime/cluster/takeover-counts.ts";
import type { WorkerCounters } from "../../src/runtime/workers/worker.ts";
import type { ProbeResult } from "./partition-probes.ts";
import type { WorkerCount } from "./node-workers.ts";
import { type Program, UNKNOWN } from "./program.ts";
import {
  unmatchedReasons,
  type WebhookCounts,
  webhookSenders,
} from "../../src/services/webhooks/contract.ts";

type Metric = {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  readonly value: number;
  /** Labels besides the node, each after a comma. */
  readonly labels?: string;
};

const BREAKER = { closed: 0, half_open: 1, open: 2 } as const;

/** What the metrics of a node are made from. */
export type MetricsSource = {
  /** The node's id, a label of every sample. */
  readonly node: string;
  readonly status: NodeStatus;
  readonly workers: readonly WorkerCount[];
  readonly program: Program;
  readonly webhooks: WebhookCounts;
  readonly probes: readonly ProbeResult[];
  readonly projection: ProjectionState;
  /** Whether new orders are taken. */
  readonly takingOrders: boolean;
};

/** The text that `GET /metrics` answers. */
export function metricsText(source: MetricsSource): string {
  const { node, status, workers, program, webhooks, probes, takingOrders } = source;
  const sum = (pick: (partition: NodeStatus["partitions"][number]) => number): number =>
    status.partitions.reduce((total, partition) => total + pick(partition), 0);
  const { version, commit = UNKNOWN } = program;
  const metrics: Metric[] = [
    {
      ...gauge("orderly_build_info", "1; the labels say which program the node runs.", 1),
      labels: `,version="${version}",definition="${status.definition}",commit="${commit}"`,
    },
    gauge("orderly_nats_connected", "1 while the node is connected to NATS.", Number(status.connected)),
    gauge(
      "orderly_settings_differ",
      "1 while settings that must be equal on all nodes are other ones here than in the cluster.",
      Number(status.settings !== undefined && status.settings.status !== "equal"),
    ),
    gauge("orderly_taking_orders", "1 while new orders are taken; 0 in maintenance.", Number(takingOrders)),
    gauge("orderly_presence_valid", "1 while the node may act as an owner.", Number(status.present)),
    gauge(
      "orderly_partitions_open",
      "Partitions that this node owns and serves.",
      sum((p) => Number(p.open)),
    ),
    gauge(
      "orderly_partitions_unanswered",
      "Partitions that have not answered the newest probe of this node: no owner works there.",
      probes.filter(({ answers }) => answers === false).length,
    ),
    gauge(
      "orderly_share_unclaimed_seconds",
      "How long some of the node's share of the partitions has been without an owner; 0 when there is none.",
      status.unclaimed.forMs / 1000,
    ),
    gauge(
      "orderly_orders_in_memory",
      "Orders held in memory.",
      sum((p) => p.actors),
    ),
    gauge(
      "orderly_orders_parked",
      "Orders that wait for an operator.",
      sum((p) => p.parked),
    ),
    ...(["newer", "unreadable"] as const).map((kind) => ({
      ...gauge(
        "orderly_orders_unread",
        "Orders that wait for a program that can read them.",
        sum((p) => p[kind]),
      ),
      labels: `,kind="${kind}"`,
    })),
    gauge(
      "orderly_inbox_lag",
      "Inbox inputs read and not yet evaluated.",
      sum((p) => p.lag),
    ),
    gauge("orderly_outbox_depth", "Write sets waiting for their acknowledgement.", status.relay.depth),
    gauge(
      "orderly_outbox_oldest_seconds",
      "Age of the oldest write set in the outbox.",
      status.relay.oldestMs / 1000,
    ),
    gauge(
      "orderly_clock_offset_seconds",
      "How far the node's own clock is ahead of the NATS server's; negative when it is slow.",
      status.clock.offsetMs / 1000,
    ),
    gauge("orderly_effects_running", "Effects in flight or queued.", status.effects),
    { name: "orderly_batches_total", type: "counter", help: "Batches stored.", value: status.relay.batches },
    {
      name: "orderly_commits_total",
      type: "counter",
      help: "Write sets stored.",
      value: status.relay.writeSets,
    },
  ];
  metrics.push({
    name: "orderly_messages_without_effect_total",
    type: "counter",
    help: "Messages from outside that changed nothing at their order.",
    value: sum((p) => p.inputs.ignored),
  });
  for (const [type, value] of eventCounts(status)) {
    const help = "Public events stored, by type.";
    metrics.push({ name: "orderly_events_total", type: "counter", help, value, labels: `,type="${type}"` });
  }
  for (const { provider, busy, waiting, breaker } of status.providers) {
    const labels = `,provider="${provider}"`;
    metrics.push(
      {
        ...gauge(
          "orderly_provider_breaker",
          "0 closed, 1 half open, 2 open: calls are held back.",
          BREAKER[breaker],
        ),
        labels,
      },
      { ...gauge("orderly_provider_calls", "Calls in flight.", busy), labels },
      { ...gauge("orderly_provider_waiting", "Calls in the queue.", waiting), labels },
    );
  }
  metrics.push(...takeoverMetrics(status), ...workers.flatMap(workerMetrics), ...webhookMetrics(webhooks));
  metrics.push(...projectionMetrics(source.projection));
  metrics.push(...unreadableMetrics([status.unreadable, ...workers.map(({ unreadable }) => unreadable)]));
  // All samples of a metric must be adjacent.
  const lines = [...Map.groupBy(metrics, (metric) => metric.name)].flatMap(([name, samples]) => [
    `# HELP ${name} ${samples[0]?.help}`,
    `# TYPE ${name} ${samples[0]?.type}`,
    ...samples.map(({ value, labels = "" }) => `${name}{node="${node}"${labels}} ${value}`),
  ]);
  return `${lines.join("\n")}\n`;
}

function takeoverMetrics({ takeovers }: NodeStatus): Metric[] {
  return [
    ...takeoverReasons.map(
      (reason): Metric => ({
        name: "orderly_takeovers_total",
        type: "counter",
        help:
          "Partitions and inventories that the node took over: first (no node had it), released (handed over), " +
          "failover (its owner was gone), own (it was this node's before).",
        value: takeovers[reason],
        labels: `,reason="${reason}"`,
      }),
    ),
    {
      name: "orderly_locks_lost_total",
      type: "counter",
      help: "Locks that another node took while this one held them.",
      value: takeovers.lost,
    },
  ];
}

/** Public events stored by this process, by type. */
function eventCounts({ partitions }: NodeStatus): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { inputs } of partitions)
    for (const [type, count] of Object.entries(inputs.events))
      counts.set(type, (counts.get(type) ?? 0) + count);
  return counts;
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

/** Of the node and of its threads together. */
function unreadableMetrics(counts: readonly NodeStatus["unreadable"][]): Metric[] {
  const sums = new Map<string, number>();
  for (const [kind, count] of counts.flatMap((one) => Object.entries(one)))
    sums.set(kind, (sums.get(kind) ?? 0) + count);
  return [...sums].map(([kind, value]) => ({
    name: "orderly_unreadable_entries_total",
    type: "counter",
    help: "Stored entries that this node could not read and passed over, by kind; its log names each.",
    value,
    labels: `,kind="${kind}"`,
  }));
}

function workerMetrics(count: WorkerCount): Metric[] {
  return [...eventMetrics(count), ...backlogMetrics(count)];
}

/** Of all nodes together: every node reports the same. Absent while the server cannot be asked. */
function backlogMetrics({ worker, backlog }: WorkerCount): Metric[] {
  if (backlog === undefined) return [];
  const labels = `,worker="${worker}"`;
  return [
    {
      ...gauge(
        "orderly_worker_pending",
        "Events of all nodes that the worker has not acknowledged, retries included.",
        backlog.items,
      ),
      labels,
    },
    {
      ...gauge("orderly_worker_lag_seconds", "Age of the oldest of them.", backlog.oldestMs / 1000),
      labels,
    },
    {
      ...gauge("orderly_dead_letters", "Dead letters that no operator has replayed.", backlog.deadLetters),
      labels,
    },
  ];
}

function eventMetrics({ worker, counters }: WorkerCount): Metric[] {
  return Object.entries(OUTCOMES).map(([counter, outcome]) => ({
    name: "orderly_worker_events_total",
    type: "counter",
    help:
      "Events of a worker by outcome: done, repeated (was done before), failed (attempts that are repeated), " +
      "and the dead letters: dead, too_old, unreadable_mark.",
    value: counters[counter as keyof WorkerCounters],
    labels: `,worker="${worker}",outcome="${outcome}"`,
  }));
}

/** None while the node keeps no list of orders. */
function projectionMetrics({
  behindMs,
  folded,
  orders,
  progress,
  status,
  streams,
}: ProjectionState): Metric[] {
  if (status === "off") return [];
  const position = "orderly_projection_sequence";
  return [
    gauge("orderly_projection_orders", "Orders in the list of this node.", orders),
    gauge("orderly_projection_progress", "0 to 1 while the list of orders is built, then 1.", progress),
    gauge(
      "orderly_projection_failing",
      "1 while the list of orders cannot be kept; its log says why.",
      Number(status === "failing"),
    ),
    gauge(
      "orderly_projection_lag_seconds",
      "How much older the newest message that the list of orders knows is than the end of its stream.",
      behindMs / 1000,
    ),
    {
      name: "orderly_projection_folded_total",
      type: "counter",
      help: "Messages that the list of orders has read.",
      value: folded,
    },
    ...streams.map(({ sequence, stream }) => ({
      ...gauge(position, "Sequence of each order stream up to which the list of orders knows it.", sequence),
      labels: `,stream="${stream}"`,
    })),
  ];
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, type: "gauge", help, value };
}

function webhookMetrics({ otherBody, unmatched }: WebhookCounts): Metric[] {
  return webhookSenders.flatMap((sender) => [
    {
      name: "orderly_webhooks_other_body_total",
      type: "counter" as const,
      help: "Signed webhooks that repeated an id with another body: not applied.",
      value: otherBody[sender],
      labels: `,sender="${sender}"`,
    },
    ...unmatchedReasons.map((reason) => ({
      name: "orderly_webhooks_unmatched_total",
      type: "counter" as const,
      help: "Signed webhooks that no order takes, kept for operators.",
      value: unmatched[sender][reason],
      labels: `,sender="${sender}",reason="${reason}"`,
    })),
  ]);
}
