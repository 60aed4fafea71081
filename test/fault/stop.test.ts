/** SIGTERM while something hangs: every caller is answered, the locks are released, and the process ends in order. */
import { execFileSync } from "node:child_process";
import t, { type Test } from "tap";
import { stopping } from "../../src/runtime/limits.ts";
import { partitionOf } from "../../src/runtime/subjects.ts";
import { arranged } from "../support/arranged.ts";
import { metric } from "../support/metrics.ts";
import { clusterView, orderOf, place, read, readiness } from "../support/clients/order-client.ts";
import { untilCompleted } from "../support/clients/order-poll.ts";
import { type ClusterProcess, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { untilSettled } from "../support/load/partition-share.ts";
import { waitUntil } from "../support/wait-until.ts";

const PARTITIONS = 32;
const ORDERS = 6;
/** Between two processes on a busy machine. */
const SLACK_MS = 1000;
/** A call in the gateway's log. */
const CALL = /"url":"\/payments/gu;

/** Stops the node; it must do so in order. @returns how long it took, ms */
async function stopInOrder(t: Test, node: ClusterProcess): Promise<number> {
  const begun = performance.now();
  await node.stop();
  const tookMs = Math.round(performance.now() - begun);
  t.equal(await node.exitCode(), 0, `${node.name} ended in order, ${tookMs} ms after SIGTERM`);
  t.ok(tookMs < stopping.processMs + SLACK_MS);
  return tookMs;
}

t.test(
  "callers of a node that stops get 202 while the gateway does not answer, and all others wait on",
  async (t) => {
    const cluster = await startOrderCluster(t, {
      nodes: 2,
      gatewayEnv: { ORDERLY_LOG_LEVEL: "debug" },
      env: { ORDERLY_GATEWAY_TIMEOUT_MS: "8000" },
    });
    await untilSettled(cluster);
    const [leaving, staying] = cluster.nodes as readonly [ClusterProcess, ClusterProcess];
    const slow = orderOf({ token: "tok_timeout" });
    const begin = (node: ClusterProcess) =>
      Array.from({ length: ORDERS }, (_, index) =>
        place(node.url, slow, { prefer: "wait=60", "idempotency-key": `${node.name}-${index}` }),
      );
    const here = begin(leaving);
    const there = Promise.all(begin(staying));
    await waitUntil("the gateway has every payment's request", () => {
      return (cluster.gateway.output().match(CALL)?.length ?? 0) >= 2 * ORDERS;
    });
    const begun = performance.now();
    const answered = Promise.all(here).then((answers) => ({ answers, afterMs: performance.now() - begun }));
    await stopInOrder(t, leaving);
    const { answers, afterMs } = await answered;
    t.ok(afterMs < stopping.answersMs + SLACK_MS, `callers were answered after ${Math.round(afterMs)} ms`);
    for (const { status, headers, body } of answers) {
      t.equal(status, 202);
      t.equal(headers.get("location"), `/v1/orders/${body.id}`);
      t.match(body, { status: "authorizing" });
    }
    const { nodes, partitions } = await clusterView(staying.url);
    t.same(
      nodes.map(({ id }) => id),
      [staying.name],
      "the cluster no longer lists it",
    );
    t.ok(
      partitions.every(({ node }) => node !== leaving.name),
      "no lock names it",
    );
    // The payment expires, whichever node owns its order by now.
    for (const { status, body } of await there) t.match([status, body], [402, { code: "payment_expired" }]);
    for (const [index, { body }] of answers.entries()) {
      const again = await place(staying.url, slow, {
        prefer: "wait=60",
        "idempotency-key": `${leaving.name}-${index}`,
      });
      t.match([again.status, again.body], [402, { code: "payment_expired", orderId: body.id }]);
    }
  },
);

t.test(
  "a node whose disk is full hands its partitions over when it is stopped",
  { skip: process.platform === "linux" ? false : "needs prlimit" },
  async (t) => {
    const cluster = await startOrderCluster(t, { nodes: 2, env: { ORDERLY_GATEWAY_TIMEOUT_MS: "9000" } });
    await untilSettled(cluster);
    const [full, other] = cluster.nodes as readonly [ClusterProcess, ClusterProcess];
    const owned = new Set(
      (await clusterView(full.url)).partitions
        .filter(({ node }) => node === full.name)
        .map(({ partition }) => partition),
    );
    // Answered after their first commit; the payment is under way, and its outcome will find no room.
    const thaw = cluster.gateway.freeze();
    t.teardown(thaw);
    const stuck: string[] = [];
    const placeOne = async () => {
      const { status, body } = await place(full.url, orderOf(), { prefer: "respond-async" });
      if (status === 202 && owned.has(partitionOf(body.id, PARTITIONS))) stuck.push(body.id);
    };
    await waitUntil("orders of the full node wait for the gateway", async () => {
      await Promise.all(Array.from({ length: ORDERS }, placeOne));
      return stuck.length >= ORDERS;
    });
    await waitUntil("the gateway is asked for each", async () => {
      const views = await Promise.all(stuck.map((id) => read(full.url, id)));
      return views.every(({ body }) => body.status === "authorizing");
    });
    execFileSync("prlimit", ["--pid", String(full.pid()), "--fsize=1:"]);
    thaw();
    await waitUntil(
      "the outbox holds their outcomes",
      async () =>
        (await clusterView(full.url)).nodes.some(
          ({ id, outboxDepth }) => id === full.name && outboxDepth >= stuck.length,
        ),
      { timeoutMs: 15_000 },
    );
    const from = performance.now();
    await full.stop();
    t.ok(performance.now() - from < stopping.processMs + SLACK_MS);
    // Its exit code is the test runner's, which writes a file in every process that ends.
    t.notMatch(full.output(), /did not stop within/u);
    const begun = performance.now();
    await untilSettled(cluster, [other]);
    t.comment(`all partitions were taken over ${Math.round(performance.now() - begun)} ms after the end`);
    for (const id of stuck) await untilCompleted(other.url, id);
  },
);

t.test("a node whose nats-server is silent answers its callers and ends", async (t) => {
  const cluster = await startOrderCluster(t, { nodes: 1 });
  const [node] = cluster.nodes as readonly [ClusterProcess];
  const first = await place(node.url, orderOf());
  await untilCompleted(node.url, first.body.id);
  const { waiting } = await arranged(t, "every order waits for its commit", async () => {
    const speak = cluster.nats.freeze();
    t.teardown(() => speak());
    const asked = Array.from({ length: ORDERS }, () => place(node.url, orderOf(), { prefer: "wait=60" }));
    // The node takes no more orders when its presence has run out: 2.4 s later.
    const waits = await waitUntil(
      "every order waits",
      async () => (await metric(node.url, "orderly_outbox_depth")) >= ORDERS,
      { timeoutMs: 4_000 },
    ).catch(() => false);
    if (waits) return { waiting: Promise.all(asked) };
    speak();
    await Promise.all(asked);
    await waitUntil("the node is ready", async () => (await readiness(node.url)) === 200);
    return { missed: "the node was isolated before" };
  });
  const begun = performance.now();
  await stopInOrder(t, node);
  for (const { status, headers, body } of await waiting) {
    t.equal(status, 503);
    t.match(body, { code: "unavailable" });
    t.match(headers.get("retry-after"), /^\d+$/u);
  }
  t.ok(performance.now() - begun < stopping.processMs + SLACK_MS);
});
