/** Nodes that lose nats-server, silent or gone: they answer 503 within a bound instead of letting callers wait. */
import t from "tap";
import { auditReplies } from "../support/audits/reply-audit.ts";
import { orderOf, place, readiness } from "../support/clients/order-client.ts";
import { everyNode, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { untilSettled } from "../support/load/partition-share.ts";

/** `Prefer: wait` of the callers: the node answers long before. */
const WAIT_S = 10;
/** A node notices an ended connection at once; the rest is for a busy machine. */
const AT_ONCE_MS = 1_000;
/** A node is certain that the server is silent when presence runs out (2.4 s of 3 s). */
const CERTAIN_MS = 4_000;

t.test(
  "a node that is isolated from NATS refuses requests at once, and soon answers those that wait",
  async (t) => {
    const cluster = await startOrderCluster(t, { nodes: 2 });
    const audit = auditReplies(t, cluster);
    await untilSettled(cluster);
    let key = 0;
    const timed = async (url: string) => {
      const begun = performance.now();
      const { status, headers, body } = await place(url, orderOf(), {
        prefer: `wait=${WAIT_S}`,
        "idempotency-key": `isolated-${key++}`,
      });
      return { status, code: body.code, after: headers.get("retry-after"), ms: performance.now() - begun };
    };
    const refused = (
      answers: readonly Awaited<ReturnType<typeof timed>>[],
      limitMs: number,
      what: string,
    ) => {
      for (const { status, code, after } of answers)
        t.strictSame({ status, code, after }, { status: 503, code: "unavailable", after: "1" }, what);
      const slowest = Math.round(Math.max(...answers.map(({ ms }) => ms)));
      t.ok(slowest < limitMs, `${what}: 503 after ${slowest} ms at most`);
      t.comment(`${what}: 503 after ${slowest} ms at most`);
    };
    const onAllNodes = () => Promise.all(cluster.urls.map(timed));
    const ready = (status: number) =>
      everyNode(cluster, `answers ${status}`, async (url) => (await readiness(url)) === status);

    // Silent: neither side knows, until the presence has run out.
    const thaw = cluster.nats.freeze();
    const waiting = onAllNodes();
    refused(await waiting, CERTAIN_MS, "waiting when the server fell silent");
    // A read that has no answer ends a request before its node is certain.
    await ready(503);
    refused(await onAllNodes(), AT_ONCE_MS, "while the server is silent");
    thaw();
    await ready(200);
    for (const url of cluster.urls) t.equal((await timed(url)).status, 201);

    // Gone: the connection ends.
    await cluster.nats.kill();
    await ready(503);
    refused(await onAllNodes(), AT_ONCE_MS, "while the server is gone");
    await cluster.nats.restart();
    await ready(200);
    for (const url of cluster.urls) t.equal((await timed(url)).status, 201);
    await audit.check(t);
  },
);
