/** A gateway that is killed and started again under load: orders wait, and the circuit breaker keeps the calls few. */
import t from "tap";
import { auditReplies } from "../support/audits/reply-audit.ts";
import { checkAllEnd, checkLedger, checkNothingLost } from "../support/audits/order-audit.ts";
import { healthCheck, orderOf, readiness } from "../support/clients/order-client.ts";
import { metric } from "../support/metrics.ts";
import { startLoad } from "../support/load/order-load.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const ORDERS = 80;
const CALLERS = 20;
/** The beginning of a capture, an authorization or a status query in the gateway's log. */
const CALL = /"url":"\/(payments|operations)\//gu;
/** Longer than an effect's tries without a breaker. */
const OUTAGE_MS = 4000;
const GATEWAY = 'provider="gateway"';

t.test(
  "orders wait for a gateway that is killed and started again, and each is charged once, without a storm",
  async (t) => {
    const cluster = await startOrderCluster(t, {
      nodes: 2,
      gatewayEnv: { ORDERLY_LOG_LEVEL: "debug" },
    });
    const [url = ""] = cluster.urls;
    const audit = auditReplies(t, cluster);
    const load = startLoad({
      name: "outage",
      count: ORDERS,
      callers: CALLERS,
      orderAt: () => orderOf(),
      urls: () => cluster.urls,
    });
    await load.reached(10);
    await cluster.gateway.kill();
    await waitUntil("the gateway's breaker is not closed", async () => (await breakerOf(url)) > 0);
    const answered = load.answered.length;
    const since = performance.now();
    const unready: number[] = [];
    await waitUntil(
      `the outage has lasted ${OUTAGE_MS} ms`,
      async () => {
        const status = await readiness(url);
        if (status !== 200) unready.push(status);
        return performance.now() - since > OUTAGE_MS;
      },
      { intervalMs: 50 },
    );
    t.same(unready, [], "the node is ready at every poll of the outage");

    const { status, check } = await healthCheck(url, "providers");
    t.equal(status, 200, "the node is ready all the same");
    t.match(check, { ok: false, detail: /gateway (open|half_open), \d+ waiting/u });
    t.ok(load.answered.length - answered <= CALLERS, "orders wait");
    const unanswered = ORDERS - load.answered.length;
    t.ok(unanswered >= ORDERS / 2, `${unanswered} orders need the gateway, which was killed early`);

    await cluster.gateway.start();
    const orders = await load.done;
    t.same(
      orders.filter(({ outcome }) => outcome !== "confirmed"),
      [],
      "no order is lost to the outage",
    );
    await checkNothingLost(t, cluster.urls, orders);
    await checkAllEnd(t, cluster.urls, orders);
    await checkLedger(t, cluster.gateway.url, orders);
    const calls = cluster.gateway.output().match(CALL)?.length ?? 0;
    t.comment(`${calls} calls after the outage for ${ORDERS} orders`);
    t.ok(calls >= unanswered, "the gateway's log is read");
    // Each order: an authorization and a capture. Then status queries where the kill left an outcome unknown, and the
    // probes.
    t.ok(calls <= 2 * ORDERS + 2 * CALLERS + 12, `${calls} calls after the outage`);
    await waitUntil("the breaker is closed again", async () => (await breakerOf(url)) === 0);
    await audit.check(t);
  },
);

const breakerOf = (url: string): Promise<number> => metric(url, "orderly_provider_breaker", GATEWAY);
