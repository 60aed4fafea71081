/**
 * What the gateway tells of payments on its page, when it comes late, more than once, or in another order than it
 * happened. The gateway is real, and so are its signed messages: they are held, and handed on by the test.
 */
import t from "tap";
import type { HistoryItem } from "../../src/services/orders/contract.ts";
import { holdPages } from "../support/faults/held-pages.ts";
import type { HeldPages } from "../support/faults/held-pages.ts";
import { holdWebhooks } from "../support/faults/held-webhooks.ts";
import type { HeldWebhooks } from "../support/faults/held-webhooks.ts";
import { arrivals, awaiting, declinedMessage, ON_HAND, tell } from "../support/clients/hosted-order.ts";
import type { HostedOrder } from "../support/clients/hosted-order.ts";
import {
  clusterView,
  history,
  ledger,
  orderOf,
  place,
  putStock,
  read,
} from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import type { OrderCluster } from "../support/cluster/order-cluster.ts";
import { checkMails } from "../support/audits/order-documents.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Long enough for a customer of these tests on a slow machine. */
const DEADLINE_MS = 15_000;
const CREATED = "Order created and awaiting payment";

let held: HeldWebhooks;
let pages: HeldPages;
let cluster: OrderCluster;
/** Nobody pays it in time. */
let left: HostedOrder;
/** Paid in time, and nobody says so in time. */
let unheard: HostedOrder;
/** Orders that were told something after their end, and what they were then. */
const ended: { order: HostedOrder; history: readonly HistoryItem[]; booked: readonly string[] }[] = [];
t.before(async () => {
  held = await holdWebhooks(t);
  pages = await holdPages(t);
  cluster = await startOrderCluster(t, {
    catalogue: false,
    // Nobody asks before the deadline.
    paymentPollMs: 60_000,
    paymentDeadlineMs: DEADLINE_MS,
    gatewayEnv: { ORDERLY_WEBHOOK_URL: held.url },
    // A page's answer may be held that long.
    env: { ORDERLY_GATEWAY_URL: pages.url, ORDERLY_GATEWAY_TIMEOUT_MS: "9500" },
  });
  pages.leadTo(cluster.gateway.url);
});

/** Twice to each of the three nodes, all at once. */
async function toEveryoneTwice(message: { handTo(url: string): Promise<number> }): Promise<number[]> {
  return Promise.all([...cluster.urls, ...cluster.urls].map((url) => message.handTo(url)));
}
const taken = [200, 200, 200, 200, 200, 200];

const eventsOf = async (order: HostedOrder): Promise<string[]> =>
  (await order.history()).flatMap((item) => item.events);

t.test("two customers take their time", async (t) => {
  left = await awaiting(t, cluster);
  unheard = await awaiting(t, cluster);
  t.equal((await unheard.choose("pay")).status, 200, "in time");
});

t.test("a message that comes twice to each of three nodes at once changes the order once", async (t) => {
  const order = await awaiting(t, cluster);
  await order.choose("pay");
  const paid = await held.about(order.id, "payment.paid");
  t.strictSame(await toEveryoneTwice(paid), taken);
  await order.becomes("completed", "captured");
  const before = await order.historyAtRest();
  t.equal(await arrivals(order, "captured"), 1);
  for (const event of ["payment.authorized", "payment.captured", "order.confirmed", "order.completed"])
    t.equal(before.filter(({ events }) => events.includes(event)).length, 1, event);
  await checkMails(t, cluster.mailbox.url, order.email, [CREATED, "Order confirmed", "Order shipped"]);

  t.strictSame(await toEveryoneTwice(paid), taken, "and again, long after it is over");
  t.equal((await tell(order.url(), "msg_under_another_id", declinedMessage(order))).status, 200);
  ended.push({ order, history: before, booked: ["authorize", "capture"] });
});

t.test("declined, and then paid after all: the money is given back", async (t) => {
  const order = await awaiting(t, cluster);
  await order.choose("pay");
  const paid = await held.about(order.id, "payment.paid");
  t.equal((await tell(order.url(), "msg_first_try", declinedMessage(order))).status, 200);
  await order.becomes("payment_failed", "failed");
  await order.stockIs(ON_HAND);
  t.strictSame(await toEveryoneTwice(paid), taken);
  await order.becomes("payment_failed", "refunded");
  t.strictSame(await order.booked(), ["authorize", "capture", "refund"]);
  t.notOk((await eventsOf(order)).includes("order.confirmed"));
  await order.stockIs(ON_HAND);
  await checkMails(t, cluster.mailbox.url, order.email, [CREATED, "Payment refunded"]);
});

