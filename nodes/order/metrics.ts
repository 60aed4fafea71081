/** Metrics of one node in Prometheus' text format (version 0.0.4). Pure. */
import type { NodeStatus } from "../../src/runtime/node.ts";

type Metric = {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  readonly value: number;
};

export function metricsText(node: string, status: NodeStatus): string {
  const sum = (pick: (partition: NodeStatus["partitions"][number]) => number): number =>
    status.partitions.reduce((total, partition) => total + pick(partition), 0);
  const metrics: Metric[] = [
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
    gauge("orderly_outbox_depth", "Units waiting for their acknowledgement.", status.relay.depth),
    gauge(
      "orderly_outbox_oldest_seconds",
      "Age of the oldest unit in the outbox.",
      status.relay.oldestMs / 1000,
    ),
    gauge("orderly_effects_running", "Effects under way or in line.", status.effects),
    { name: "orderly_batches_total", type: "counter", help: "Batches stored.", value: status.relay.batches },
    { name: "orderly_commits_total", type: "counter", help: "Units stored.", value: status.relay.units },
  ];
  const lines = metrics.flatMap(({ name, type, help, value }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    `${name}{node="${node}"} ${value}`,
  ]);
  return `${lines.join("\n")}\n`;
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, type: "gauge", help, value };
}
