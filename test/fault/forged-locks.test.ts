/**
 * A client writes locks and heartbeats of a node that does not exist: no order is taken, and operators see why. The
 * nodes are ready, since there is nothing wrong with them.
 */
import t from "tap";
import { systemClock } from "../../src/adapters/local/system-clock.ts";
import { natsBucket } from "../../src/adapters/nats/bucket.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import { nodesBucket } from "../../src/adapters/nats/stream-definitions.ts";
import { streamSettings } from "../../nodes/order/streams.ts";
import { subjects } from "../../src/services/subjects.ts";
import { clusterView, healthCheck, orderOf, place } from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { untilSettled } from "../support/load/partition-share.ts";
import { metric } from "../support/metrics.ts";
import { waitUntil } from "../support/wait-until.ts";

const PARTITIONS = 32;
const GHOST = "node-without-process";

t.test("forged locks are found by work, shown and logged, and heal when the forger stops", async (t) => {
  const cluster = await startOrderCluster(t, { nodes: 2 });
  await untilSettled(cluster);
  const [url = ""] = cluster.urls;
  const link = await connectNats({ servers: [cluster.nats.url], name: "forger", connectTimeoutMs: 10_000 });
  t.teardown(() => link.close());
  const settings = streamSettings({ replicas: 1, partitions: PARTITIONS, streams: 1, presenceTtlMs: 3000 });
  const presence = natsBucket(link, nodesBucket(settings));
  const heartbeat = () =>
    presence.put(
      GHOST,
      JSON.stringify({ id: GHOST, boot: GHOST, startedAt: systemClock.now(), url: "", roles: [] }),
    );
  await waitUntil("no probe is without its answer", async () => {
    const { partitions } = await clusterView(url);
    return partitions.every(({ answers }) => answers === true);
  });
  t.equal(await metric(url, "orderly_partitions_unanswered"), 0);

  await heartbeat();
  const beating = setInterval(() => void heartbeat().catch(() => undefined), 500);
  t.teardown(() => clearInterval(beating));
  const journal = natsJournal(link, subjects.stream(0));
  const entry = JSON.stringify({ node: GHOST, boot: GHOST, nonce: "n", since: new Date().toISOString() });
  for (let partition = 0; partition < PARTITIONS; partition++)
    await journal.append([{ subject: subjects.lock(`partition.${partition}`), payload: entry }], 2000);

  await waitUntil(
    "every partition is found without an answer",
    async () => (await metric(url, "orderly_partitions_unanswered")) === PARTITIONS,
    { timeoutMs: 120_000, intervalMs: 250 },
  );
  const { partitions } = await clusterView(url);
  t.ok(partitions.every(({ answers, node }) => answers === false && node === GHOST));
  const { status, check } = await healthCheck(url, "partitions");
  t.equal(status, 200, "the node itself is ready");
  t.match(check, { ok: false, detail: /^without an answer: 0, 1, 2/u });
  t.match(cluster.nodes[0]?.output(), /"partitions do not answer"/u);
  const order = orderOf({ lines: [{ sku: "TSHIRT-M", quantity: 1 }] });
  t.equal((await place(url, order)).status, 503);

  clearInterval(beating);
  await waitUntil(
    "every partition answers again",
    async () => (await metric(url, "orderly_partitions_unanswered")) === 0,
    { timeoutMs: 120_000, intervalMs: 250 },
  );
  t.match(cluster.nodes[0]?.output(), /"partitions answer again"/u);
  t.equal((await place(url, order)).status, 201);
});
