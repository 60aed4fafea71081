/** `ORDERLY_DEFAULT_WAIT_MS` on a real node: how long a request waits that names no time itself. */
import t from "tap";
import { orderOf, place } from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";

const DEFAULT_WAIT_MS = 900;
const WAIT_S = 3;

t.test("a node answers 202 after its own wait when the order is not settled in time", async (t) => {
  const cluster = await startOrderCluster(t, {
    nodes: 1,
    env: { ORDERLY_DEFAULT_WAIT_MS: String(DEFAULT_WAIT_MS), ORDERLY_GATEWAY_TIMEOUT_MS: "500" },
  });
  const [url = ""] = cluster.urls;
  t.equal((await place(url, orderOf({ method: "cash_on_delivery" }))).status, 201);
  // Payments wait for the gateway now, far longer than the callers.
  await cluster.gateway.kill();
  const timed = async (headers?: Record<string, string>) => {
    const begun = performance.now();
    const { status, body } = await place(url, orderOf(), headers);
    return { status, order: body.status, ms: performance.now() - begun };
  };
  const [silent, asking] = await Promise.all([timed(), timed({ prefer: `wait=${WAIT_S}` })]);
  t.match(silent, { status: 202, order: "authorizing" });
  t.match(asking, { status: 202, order: "authorizing" });
  t.ok(silent.ms >= DEFAULT_WAIT_MS && silent.ms < WAIT_S * 1000, `after ${Math.round(silent.ms)} ms`);
  t.ok(asking.ms >= WAIT_S * 1000, `after ${Math.round(asking.ms)} ms`);
});
