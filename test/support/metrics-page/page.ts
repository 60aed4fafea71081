/** docs/metrics.md, made of the definitions of the metrics and of the alert rules. */
import { readFileSync } from "node:fs";
import {
  formerNames,
  metricGroups,
  type MetricDefinition,
  type MetricName,
  otelNameOf,
} from "../../../nodes/order/metric-definitions.ts";
import { DURATION_BOUNDS } from "../../../src/runtime/duration-histogram.ts";

/** The page, and the rules that it shows. */
export const PAGE = new URL("../../../docs/metrics.md", import.meta.url);
export const RULES = new URL("../../../config/prometheus/orderly-rules.yml", import.meta.url);

/** The text of the page. */
export function metricsPage(): string {
  return `${[intro, ...metricGroups.map(section), former(), alerts()].join("\n\n")}\n`;
}

const intro = `# Metrics

What \`GET /metrics\` of each node has, in Prometheus' text format, and what to alert on. \`npm run metrics-page\` writes
this page from \`nodes/order/metric-definitions.ts\`; a test holds it and compares it with a running node.

Every sample has the label \`node\`, the id of the node. Gauges and counters are about this node unless the text says
otherwise: what is the same on every node (orders by status, what waits for a worker) is read with \`max\`, all else with
\`sum\`. Counters begin at 0 with the process. A metric has no sample while its value is not known: the server cannot be
asked, or the node has no list of orders. With \`ORDERLY_AUTH=keys\` the scraper shows an API key with the permission
\`cluster:read\` ([access.md](access.md)).

\`\`\`yaml
scrape_configs:
  - job_name: orderly
    scrape_interval: 15s
    static_configs:
      - targets: ["127.0.0.1:3000", "127.0.0.1:3001", "127.0.0.1:3002"]
\`\`\`

Names follow Prometheus: \`_total\` for counters, \`_seconds\`, \`_bytes\`, \`_ratio\` for a share of 1; a number of things
has no suffix. The names that do not begin with \`orderly_\` are those that programs of all kinds have. OpenTelemetry's
names are beside them. The buckets of all histograms end at
${DURATION_BOUNDS.join(", ")} s and infinity.`;

function section({ metrics, title }: (typeof metricGroups)[number]): string {
  const rows = Object.entries<MetricDefinition>(metrics).map(([name, { help, labels, type, unit }]) =>
    [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(", ") || "-",
      help.replaceAll("|", "\\|"),
      `\`${otelNameOf(name as MetricName)}\`, \`${unit}\``,
    ].join(" | "),
  );
  const head = ["| name | type | labels | meaning | OpenTelemetry |", "| --- | --- | --- | --- | --- |"];
  return [`## ${title}`, "", ...head, ...rows.map((row) => `| ${row} |`)].join("\n");
}

function former(): string {
  const rows = Object.entries(formerNames).map(([name, now]) => `| \`${name}\` | \`${now}\` |`);
  return [
    "## Former names",
    "",
    "Version 0.1.0 and early copies of this one had other names. A dashboard that reads nodes of both during a roll-out",
    "asks for both, for example `orderly_inbox_lag or orderly_inbox_pending`.",
    "",
    "| former name | name |",
    "| --- | --- |",
    ...rows,
  ].join("\n");
}

function alerts(): string {
  return [
    "## Alerts",
    "",
    "`config/prometheus/orderly-rules.yml`, for `rule_files` of Prometheus:",
    "",
    `\`\`\`yaml\n${readFileSync(RULES, "utf8").trimEnd()}\n\`\`\``,
  ].join("\n");
}
