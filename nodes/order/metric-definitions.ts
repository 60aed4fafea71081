/**
 * Every metric of a node, as data: `GET /metrics`, what is sent over OTLP, and docs/metrics.md are made of this table
 * (`npm run metrics-page`). Names are public (docs/formats.md).
 *
 * Names follow Prometheus: a counter ends in `_total`, seconds in `_seconds`, bytes in `_bytes`, a share of 1 in
 * `_ratio`; a plain number of things has no suffix. OpenTelemetry's name has dots and no suffix
 * (`otelNameOf`).
 */

/** `s` seconds, `By` bytes, `1` a ratio, `{thing}` a number of things (UCUM, as OpenTelemetry has it). */
export type Unit = "s" | "By" | "1" | `{${string}}`;

/** What a metric is. */
export type MetricDefinition = {
  readonly type: "counter" | "gauge" | "histogram";
  readonly unit: Unit;
  /** Besides `node`, which every sample has. */
  readonly labels: readonly string[];
  readonly help: string;
  /** OpenTelemetry's name, where it does not follow from the name. */
  readonly otel?: string;
};

/** Where a metric is on the page. */
export type MetricGroup = { readonly title: string; readonly metrics: Record<string, MetricDefinition> };

function gauge<const L extends readonly string[]>(unit: Unit, labels: L, help: string) {
  return { type: "gauge", unit, labels, help } as const;
}

function counter<const L extends readonly string[]>(unit: Unit, labels: L, help: string) {
  return { type: "counter", unit, labels, help } as const;
}

function seconds<const L extends readonly string[]>(labels: L, help: string) {
  return { type: "histogram", unit: "s", labels, help } as const;
}

const program = {
  orderly_build_info: gauge(
    "{info}",
    ["version", "definition", "commit"],
    "1; the labels say which program the node runs.",
  ),
  process_start_time_seconds: {
    ...gauge("s", [], "When the process started, seconds since the epoch, by its machine's clock."),
    otel: "process.start_time",
  },
  process_cpu_seconds_total: {
    ...counter("s", [], "Processor time of the process, all of its threads together."),
    otel: "process.cpu.time",
  },
  process_resident_memory_bytes: {
    ...gauge("By", [], "Memory that the process has in use (RSS), all of its threads together."),
    otel: "process.memory.usage",
  },
  nodejs_eventloop_utilization_ratio: {
    ...gauge("1", [], "Share of the time since the start in which the main thread was busy."),
    otel: "nodejs.eventloop.utilization",
  },
};

const requests = {
  http_server_request_duration_seconds: {
    ...seconds(
      ["http_request_method", "http_route", "http_response_status_code"],
      "Requests from their headers to the end of the answer. Without a route the label http_route is empty.",
    ),
    otel: "http.server.request.duration",
  },
  orderly_taking_orders: gauge("{flag}", [], "1 while new orders are taken; 0 in maintenance."),
};

const cluster = {
  orderly_nats_connected: gauge("{flag}", [], "1 while the node is connected to NATS."),
  orderly_presence_valid: gauge("{flag}", [], "1 while the node may act as an owner."),
  orderly_settings_differ: gauge(
    "{flag}",
    [],
    "1 while settings that must be equal on all nodes are other ones here than in the cluster.",
  ),
  orderly_clock_offset_seconds: gauge(
    "s",
    [],
    "How far the node's own clock is ahead of the NATS server's; negative when it is slow.",
  ),
  orderly_partitions_open: gauge("{partition}", [], "Partitions that this node owns and serves."),
  orderly_partitions_unanswered: gauge(
    "{partition}",
    [],
    "Partitions that have not answered the newest probe of this node: no owner works there.",
  ),
  orderly_share_unclaimed_seconds: gauge(
    "s",
    [],
    "How long some of the node's share of the partitions has been without an owner; 0 when there is none.",
  ),
  orderly_takeovers_total: counter(
    "{takeover}",
    ["reason"],
    "Partitions and inventories that the node took over: first (no node had it), released (handed over), failover (its owner was gone), own (it was this node's before).",
  ),
  orderly_locks_lost_total: counter("{lock}", [], "Locks that another node took while this one held them."),
  orderly_unreadable_entries_total: counter(
    "{entry}",
    ["kind"],
    "Stored entries that this node could not read and passed over, by kind; its log names each.",
  ),
};

const commits = {
  orderly_commit_duration_seconds: seconds(
    [],
    "From the decision on an input to the acknowledgement of its write set by the server.",
  ),
  orderly_commits_total: counter("{write_set}", [], "Write sets stored."),
  orderly_batches_total: counter("{batch}", [], "Batches stored."),
  orderly_outbox_depth: gauge("{write_set}", [], "Write sets waiting for their acknowledgement."),
  orderly_outbox_oldest_seconds: gauge("s", [], "Age of the oldest write set in the outbox."),
  orderly_inbox_pending: gauge("{input}", [], "Inbox inputs read and not yet evaluated."),
  orderly_messages_without_effect_total: counter(
    "{message}",
    [],
    "Messages from outside that changed nothing at their order.",
  ),
};

const orders = {
  orderly_orders: gauge(
    "{order}",
    ["status"],
    "Orders by status, of all nodes together. Every node with a list of orders reports the same.",
  ),
  orderly_orders_stuck: gauge(
    "{order}",
    ["status"],
    "Of these, orders that have not ended and have not changed for an hour.",
  ),
  orderly_orders_parked: gauge("{order}", [], "Orders that wait for an operator."),
  orderly_orders_unread: gauge("{order}", ["kind"], "Orders that wait for a program that can read them."),
  orderly_orders_in_memory: gauge("{order}", [], "Orders held in memory."),
  orderly_events_total: counter("{event}", ["type"], "Public events stored, by type."),
};

