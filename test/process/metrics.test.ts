/** `GET /metrics` of running nodes: exactly what docs/metrics.md says, with the values that orders leave. */
import { readFileSync } from "node:fs";
import t from "tap";
import { orderOf, place } from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { families, metricsOf, valueOf } from "../support/metrics.ts";
import { waitUntil } from "../support/wait-until.ts";

const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
/** Name, type and labels of each row. */
const documented = new Map(
  [...page.matchAll(/^\| `([a-z_]+)` \| (counter|gauge|histogram) \| ([^|]*) \|/gmu)].map(
    ([, name, type, labels]) => [name!, { type: type!, labels: labels!.match(/[a-z_]+/gu) ?? [] }],
  ),
);

t.setTimeout(120_000);

const sum = (text: string, name: string): number =>
  families(text)
    .get(name)!
    .samples.reduce((total, { value }) => total + value, 0);

t.test("a running node has exactly the metrics that the page documents, with their labels", async (t) => {
  const cluster = await startOrderCluster(t, { nodes: 1 });
  const url = cluster.urls[0]!;
  const placed = await place(url, orderOf({ method: "credit_card" }));
  t.equal(placed.status, 201);
  const text = await waitUntil("the list of orders and the workers are counted", async () => {
    const read = await metricsOf(url);
    return /^orderly_orders\{/mu.test(read) &&
      /^orderly_worker_pending\{/mu.test(read) &&
      sum(read, "orderly_orders") === 1
      ? read
      : undefined;
  });
  const found = families(text);
  t.strictSame([...found.keys()].toSorted(), [...documented.keys()].toSorted());
  for (const [name, { samples, type }] of found) {
    t.equal(type, documented.get(name)?.type, `${name}: type`);
    for (const { labels } of samples) {
      const own = Object.keys(labels).filter((label) => label !== "node" && label !== "le");
      t.strictSame(own.toSorted(), documented.get(name)!.labels.toSorted(), `${name}: labels`);
      t.equal(labels["node"], "node-1");
    }
  }
  t.ok(valueOf(text, "orderly_commit_duration_seconds_count") >= 3, "commits are measured");
  const infinite = valueOf(text, "orderly_commit_duration_seconds_bucket", 'le="\\+Inf"');
  t.equal(infinite, valueOf(text, "orderly_commit_duration_seconds_count"));
  t.ok(valueOf(text, "orderly_commit_duration_seconds_sum") > 0);
  t.ok(valueOf(text, "http_server_request_duration_seconds_count", 'http_route="/v1/orders"') >= 1);
  t.ok(valueOf(text, "orderly_effect_duration_seconds_count", 'outcome="done"') >= 1);
  t.ok(valueOf(text, "orderly_provider_calls_total", 'provider="gateway",outcome="success"') >= 1);
  t.equal(sum(text, "orderly_orders_stuck"), 0);
  t.ok(valueOf(text, "process_resident_memory_bytes") > 10_000_000);
});
