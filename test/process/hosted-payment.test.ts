/**
 * Payments on the gateway's page, over HTTP, on three nodes without webhooks: the shop learns of a payment by polling
 * the gateway, or by polling and messages at once. Each test checks stock and money. Payments reported by webhook are
 * in flows.test.ts; late, repeated and reordered messages in hosted-webhooks.test.ts; cancelled orders in
 * warehouse.test.ts.
 */
import t from "tap";
import {
  arrivals,
  authorizationOf,
  awaiting,
  ON_HAND,
  paidMessage,
  paidWhileOwnerIsDead,
  postMessage,
} from "../support/clients/hosted-order.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";

t.test("the shop learns of a payment by polling the gateway while webhooks are off", async (t) => {
  const cluster = await startOrderCluster(t, { catalogue: false, webhooks: "off", paymentPollMs: 200 });

  t.test("a poll finds a payment", async (t) => {
    const order = await awaiting(t, cluster);
    await order.choose("pay");
    await order.becomes("completed", "captured");
    t.strictSame(await order.booked(), ["authorize", "capture"]);
  });

  t.test("a poll finds a declined payment", async (t) => {
    const order = await awaiting(t, cluster);
    await order.choose("decline");
    await order.becomes("payment_failed", "failed");
    await order.stockIs(ON_HAND);
  });

  t.test("messages to three nodes during the polls change each order once", async (t) => {
    const orders = await Promise.all(Array.from({ length: 8 }, () => awaiting(t, cluster)));
    // The eight pauses have begun together; one customer after the other pays, so that some messages meet a poll.
    for (const order of orders) {
      t.equal((await order.choose("pay")).status, 200);
      const message = paidMessage(order, await authorizationOf(cluster, order));
      const answers = cluster.urls.map((url) => postMessage(url, `msg_${order.payment}_paid`, message));
      t.strictSame(
        (await Promise.all(answers)).map(({ status }) => status),
        [200, 200, 200],
      );
    }
    const inputs = [];
    for (const order of orders) {
      await order.becomes("completed", "captured");
      t.equal(await arrivals(order, "captured"), 1);
      const items = await order.history();
      const paid = items.filter(({ events }) => events.includes("payment.captured"));
      t.equal(paid.length, 1, "one capture");
      inputs.push(paid[0]!.input);
      t.equal(items.filter(({ events }) => events.includes("order.confirmed")).length, 1);
      t.strictSame(await order.booked(), ["authorize", "capture"]);
    }
    t.comment("inputs that came first:", inputs);
  });

  t.test("the next owner polls for a payment that was made while the owner was dead", async (t) => {
    t.match(await paidWhileOwnerIsDead(t, cluster), /checkPayment/u);
  });
});
