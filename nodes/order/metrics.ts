/** Metrics of one node in Prometheus' text format (version 0.0.4). Pure. */
import type { NodeStatus } from "../../src/runtime/node.ts";
import type { WorkerCounters } from "../../src/runtime/workers/worker.ts";
import type { WorkerCount } from "./worker-threads.ts";
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

/** The text that `GET /metrics` answers. @param node its id, a label of every sample */
export function metricsText(
  node: string,
  status: NodeStatus,
  workers: readonly WorkerCount[],
  program: Program,
  webhooks: WebhookCounts,
): string {
  const sum = (pick: (partition: NodeStatus["partitions"][number]) => number): number =>
    status.partitions.reduce((total, partition) => total + pick(partition), 0);
  const { version, commit = UNKNOWN } = program;
  const metrics: Metric[] = [
    {
      ...gauge("orderly_build_info", "1; the labels say which program the node runs.", 1),
      labels: `,version="${version}",definition="${status.definition}",commit="${commit}"`,
    },
    gauge("orderly_nats_connected", "1 while the node is connected to NATS.", Number(status.connected)),
    gauge("orderly_presence_valid", "1 while the node may act as an owner.", Number(status.present)),
    gauge(
      "orderly_partitions_open",
      "Partitions that this node owns and serves.",
      sum((p) => Number(p.open)),
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
  metrics.push(...workers.flatMap(workerMetrics));
  metrics.push(...webhookMetrics(webhooks));
  // All samples of a metric must be adjacent.
  const lines = [...Map.groupBy(metrics, (metric) => metric.name)].flatMap(([name, samples]) => [
    `# HELP ${name} ${samples[0]?.help}`,
    `# TYPE ${name} ${samples[0]?.type}`,
    ...samples.map(({ value, labels = "" }) => `${name}{node="${node}"${labels}} ${value}`),
  ]);
  return `${lines.join("\n")}\n`;
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

function workerMetrics({ worker, counters }: WorkerCount): Metric[] {
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
