/** Samples of metrics, checked against their definitions, and their text in Prometheus' format 0.0.4. Pure. */
import type { HistogramState } from "../../src/runtime/duration-histogram.ts";
import { metricDefinitions, type MetricDefinition, type MetricName } from "./metric-definitions.ts";

type Definitions = typeof metricDefinitions;

/** The names of metrics that are counted by bounds. */
export type HistogramName = {
  [N in MetricName]: Definitions[N]["type"] extends "histogram" ? N : never;
}[MetricName];

/** The labels of a metric besides the node. */
export type LabelsOf<N extends MetricName> = Readonly<Record<Definitions[N]["labels"][number], string>>;

/** One value of one metric. */
export type Sample = {
  readonly name: MetricName;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | HistogramState;
};

/** A value of a gauge or a counter. */
export function sample<N extends Exclude<MetricName, HistogramName>>(
  name: N,
  value: number,
  ...[labels]: Definitions[N]["labels"]["length"] extends 0 ? [] : [LabelsOf<N>]
): Sample {
  return { name, value, labels: labels ?? {} };
}

/** The counts of a histogram. */
export function histogram<N extends HistogramName>(
  name: N,
  value: HistogramState,
  ...[labels]: Definitions[N]["labels"]["length"] extends 0 ? [] : [LabelsOf<N>]
): Sample {
  return { name, value, labels: labels ?? {} };
}

/**
 * The text that `GET /metrics` answers: every metric in the order of its definition, also those without a sample now.
 * @param node a label of every sample
 */
export function textOf(node: string, samples: readonly Sample[]): string {
  const byName = Map.groupBy(samples, ({ name }) => name);
  const lines = Object.entries<MetricDefinition>(metricDefinitions).flatMap(([name, { help, type }]) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...(byName.get(name as MetricName) ?? []).flatMap((one) => linesOf(node, one)),
  ]);
  return `${lines.join("\n")}\n`;
}

function linesOf(node: string, { name, value, ...one }: Sample): string[] {
  const labels = { node, ...one.labels };
  if (typeof value === "number") return [`${name}${braced(labels)} ${value}`];
  let below = 0;
  const buckets = value.counts.map((count, index) => {
    below += count;
    const le = String(value.bounds[index] ?? "+Inf");
    return `${name}_bucket${braced({ ...labels, le })} ${below}`;
  });
  return [
    ...buckets,
    `${name}_sum${braced(labels)} ${value.sum}`,
    `${name}_count${braced(labels)} ${value.count}`,
  ];
}

const braced = (labels: Readonly<Record<string, string>>): string =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",")}}`;

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