t.test("paid, and then said to be declined: the order goes on", async (t) => {
  const order = await awaiting(t, cluster);
  await order.choose("pay");
  const paid = await held.about(order.id, "payment.paid");
  t.equal(await paid.handTo(order.url()), 200);
  t.equal((await tell(order.url(), "msg_late_no", declinedMessage(order))).status, 200);
  await order.becomes("completed", "captured");
  t.strictSame(await order.booked(), ["authorize", "capture"]);
});

t.test("paid before the shop knows its own page: it asks as soon as it does, and goes on", async (t) => {
  const url = cluster.urls[0]!;
  await putStock(url, "PAGE-EARLY", ON_HAND);
  pages.hold();
  const order = orderOf({ method: "async", lines: [{ sku: "PAGE-EARLY", quantity: 2 }] });
  const { status, body } = await place(url, order, { prefer: "respond-async" });
  t.equal(status, 202);
  const page = await pages.of(body.id);
  t.equal((await fetch(page, { method: "POST", body: new URLSearchParams({ action: "pay" }) })).status, 200);
  const paid = await held.about(body.id, "payment.paid");
  t.strictSame(await toEveryoneTwice(paid), taken);
  const items = () => history(url, body.id);
  await waitUntil("it is heard", async () =>
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
});

t.test("declined, and then said to be declined again, by its own name: one end", async (t) => {
  const order = await awaiting(t, cluster);
  await order.choose("decline");
  const declined = await held.about(order.id, "payment.declined");
  t.strictSame(await toEveryoneTwice(declined), taken);
  await order.becomes("payment_failed", "failed");
  await order.stockIs(ON_HAND);
  const history = await order.historyAtRest();
  t.equal(history.filter(({ events }) => events.includes("payment.failed")).length, 1);
  t.strictSame(await toEveryoneTwice(declined), taken);
  ended.push({ order, history, booked: [] });
});

t.test("paid in time, and nobody says so before the deadline: refunded, once", async (t) => {
  await unheard.becomes("payment_expired", "refunded");
  await unheard.stockIs(ON_HAND);
  t.equal(await arrivals(unheard, "refunded"), 1);
  const history = await unheard.historyAtRest();
  const paid = await held.about(unheard.id, "payment.paid");
  t.strictSame(await toEveryoneTwice(paid), taken, "said now");
  ended.push({ order: unheard, history, booked: ["authorize", "capture", "refund"] });
  await checkMails(t, cluster.mailbox.url, unheard.email, [CREATED, "Payment refunded"]);
});

t.test("not paid in time: expired and the stock free; paid later anyway: refunded, and told", async (t) => {
  await left.becomes("payment_expired", "expired");
  await left.stockIs(ON_HAND);
  t.strictSame(await left.booked(), []);
  t.match(await (await fetch(left.page)).text(), /This payment is closed[^]*Pay anyway/u);
  t.equal((await left.choose("pay")).status, 409, "the page takes no money in the normal way");
  t.equal((await left.choose("pay_late")).status, 200);
  const paid = await held.about(left.id, "payment.paid");
  t.strictSame(await toEveryoneTwice(paid), taken);
  await left.becomes("payment_expired", "refunded");
  t.equal(await arrivals(left, "refunded"), 1);
  t.strictSame(await left.booked(), ["authorize", "capture", "refund"]);
  await left.stockIs(ON_HAND);
  await checkMails(t, cluster.mailbox.url, left.email, [CREATED, "Payment refunded"]);
});

t.test("what was told after the end has changed nothing", async (t) => {
  // How much is not evaluated yet is told twice a second; the last of these messages is older.
  await waitUntil("every message is evaluated", async () =>
    (await clusterView(cluster.urls[0]!)).partitions.every(({ lag }) => lag === 0),
  );
  t.equal(ended.length, 3);
  for (const { order, history, booked } of ended) {
    t.strictSame(await order.history(), history);
    t.strictSame(await order.booked(), booked);
  }
});
