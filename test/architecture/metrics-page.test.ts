/** The names of metrics, docs/metrics.md and the alert rules. */
import { readFileSync } from "node:fs";
import t from "tap";
import { parse } from "yaml";
import {
  formerNames,
  metricDefinitions,
  type MetricDefinition,
  type MetricName,
  otelNameOf,
} from "../../nodes/order/metric-definitions.ts";
import { metricsPage, PAGE, RULES } from "../support/metrics-page/page.ts";

const definitions: [string, MetricDefinition][] = Object.entries(metricDefinitions);
/** Names that programs of all kinds have. */
const COMMON = /^(process|nodejs|http_server)_/u;
const suffixes: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes", "1": "_ratio" };

t.test("docs/metrics.md is what `npm run metrics-page` writes", async (t) => {
  t.equal(readFileSync(PAGE, "utf8"), metricsPage());
});

t.test("every name has the suffixes that Prometheus asks for", async (t) => {
  for (const [name, { labels, type, unit }] of definitions) {
    t.match(name, COMMON.test(name) ? COMMON : /^orderly_[a-z_]+$/u);
    t.equal(name.endsWith("_total"), type === "counter", `${name}: _total is for counters`);
    const suffix = suffixes[unit];
    const base = name.replace(/_total$/u, "");
    if (suffix) t.ok(base.endsWith(suffix), `${name}: ${unit}`);
    else t.notMatch(base, /_(seconds|milliseconds|ms|bytes|ratio|percent)$/u, `${name} counts things`);
    t.notOk(labels.includes("node"), "every sample has the node");
    for (const label of labels) t.match(label, /^[a-z][a-z_]*$/u);
  }
});

t.test("OpenTelemetry's names become Prometheus' names again in a collector", async (t) => {
  for (const [name, { type, unit }] of definitions.filter(([one]) => one.startsWith("orderly_"))) {
    const translated = otelNameOf(name as MetricName).replaceAll(".", "_") + (suffixes[unit] ?? "");
    t.equal(type === "counter" ? `${translated}_total` : translated, name);
  }
});

t.test("a former name is none of today, and has one", async (t) => {
  for (const [former, now] of Object.entries(formerNames)) {
    t.notOk(Object.hasOwn(metricDefinitions, former), former);
    t.ok(Object.hasOwn(metricDefinitions, now), now);
  }
});

type Rules = { groups: { rules: { alert: string; expr: string; annotations: { summary: string } }[] }[] };

t.test("the alert rules ask for metrics and labels that exist", async (t) => {
  const rules = (parse(readFileSync(RULES, "utf8")) as Rules).groups.flatMap((group) => group.rules);
  t.ok(rules.length > 10);
  for (const { alert, annotations, expr } of rules) {
    t.ok(annotations.summary, alert);
    const names = expr.match(/\b(?:orderly|http_server|process|nodejs)_[a-z_]+/gu) ?? [];
    t.equal(names.length, 1, `${alert} asks for one metric`);
    const name = (names[0] ?? "").replace(/_(bucket|count|sum)$/u, "");
    const definition = definitions.find(([one]) => one === name)?.[1];
    t.ok(definition, `${alert}: ${name}`);
    t.equal(names[0] !== name, definition?.type === "histogram", `${alert}: parts of a histogram`);
    const labels = new Set([...(definition?.labels ?? []), "node", "le"]);
    const selected = [...expr.matchAll(/[{,]\s*([a-z_]+)\s*(?:=~|!~|!=|=)/gu)].map(([, label]) => label!);
    const grouped = [...expr.matchAll(/by \(([a-z_, ]+)\)/gu)].flatMap(([, list]) => list!.split(/, */u));
    for (const label of [...selected, ...grouped]) t.ok(labels.has(label), `${alert}: label ${label}`);
    t.equal(
      /\b(rate|increase)\(/u.test(expr),
      definition?.type !== "gauge",
      `${alert}: rates are of counters`,
    );
  }
});
