/**
 * Payments on the gateway's page, over HTTP, on three nodes: the customer pays or declines, and the shop hears of it by
 * webhook, by asking, or both ways at once. Each time stock and money are looked at. What comes late, twice or in
 * another order is in hosted-webhooks.test.ts; what is cancelled later, in cancellation.test.ts.
 */
import t, { type Test } from "tap";
import {
  arrivals,
  authorizationOf,
  awaiting,
  declinedMessage,
  ON_HAND,
  paidMessage,
  tell,
  WAIT,
} from "../support/clients/hosted-order.ts";
import { command, orderOf, place, putStock, read } from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import type { OrderCluster } from "../support/cluster/order-cluster.ts";
import { ownerOf } from "../support/load/partition-share.ts";
import { waitUntil } from "../support/wait-until.ts";

/** The customer pays while the order's owner is dead. @returns the input by which the next owner heard of it */
async function paidWhileTheOwnerIsDead(t: Test, cluster: OrderCluster): Promise<string> {
  const order = await awaiting(t, cluster);
  const owner = await ownerOf(cluster, order.id);
  t.ok(
    (await order.history()).every(({ node }) => node === owner.name),
    `${owner.name} has the order`,
  );
  await owner.kill();
  t.equal((await order.choose("pay")).status, 200);
  await order.becomes("completed", "captured");
  const items = await order.history();
  const paid = items.filter(({ events }) => events.includes("payment.captured"));
  t.equal(paid.length, 1, "once");
  t.not(paid[0]!.node, owner.name, `${owner.name} was dead`);
  t.strictSame(await order.booked(), ["authorize", "capture"]);
  await owner.start();
  return paid[0]!.input;
}

t.test("told by webhook", async (t) => {
  // Nobody asks within the time of these tests.
  const cluster = await startOrderCluster(t, { catalogue: false, paymentPollMs: 60_000 });

  t.test(
    'D2 -->|"Asynchronous payment"| E1: a customer who pays there has the order completed',
    async (t) => {
      const order = await awaiting(t, cluster);
      t.match(await (await fetch(order.page)).text(), /Pay for your order[^]*20\.00[^]*Decline/u);
      t.match(await (await order.choose("pay")).text(), /Payment complete/u);
      const view = await order.becomes("completed", "captured");
      t.equal(view.payment.url, null);
      t.strictSame(await order.booked(), ["authorize", "capture"]);
      t.equal((await order.choose("decline")).status, 409, "a page is decided once");
      for (const subject of ["Order created and awaiting payment", "Order confirmed", "Order shipped"])
        await order.mailed(subject);
    },
  );

  t.test("a customer who declines ends the order, and the stock is free", async (t) => {
    const order = await awaiting(t, cluster);
    await order.choose("decline");
    await order.becomes("payment_failed", "failed");
    await order.stockIs(ON_HAND);
    t.strictSame(await order.booked(), []);
  });

  t.test("a repeated key is answered with the page, also when it is paid", async (t) => {
    const url = cluster.urls[0]!;
    await putStock(url, "PAGE-KEY", ON_HAND);
    const order = orderOf({ method: "async", lines: [{ sku: "PAGE-KEY", quantity: 1 }] });
    const first = await place(url, order, { "idempotency-key": "hosted-1" });
    const second = await place(cluster.urls[1]!, order, { "idempotency-key": "hosted-1" });
    t.same(
      [second.status, second.body.id, second.body.payment.url],
      [201, first.body.id, first.body.payment.url],
    );
    await fetch(first.body.payment.url ?? "", {
      method: "POST",
      body: new URLSearchParams({ action: "pay" }),
    });
    await waitUntil(
      "paid",
      async () => (await read(url, first.body.id)).body.payment.status === "captured",
      WAIT,
    );
    const third = await place(cluster.urls[2]!, order, { "idempotency-key": "hosted-1" });
    t.same([third.status, third.body.id], [201, first.body.id]);
  });

  t.test("cancelled while the customer looks at the page: what comes too late is refunded", async (t) => {
    const order = await awaiting(t, cluster);
    const cancelled = await command(order.url(), order.id, "cancel", { reason: "changed my mind" });
    t.match(cancelled, { status: 200, body: { status: "cancelled", payment: { url: null } } });
    await order.becomes("cancelled", "voided");
    await order.stockIs(ON_HAND);
    t.match(await (await fetch(order.page)).text(), /This payment is closed[^]*Pay anyway/u);
    t.equal((await order.choose("pay")).status, 409);
    t.strictSame(await order.booked(), []);
    t.equal((await order.choose("pay_late")).status, 200);
    await order.becomes("cancelled", "refunded");
    t.strictSame(await order.booked(), ["authorize", "capture", "refund"]);
    await order.mailed("Order cancelled");
    await order.mailed("Payment refunded");
  });

  t.test("wrong, stale and missing signatures are refused, and change nothing", async (t) => {
    const order = await awaiting(t, cluster);
    const before = await order.historyAtRest();
    const paid = paidMessage(order, "auth_forged");
    const stale = new Date(Date.now() - 6 * 60_000);
    const early = new Date(Date.now() + 6 * 60_000);
    const secret = `whsec_${Buffer.from("somebody else's secret, 32 bytes").toString("base64")}`;
    const unsigned = await fetch(`${order.url()}/v1/webhooks/payments`, {
      method: "POST",
      body: JSON.stringify(paid),
    });
    for (const answer of [
      await tell(order.url(), "msg_wrong", paid, { secret }),
      await tell(order.url(), "msg_stale", paid, { at: stale }),
      await tell(order.url(), "msg_early", paid, { at: early }),
      unsigned,
    ]) {
      t.equal(answer.status, 401);
      t.match(await answer.json(), { code: "invalid_signature" });
    }
    t.equal((await tell(order.url(), "msg_nonsense", { type: "payment.paid" })).status, 400);
    t.strictSame(await order.history(), before);
    t.equal((await read(order.url(), order.id)).body.status, "awaiting_payment");
  });

  t.test("contradicting and unknown messages are harmless", async (t) => {
    const order = await awaiting(t, cluster);
    await order.choose("pay");
    await order.becomes("completed", "captured");
    const events = (await order.historyAtRest()).flatMap((item) => item.events);
    for (const url of cluster.urls)
      for (const id of ["msg_again", "msg_again", `msg_other_${url.length}`])
        t.equal((await tell(url, id, declinedMessage(order))).status, 200);
    const unknown = paidMessage({ ...order, id: `ord_${"0".repeat(26)}` }, "auth_1");
    t.equal((await tell(order.url(), "msg_unknown", unknown)).status, 200);
    await order.becomes("completed", "captured");
    t.strictSame(
      (await order.history()).flatMap((item) => item.events),
      events,
    );
    t.strictSame(await order.booked(), ["authorize", "capture"]);
  });

  t.test("paid while the order's owner is dead: the next owner hears of it", async (t) => {
    t.match(await paidWhileTheOwnerIsDead(t, cluster), /gateway\.paid/u);
  });
});

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
    t.match(await paidWhileTheOwnerIsDead(t, cluster), /checkPayment/u);
  });
});
