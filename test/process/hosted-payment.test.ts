/**
 * Payments on the gateway's page, over HTTP, on three nodes: the customer pays or declines, and the shop hears of it by
 * webhook, by asking, or both ways at once. Each time stock and money are looked at. What comes late, twice or in
 * another order is in hosted-webhooks.test.ts; what is cancelled later, in cancellation.test.ts.
 */
import t from "tap";
import {
  arrivals,
  authorizationOf,
  awaiting,
  ON_HAND,
  paidMessage,
  paidWhileOwnerIsDead,
  tell,
} from "../support/clients/hosted-order.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";

t.test("found by asking, with webhooks off", async (t) => {
  const cluster = await startOrderCluster(t, { catalogue: false, webhooks: "off", paymentPollMs: 200 });

  t.test("a payment is found", async (t) => {
    const order = await awaiting(t, cluster);
    await order.choose("pay");
    await order.becomes("completed", "captured");
    t.strictSame(await order.booked(), ["authorize", "capture"]);
  });

  t.test("a customer who declines is found", async (t) => {
    const order = await awaiting(t, cluster);
    await order.choose("decline");
    await order.becomes("payment_failed", "failed");
    await order.stockIs(ON_HAND);
  });

  t.test("told by three nodes while it is being asked: both ways, and one change", async (t) => {
    const orders = await Promise.all(Array.from({ length: 8 }, () => awaiting(t, cluster)));
    // The pauses of the eight have begun together; one customer after the other pays, so that some meet the question.
    for (const order of orders) {
      t.equal((await order.choose("pay")).status, 200);
      const message = paidMessage(order, await authorizationOf(cluster, order));
      const told = cluster.urls.map((url) => tell(url, `msg_${order.payment}_paid`, message));
      t.strictSame(
        (await Promise.all(told)).map(({ status }) => status),
        [200, 200, 200],
      );
    }
    const ways = [];
    for (const order of orders) {
      await order.becomes("completed", "captured");
      t.equal(await arrivals(order, "captured"), 1);
      const items = await order.history();
      const paid = items.filter(({ events }) => events.includes("payment.captured"));
      t.equal(paid.length, 1, "told once");
      ways.push(paid[0]!.input);
      t.equal(items.filter(({ events }) => events.includes("order.confirmed")).length, 1);
      t.strictSame(await order.booked(), ["authorize", "capture"]);
    }
    t.comment("heard of first by", ways);
  });

  t.test("paid while the order's owner is dead: the next owner asks", async (t) => {
    t.match(await paidWhileOwnerIsDead(t, cluster), /checkPayment/u);
  });
});
