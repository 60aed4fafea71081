/**
 * The gateway's messages about payments on its page, when they come late, more than once, or in another order than the
 * events. The gateway is real, and so are its signed messages: the test holds them and hands them on.
 */
import t from "tap";
import type { HistoryItem } from "../../src/services/orders/contract.ts";
import { callBack } from "../support/clients/carrier-client.ts";
import { type HeldPages, holdPages } from "../support/faults/held-pages.ts";
import { type HeldWebhooks, holdWebhooks } from "../support/faults/held-webhooks.ts";
import {
  arrivals,
  awaiting,
  declinedMessage,
  type HostedOrder,
  ON_HAND,
  postMessage,
  TOTAL,
} from "../support/clients/hosted-order.ts";
import {
  clusterView,
  history,
  ledger,
  orderOf,
  place,
  putStock,
  read,
} from "../support/clients/order-client.ts";
import { type OrderCluster, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { checkMails } from "../support/audits/order-documents.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Long enough for a customer of these tests on a slow machine. */
const DEADLINE_MS = 15_000;
const CREATED = "Order created and awaiting payment";

let held: HeldWebhooks;
let pages: HeldPages;
let cluster: OrderCluster;
/** Not paid in time. */
let left: HostedOrder;
/** Paid in time, and the message about it comes too late. */
let unreported: HostedOrder;
/** Orders that got a message after their end, and their state before it. */
const ended: { order: HostedOrder; history: readonly HistoryItem[]; booked: readonly string[] }[] = [];
t.before(async () => {
  held = await holdWebhooks(t);
  pages = await holdPages(t);
  cluster = await startOrderCluster(t, {
    catalogue: false,
    // No node polls before the deadline.
    paymentPollMs: 60_000,
    paymentDeadlineMs: DEADLINE_MS,
    gatewayEnv: { ORDERLY_WEBHOOK_URL: held.url },
    // The test may hold the answer about a page that long.
    env: { ORDERLY_GATEWAY_URL: pages.url, ORDERLY_GATEWAY_TIMEOUT_MS: "9500" },
  });
  pages.leadTo(cluster.gateway.url);
});

/** Twice to each of the three nodes, all at once. */
async function toEveryNodeTwice(message: { handTo(url: string): Promise<number> }): Promise<number[]> {
  return Promise.all([...cluster.urls, ...cluster.urls].map((url) => message.handTo(url)));
}
const accepted = [200, 200, 200, 200, 200, 200];

const eventsOf = async (order: HostedOrder): Promise<string[]> =>
  (await order.history()).flatMap((item) => item.events);

t.test("one customer pays in time, and one does not", async (t) => {
  left = await awaiting(t, cluster);
  unreported = await awaiting(t, cluster);
  t.equal((await unreported.choose("pay")).status, 200, "in time");
});

t.test("a message that comes twice to each of three nodes at once changes the order once", async (t) => {
  const order = await awaiting(t, cluster);
  await order.choose("pay");
  const paid = await held.about(order.id, "payment.paid");
  t.strictSame(await toEveryNodeTwice(paid), accepted);
  await order.becomes("completed", "captured");
  const before = await order.historyAtRest();
  t.equal(await arrivals(order, "captured"), 1);
  for (const event of ["payment.authorized", "payment.captured", "order.confirmed", "order.completed"])
    t.equal(before.filter(({ events }) => events.includes(event)).length, 1, event);
  await checkMails(t, cluster.mailbox.url, order.email, [CREATED, "Order confirmed", "Order shipped"]);

  t.strictSame(
    await toEveryNodeTwice(paid),
    accepted,
    "the nodes accept the message again, long after the end",
  );
  t.equal((await postMessage(order.url(), "msg_under_another_id", declinedMessage(order))).status, 200);
  ended.push({ order, history: before, booked: ["authorize", "capture"] });
});

t.test("a carrier's message with the id of the gateway's does not swallow it", async (t) => {
  const order = await awaiting(t, cluster);
  await order.choose("pay");
  const id = `msg_${order.payment}_paid`;
  const parcel = { trackingNumber: "T1", orderId: order.id, collected: null };
  for (const url of cluster.urls) t.equal((await callBack(url, id, parcel)).status, 200);
  t.equal(await (await held.about(order.id, "payment.paid")).handTo(order.url()), 200);
  await order.becomes("completed", "captured");
});

t.test("a repeat with another body is accepted and not applied, and counted", async (t) => {
  const order = await awaiting(t, cluster);
  const [first = "", second = ""] = cluster.urls;
  t.equal((await postMessage(first, "msg_twice", declinedMessage(order))).status, 200);
  await order.becomes("payment_failed", "failed");
  const other = { ...declinedMessage(order), data: { ...declinedMessage(order).data, amount: 1 } };
  t.equal((await postMessage(second, "msg_twice", other)).status, 200);
  const metrics = await (await fetch(`${second}/metrics`)).text();
  t.match(metrics, /^orderly_webhooks_other_body_total\{node="[^"]+",sender="payments"\} 1$/mu);
});

t.test("a payment of an order that does not exist is found by an operator, at every node", async (t) => {
  const [first = "", second = "", third = ""] = cluster.urls;
  const data = { payment: "pay_x", ...TOTAL, authorization: "auth_x", reason: null };
  const money = { type: "payment.paid", data: { ...data, orderId: "ord_nobody_knows" } };
  for (const url of [first, second]) t.equal((await postMessage(url, "msg_money", money)).status, 200);
  t.equal((await postMessage(first, "msg_type", { type: "payout.sent" })).status, 200);
  const wrong = { secret: "whsec_YW5vdGhlciBzZWNyZXQgdGhhbiB0aGUgZ2F0ZXdheSdz" };
  t.equal((await postMessage(first, "msg_forged", money, wrong)).status, 401);
  const answer = await fetch(`${third}/v1/webhooks/unmatched`);
  const { items } = (await answer.json()) as { items: unknown[] };
  t.match(items, [
    { sender: "payments", id: "msg_money", orderId: "ord_nobody_knows", reason: "unknown_order" },
    { sender: "payments", id: "msg_type", type: "payout.sent", orderId: null, reason: "unknown_type" },
  ]);
  t.equal(items.length, 2);
  t.match(
    await (await fetch(`${first}/metrics`)).text(),
    /^orderly_webhooks_unmatched_total\{node="[^"]+",sender="payments",reason="unknown_order"\} 1$/mu,
  );
});

t.test("a payment that comes after a decline is refunded", async (t) => {
  const order = await awaiting(t, cluster);
  await order.choose("pay");
  const paid = await held.about(order.id, "payment.paid");
  t.equal((await postMessage(order.url(), "msg_first_try", declinedMessage(order))).status, 200);
  await order.becomes("payment_failed", "failed");
  await order.stockIs(ON_HAND);
  t.strictSame(await toEveryNodeTwice(paid), accepted);
  await order.becomes("payment_failed", "refunded");
  t.strictSame(await order.booked(), ["authorize", "capture", "refund"]);
  t.notOk((await eventsOf(order)).includes("order.confirmed"));
  await order.stockIs(ON_HAND);
  await checkMails(t, cluster.mailbox.url, order.email, [CREATED, "Payment failed", "Payment refunded"]);
});

t.test("an order that is paid goes on when a message says that it was declined", async (t) => {
  const order = await awaiting(t, cluster);
  await order.choose("pay");
  const paid = await held.about(order.id, "payment.paid");
  t.equal(await paid.handTo(order.url()), 200);
  t.equal((await postMessage(order.url(), "msg_late_no", declinedMessage(order))).status, 200);
  await order.becomes("completed", "captured");
  t.strictSame(await order.booked(), ["authorize", "capture"]);
});

t.test(
  "an order that is paid before the shop knows its page is polled once the shop knows it, and goes on",
  async (t) => {
    const url = cluster.urls[0]!;
    await putStock(url, "PAGE-EARLY", ON_HAND);
    pages.hold();
    const order = orderOf({ method: "async", lines: [{ sku: "PAGE-EARLY", quantity: 2 }] });
    const { status, body } = await place(url, order, { prefer: "respond-async" });
    t.equal(status, 202);
    const page = await pages.of(body.id);
    t.equal(
      (await fetch(page, { method: "POST", body: new URLSearchParams({ action: "pay" }) })).status,
      200,
    );
    const paid = await held.about(body.id, "payment.paid");
    t.strictSame(await toEveryNodeTwice(paid), accepted);
    const items = () => history(url, body.id);
    await waitUntil("the order has the message", async () =>
      (await items()).some(({ input }) => input === "inbox:gateway.paid"),
    );
    t.match((await read(url, body.id)).body, { status: "awaiting_payment", payment: { url: null } });
    pages.release();
    await waitUntil("it is completed", async () => (await read(url, body.id)).body.status === "completed");
    const captured = (await items()).filter(({ events }) => events.includes("payment.captured"));
    t.strictSame(
      captured.map(({ input }) => input),
      ["effect:payment.checkPayment"],
    );
    t.strictSame(
      (await ledger(cluster.gateway.url, body.id)).map(({ kind }) => kind),
      ["authorize", "capture"],
    );
  },
);

t.test("an order that is declined ends once when the same message is repeated", async (t) => {
  const order = await awaiting(t, cluster);
  await order.choose("decline");
  const declined = await held.about(order.id, "payment.declined");
  t.strictSame(await toEveryNodeTwice(declined), accepted);
  await order.becomes("payment_failed", "failed");
  await order.stockIs(ON_HAND);
  const history = await order.historyAtRest();
  t.equal(history.filter(({ events }) => events.includes("payment.failed")).length, 1);
  t.strictSame(await toEveryNodeTwice(declined), accepted);
  ended.push({ order, history, booked: [] });
});

t.test("a payment that is reported after the deadline is refunded once", async (t) => {
  await unreported.becomes("payment_expired", "refunded");
  await unreported.stockIs(ON_HAND);
  t.equal(await arrivals(unreported, "refunded"), 1);
  const history = await unreported.historyAtRest();
  const paid = await held.about(unreported.id, "payment.paid");
  t.strictSame(await toEveryNodeTwice(paid), accepted, "the late message is accepted");
  ended.push({ order: unreported, history, booked: ["authorize", "capture", "refund"] });
  await checkMails(t, cluster.mailbox.url, unreported.email, [
    CREATED,
    "Payment expired",
    "Payment refunded",
  ]);
});

t.test(
  "an order that is not paid in time expires and frees its stock, and a later payment is refunded and mailed",
  async (t) => {
    await left.becomes("payment_expired", "expired");
    await left.stockIs(ON_HAND);
    t.strictSame(await left.booked(), []);
    t.match(await (await fetch(left.page)).text(), /This payment is closed[^]*Pay anyway/u);
    t.equal((await left.choose("pay")).status, 409, "the closed page takes no ordinary payment");
    t.equal((await left.choose("pay_late")).status, 200);
    const paid = await held.about(left.id, "payment.paid");
    t.strictSame(await toEveryNodeTwice(paid), accepted);
    await left.becomes("payment_expired", "refunded");
    t.equal(await arrivals(left, "refunded"), 1);
    t.strictSame(await left.booked(), ["authorize", "capture", "refund"]);
    await left.stockIs(ON_HAND);
    await checkMails(t, cluster.mailbox.url, left.email, [CREATED, "Payment expired", "Payment refunded"]);
  },
);

t.test("messages after the end of an order have changed nothing", async (t) => {
  // A node publishes its lag twice a second; the last of these messages is older.
  await waitUntil("every message is evaluated", async () =>
    (await clusterView(cluster.urls[0]!)).partitions.every(({ lag }) => lag === 0),
  );
  t.equal(ended.length, 3);
  for (const { order, history, booked } of ended) {
    t.strictSame(await order.history(), history);
    t.strictSame(await order.booked(), booked);
  }
});
