/**
 * Payments on the gateway's page, over HTTP, on three nodes: the customer pays, declines, leaves or comes too late; the
 * shop hears of it by webhook or by asking. Each time stock and money are looked at.
 */
import t, { type Test } from "tap";
import { signWebhook } from "../../src/services/webhooks/signature.ts";
import { command, ledger, mails, orderOf, place, putStock, read, stock } from "../support/order-client.ts";
import { startOrderCluster } from "../support/order-cluster.ts";
import type { OrderCluster } from "../support/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const ON_HAND = 10;
const total = { amount: 2000, currency: "EUR" };
const WAIT = { timeoutMs: 30_000 } as const;
/** The default of development, which the cluster runs with. */
const SECRET = "whsec_b3JkZXJseS1kZXZlbG9wbWVudC1zZWNyZXQtMzJieXRlcw==";

let numbers = 0;

/** An order that waits for the customer, of a SKU of its own. */
async function awaiting(t: Test, cluster: OrderCluster) {
  const number = ++numbers;
  const sku = `PAGE-${number}`;
  const email = `page-${number}@example.com`;
  const url = cluster.urls[number % cluster.urls.length]!;
  await putStock(url, sku, ON_HAND);
  const answer = await place(url, orderOf({ method: "async", lines: [{ sku, quantity: 2 }], email }));
  t.equal(answer.status, 201);
  t.match(answer.body, { status: "awaiting_payment", payment: { method: "async", status: "pending" } });
  const { id } = answer.body;
  const page = answer.body.payment.url ?? "";
  t.match(page, `${cluster.gateway.url}/pay/pay_`);
  return {
    id,
    page,
    url,
    sku,
    choose: (action: string) =>
      fetch(page, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: `action=${action}`,
      }),
    becomes: (status: string, payment: string) =>
      waitUntil(
        `the order is ${status} and its payment ${payment}`,
        async () => {
          const { body } = await read(url, id);
          return body.status === status && body.payment.status === payment ? body : undefined;
        },
        WAIT,
      ),
    booked: async () => (await ledger(cluster.gateway.url, id)).map(({ kind }) => kind),
    stockIs: (available: number) =>
      waitUntil(
        `${available} are available`,
        async () => (await stock(url, sku)).available === available,
        WAIT,
      ),
    mailed: (subject: string) =>
      waitUntil(
        `a mail: ${subject}`,
        async () =>
          (await mails(cluster.mailbox.url)).some(
            (mail) => mail.to.includes(email) && mail.subject === subject,
          ),
        WAIT,
      ),
  };
}

const webhook = (url: string, id: string, body: object, at = new Date(), secret = SECRET) => {
  const text = JSON.stringify(body);
  return fetch(`${url}/v1/webhooks/payments`, {
    method: "POST",
    headers: { "content-type": "application/json", ...signWebhook(secret, id, at, text) },
    body: text,
  });
};