const providers = {
  orderly_effects_running: gauge("{effect}", [], "Effects in flight or queued."),
  orderly_effect_duration_seconds: seconds(
    ["effect", "outcome"],
    "Effects from their first call to their outcome, done or failed; not those of an earlier owner.",
  ),
  orderly_provider_breaker: gauge(
    "{state}",
    ["provider"],
    "0 closed, 1 half open, 2 open: calls are held back.",
  ),
  orderly_provider_active_calls: gauge("{call}", ["provider"], "Calls in flight."),
  orderly_provider_waiting: gauge("{call}", ["provider"], "Calls in the queue."),
  orderly_provider_calls_total: counter(
    "{call}",
    ["provider", "outcome"],
    "Calls by what they show of the provider: success (refusals too), failure, ignored (abandoned by this node).",
  ),
};

const workers = {
  orderly_worker_pending: gauge(
    "{event}",
    ["worker"],
    "Events of all nodes that the worker has not acknowledged, retries included; email: the mail backlog.",
  ),
  orderly_worker_lag_seconds: gauge("s", ["worker"], "Age of the oldest of them."),
  orderly_dead_letters: gauge("{letter}", ["worker"], "Dead letters that no operator has replayed."),
  orderly_worker_events_total: counter(
    "{event}",
    ["worker", "outcome"],
    "Events of a worker by outcome: done, repeated (was done before), failed (attempts that are repeated), and the dead letters: dead, too_old, unreadable_mark.",
  ),
};

const webhooks = {
  orderly_webhooks_other_body_total: counter(
    "{webhook}",
    ["sender"],
    "Signed webhooks that repeated an id with another body: not applied.",
  ),
  orderly_webhooks_unmatched_total: counter(
    "{webhook}",
    ["sender", "reason"],
    "Signed webhooks that no order takes, kept for operators.",
  ),
  orderly_webhook_endpoints: gauge(
    "{endpoint}",
    ["breaker"],
    "Endpoints that this node sends webhooks to, by breaker. One node sends for all.",
  ),
  orderly_webhook_deliveries_pending: gauge(
    "{delivery}",
    [],
    "Deliveries that this node has begun or waits to begin, those that are tried again included.",
  ),
  orderly_webhook_tries_total: counter(
    "{try}",
    ["outcome"],
    "Requests to endpoints by what became of the delivery: delivered, retried (again later), failed (the last one).",
  ),
};

const bulk = {
  orderly_bulk_chunks_running: gauge("{chunk}", [], "Chunks of bulk operations in flight or queued."),
  orderly_bulk_orders_total: counter(
    "{order}",
    ["outcome"],
    "Orders that bulk operations on this node have reached, by outcome: done, or the code of the refusal.",
  ),
  orderly_bulk_parked: gauge("{operation}", [], "Bulk operations that wait for an operator."),
};

const projection = {
  orderly_projection_orders: gauge("{order}", [], "Orders in the list of this node."),
  orderly_projection_progress_ratio: gauge("1", [], "0 to 1 while the list of orders is built, then 1."),
  orderly_projection_failing: gauge(
    "{flag}",
    [],
    "1 while the list of orders cannot be kept; its log says why.",
  ),
  orderly_projection_lag_seconds: gauge(
    "s",
    [],
    "How much older the newest message that the list of orders knows is than the end of its stream.",
  ),
  orderly_projection_folded_total: counter("{message}", [], "Messages that the list of orders has read."),
  orderly_projection_sequence: gauge(
    "{sequence}",
    ["stream"],
    "Sequence of each order stream up to which the list of orders knows it.",
  ),
};

/** The metrics by the sections of the page. */
export const metricGroups = [
  { title: "Program and process", metrics: program },
  { title: "HTTP", metrics: requests },
  { title: "Cluster", metrics: cluster },
  { title: "Commits", metrics: commits },
  { title: "Orders", metrics: orders },
  { title: "Effects and providers", metrics: providers },
  { title: "Workers", metrics: workers },
  { title: "Webhooks", metrics: webhooks },
  { title: "Bulk operations", metrics: bulk },
  { title: "List of orders", metrics: projection },
] as const satisfies readonly MetricGroup[];

/** Every metric by its name. */
export const metricDefinitions = {
  ...program,
  ...requests,
  ...cluster,
  ...commits,
  ...orders,
  ...providers,
  ...workers,
  ...webhooks,
  ...bulk,
  ...projection,
};

/** The name of a metric. */
export type MetricName = keyof typeof metricDefinitions;

/** Names that a version before had, and what they are now. */
export const formerNames: Readonly<Record<string, MetricName>> = {
  orderly_inbox_lag: "orderly_inbox_pending",
  orderly_provider_calls: "orderly_provider_active_calls",
  orderly_projection_progress: "orderly_projection_progress_ratio",
};

/** The name with which OpenTelemetry knows a metric: `orderly.outbox_oldest`, without suffixes. */
export function otelNameOf(name: MetricName): string {
  const { otel }: MetricDefinition = metricDefinitions[name];
  return (
    otel ??
    name
      .replace(/_total$/u, "")
      .replace(/_(seconds|bytes|ratio)$/u, "")
      .replace("_", ".")
  );
}