t.test("told by webhook", async (t) => {
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
    const cancelled = await command(order.url, order.id, "cancel", { reason: "changed my mind" });
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

  t.test("a confirmed order that is cancelled gets its money back", async (t) => {
    const url = cluster.urls[0]!;
    const order = await awaiting(t, cluster);
    await order.choose("pay");
    await waitUntil(
      "cancelled before it is shipped, or completed",
      async () => {
        const { body } = await read(url, order.id);
        if (body.status === "completed" || body.status === "cancelled") return true;
        await command(url, order.id, "cancel", { reason: "x" });
        return false;
      },
      { timeoutMs: 30_000, intervalMs: 1 },
    );
    const { body } = await read(url, order.id);
    if (body.status === "completed") return;
    await order.becomes("cancelled", "refunded");
    t.strictSame(await order.booked(), ["authorize", "capture", "refund"]);
    await order.stockIs(ON_HAND);
  });

  t.test("wrong, stale and missing signatures are refused, and change nothing", async (t) => {
    const order = await awaiting(t, cluster);
    const data = { payment: order.page.split("/").at(-1), orderId: order.id, ...total };
    const paid = { type: "payment.paid", data: { ...data, authorization: "auth_forged", reason: null } };
    const stale = new Date(Date.now() - 6 * 60_000);
    const wrong = `whsec_${Buffer.from("somebody else's secret, 32 bytes").toString("base64")}`;
    const unsigned = await fetch(`${order.url}/v1/webhooks/payments`, {
      method: "POST",
      body: JSON.stringify(paid),
    });
    for (const answer of [
      await webhook(order.url, "msg_wrong", paid, new Date(), wrong),
      await webhook(order.url, "msg_stale", paid, stale),
      await webhook(order.url, "msg_early", paid, new Date(Date.now() + 6 * 60_000)),
      unsigned,
    ]) {
      t.equal(answer.status, 401);
      t.match(await answer.json(), { code: "invalid_signature" });
    }
    t.equal((await webhook(order.url, "msg_nonsense", { type: "payment.paid" })).status, 400);
    t.equal((await read(order.url, order.id)).body.status, "awaiting_payment");
  });

  t.test("repeated, contradicting and unknown messages are harmless", async (t) => {
    const order = await awaiting(t, cluster);
    const payment = order.page.split("/").at(-1);
    const data = { payment, orderId: order.id, ...total };
    const declined = {
      type: "payment.declined",
      data: { ...data, authorization: null, reason: "declined_by_customer" },
    };
    await order.choose("pay");
    await order.becomes("completed", "captured");
    for (const url of cluster.urls)
      for (const id of ["msg_again", "msg_again", `msg_other_${url.length}`])
        t.equal((await webhook(url, id, declined)).status, 200);
    const unknown = { ...data, orderId: `ord_${"0".repeat(26)}`, authorization: "auth_1", reason: null };
    t.equal((await webhook(order.url, "msg_unknown", { type: "payment.paid", data: unknown })).status, 200);
    const view = await order.becomes("completed", "captured");
    t.equal(view.status, "completed");
    t.strictSame(await order.booked(), ["authorize", "capture"]);
  });
});

t.test("found by asking, with webhooks off", async (t) => {
  const cluster = await startOrderCluster(t, {
    catalogue: false,
    webhooks: "off",
    paymentPollMs: 200,
    paymentDeadlineMs: 6000,
  });
  const left = await awaiting(t, cluster);

  t.test("a payment is found, also by the next owner", async (t) => {
    const paid = await awaiting(t, cluster);
    const killed = await awaiting(t, cluster);
    await paid.choose("pay");
    await paid.becomes("completed", "captured");
    const { body } = (await fetch(`${cluster.urls[0]!}/v1/cluster`).then(async (r) => ({
      body: await r.json(),
    }))) as {
      body: { nodes: { id: string; pid?: number }[] };
    };
    t.ok(body.nodes.length > 0);
    const last = cluster.nodes.at(-1)!;
    await last.kill();
    await killed.choose("pay");
    await waitUntil(
      "the order is completed",
      async () => {
        const answer = await read(cluster.urls[0]!, killed.id);
        return answer.status === 200 && answer.body.status === "completed";
      },
      WAIT,
    );
    await last.start();
    t.strictSame(await killed.booked(), ["authorize", "capture"]);
  });

  t.test("a customer who declines is found", async (t) => {
    const order = await awaiting(t, cluster);
    await order.choose("decline");
    await order.becomes("payment_failed", "failed");
    await order.stockIs(ON_HAND);
  });

  t.test("nobody pays until the deadline: expired, and the stock is free", async () => {
    await left.becomes("payment_expired", "expired");
    await left.stockIs(ON_HAND);
  });
});

t.test("paid in the last moment, and heard of too late: refunded", async (t) => {
  const cluster = await startOrderCluster(t, {
    nodes: 1,
    catalogue: false,
    webhooks: "off",
    paymentPollMs: 60_000,
    paymentDeadlineMs: 2000,
  });
  const order = await awaiting(t, cluster);
  await order.choose("pay");
  await order.becomes("payment_expired", "refunded");
  await order.stockIs(ON_HAND);
  t.strictSame(await order.booked(), ["authorize", "capture", "refund"]);
  await order.mailed("Payment refunded");
});
