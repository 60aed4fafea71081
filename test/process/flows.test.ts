/**
 * Orders from the customer to the door, over HTTP, on three nodes. Each test is named after the arrows of the
 * flowcharts that it walks: Order Creation up to `H`, then Fulfillment and Order Deliver. The last group has payments
 * on the gateway's page, which the gateway reports by webhook; without webhooks they are in hosted-payment.test.ts.
 */
import t from "tap";
import { auditReplies, type ReplyAudit } from "../support/audits/reply-audit.ts";
import type { PaymentMethod } from "../../src/services/orders/contract.ts";
import {
  command,
  history,
  ledger,
  mails,
  orderOf,
  place,
  putStock,
  read,
  stock,
} from "../support/clients/order-client.ts";
import {
  awaiting,
  declinedMessage,
  ON_HAND as PAGE_ON_HAND,
  paidMessage,
  paidWhileOwnerIsDead,
  postMessage,
  WAIT,
} from "../support/clients/hosted-order.ts";
import { checkHistory } from "../support/audits/order-audit.ts";
import { checkMails, checkPdf } from "../support/audits/order-documents.ts";
import { untilCompleted, untilOrder, untilPaid } from "../support/clients/order-poll.ts";
import { type OrderCluster, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const PRICE = 1000;
const ON_HAND = 100;

let cluster: OrderCluster;
let replies: ReplyAudit;
t.before(async () => {
  // The nodes poll a page only after these tests, which prove the webhooks.
  cluster = await startOrderCluster(t, { paymentPollMs: 60_000 });
  replies = auditReplies(t, cluster);
});

let tests = 0;
/** A SKU, a customer and a node for each test, which reads from another node. */
async function stage() {
  const number = tests++;
  const sku = `FLOW-${number}`;
  const url = cluster.urls[number % cluster.urls.length]!;
  await putStock(url, sku, ON_HAND);
  return {
    sku,
    url,
    elsewhere: cluster.urls[(number + 1) % cluster.urls.length]!,
    email: `customer-${number}@example.com`,
    lines: [{ sku, quantity: 2 }],
  };
}

const booked = async (id: string) =>
  (await ledger(cluster.gateway.url, id)).map(({ kind, amount, currency }) => ({ kind, amount, currency }));
const total = { amount: 2 * PRICE, currency: "EUR" };

type Journey = {
  readonly method: PaymentMethod;
  readonly creation: string;
  readonly rest: string;
  readonly paidAtLast: string;
  readonly ledger: readonly ("authorize" | "capture")[];
};

/** Order Payment, of a card that is authorized. */
const authorized = 'A1 --> E -->|"Authorized"| E1 --> E4; E1 --> E2; E1 --> H --> G --> H3';

const journeys: readonly Journey[] = [
  {
    method: "cash_on_delivery",
    creation: 'B2 --> D2 -->|"Cash on Delivery"| D1 --> D3',
    rest: 'K --> L -->|"Cash"| M --> J --> S --> S1 --> U --> P --> O; P --> N; U --> U1 -->|"Cash on Delivery"| Q --> W --> N',
    paidAtLast: "collected",
    ledger: [],
  },
  {
    method: "in_person",
    creation: 'B2 --> D2 -->|"In Person"| D1 --> D3',
    rest: 'K --> L -->|"In Person"| M --> J --> S --> S1 --> U --> P --> O; P --> N; U --> U1 -->|"In Person"| Q --> W --> N',
    paidAtLast: "collected",
    ledger: [],
  },
  {
    method: "credit_card",
    creation: `D2 -->|"Credit"| D5 -->|"Authorized"| D1 --> D3; ${authorized}`,
    rest: 'K --> L -->|"Credit Card"| V --> M --> J --> S --> S1 --> U --> P --> O; P --> N; U --> U1 -->|"Credit"| W --> N',
    paidAtLast: "captured",
    ledger: ["authorize", "capture"],
  },
  {
    method: "tokenized",
    creation: `D2 -->|"Tokenized"| D5 -->|"Authorized"| D1 --> D3; ${authorized}`,
    rest: 'K --> L -->|"Tokenized"| V --> M --> J --> S --> S1 --> U --> P --> O; P --> N; U --> U1 -->|"Tokenized"| W --> N',
    paidAtLast: "captured",
    ledger: ["authorize", "capture"],
  },
  {
    method: "debit_card",
    creation: `D2 -->|"Debit"| D5 -->|"Authorized"| D1 --> D3; ${authorized}`,
    rest: 'K --> L -->|"Debit"| M --> J --> S --> S1 --> U --> P --> O; P --> N; U --> U1 -->|"Debit"| W --> N',
    paidAtLast: "authorized",
    ledger: ["authorize"],
  },
];

/** The public events of a journey, as the flowcharts have them. */
function eventsOf({ ledger, paidAtLast }: Journey): string[] {
  return [
    "order.created",
    ...(ledger.includes("authorize") ? ["payment.authorized"] : []),
    "order.confirmed",
    ...(ledger.includes("capture") ? ["payment.captured"] : []),
    "order.ready",
    "invoice.created",
    "order.shipped",
    ...(paidAtLast === "collected" ? ["payment.collected"] : []),
    "order.completed",
  ];
}

for (const journey of journeys) {
  const { method } = journey;
  t.test(
    `A --> A1 --> B --> B2 --> H1 --> I1; ${journey.creation}; D1 --> H --> I; H --> ${journey.rest}`,
    async (t) => {
      const { sku, url, elsewhere, email, lines } = await stage();
      const placed = await place(url, orderOf({ method, email, lines }));
      const { id } = placed.body;
      t.match(placed, { status: 201, body: { status: "confirmed", lines, total, payment: { method } } });
      t.equal(placed.headers.get("location"), `/v1/orders/${id}`);
      t.equal(placed.headers.get("etag"), `"${placed.body.version}"`);

      const done = await completed(elsewhere, id);
      t.match(done, { total, payment: { method, status: journey.paidAtLast, url: null }, nextEvents: [] });
      t.equal(done.fulfillment.status, "delivered");
      t.match(done.fulfillment.trackingNumber, /^\w+$/u);
      t.strictSame(
        await booked(id),
        journey.ledger.map((kind) => ({ kind, ...total })),
        "the gateway's ledger",
      );
      t.match(await stock(url, sku), { onHand: ON_HAND - 2, reserved: 0, available: ON_HAND - 2 });
      await checkHistory(t, elsewhere, id, eventsOf(journey));
      await checkMails(t, cluster.mailbox.url, email, [
        "Order created and awaiting payment",
        "Order confirmed",
        "Order shipped",
      ]);
      await checkPdf(t, url, done);
    },
  );
}

for (const [token, what] of [
  ["tok_slow", "after two seconds"],
  ["tok_error_then_ok", "after two errors"],
  ["tok_lost_answer", "and its answer is lost"],
] as const)
  t.test(`D5 -->|"Authorized"| D1 ${what} (${token}): authorized once, captured once`, async (t) => {
    const { url, elsewhere, email, lines } = await stage();
    const from = performance.now();
    const placed = await place(url, orderOf({ token, email, lines }));
    t.match(placed, { status: 201, body: { status: "confirmed" } });
    if (token === "tok_slow") t.ok(performance.now() - from >= 2000);
    await completed(elsewhere, placed.body.id);
    t.strictSame(await booked(placed.body.id), [
      { kind: "authorize", ...total },
      { kind: "capture", ...total },
    ]);
  });

for (const { token, code, subject, arrow } of [
  {
    token: "tok_declined",
    code: "payment_failed",
    subject: "Payment failed",
    arrow: 'E -->|"Failed"| G1; D5 -->|"Not authorized"| D6',
  },
  {
    token: "tok_timeout",
    code: "payment_expired",
    subject: "Payment expired",
    arrow: 'E -->|"External timeout"| E3; D5 -->|"Expired"| D7',
  },
] as const)
  t.test(`${arrow}: 402, nothing booked, the stock is back`, async (t) => {
    const { sku, url, elsewhere, email, lines } = await stage();
    const from = performance.now();
    const refused = await place(url, orderOf({ token, email, lines }));
    t.match(refused, { status: 402, body: { code } });
    t.ok(performance.now() - from < 10_000, "within the default wait");
    const id = refused.body.orderId ?? "";
    await waitUntil("the stock is back", async () => (await stock(url, sku)).available === ON_HAND);
    t.match(await stock(url, sku), { onHand: ON_HAND, reserved: 0 });
    const paid = code.slice("payment_".length);
    const view = await untilOrder(elsewhere, id, `left with a payment that is ${paid}`, ({ payment }) => {
      return payment.status === paid;
    });
    t.match(view, { status: code, total, nextEvents: [], fulfillment: { status: "none" }, invoice: null });
    t.strictSame(await booked(id), []);
    const events = (await history(elsewhere, id)).flatMap((item) => item.events);
    t.strictSame(events, ["order.created", code.replace("_", "."), `order.${code}`]);
    await checkMails(t, cluster.mailbox.url, email, ["Order created and awaiting payment", subject]);
  });

t.test('B -->|"Out of Stock"| C: 409 names every missing line, and nothing is reserved', async (t) => {
  const { sku, url, elsewhere, email } = await stage();
  await putStock(url, "SCARCE", 3);
  const lines = [
    { sku, quantity: 1 },
    { sku: "SCARCE", quantity: 4 },
    { sku: "LIMITED-1", quantity: 11 },
  ];
  const refused = await place(url, orderOf({ email, lines }));
  t.match(refused, { status: 409, body: { code: "out_of_stock" } });
  t.strictSame(refused.body.missing, [
    { sku: "SCARCE", requested: 4, available: 3 },
    { sku: "LIMITED-1", requested: 11, available: 10 },
  ]);
  const id = refused.body.orderId ?? "";
  t.match(await read(elsewhere, id), { status: 200, body: { status: "rejected", reason: "out_of_stock" } });
  for (const [one, onHand] of [
    [sku, ON_HAND],
    ["SCARCE", 3],
    ["LIMITED-1", 10],
  ] as const)
    t.match(await stock(elsewhere, one), { onHand, reserved: 0, available: onHand });
  t.strictSame(await booked(id), []);
  const events = (await history(elsewhere, id)).flatMap((item) => item.events);
  t.strictSame(events, ["order.rejected"]);
  await checkMails(t, cluster.mailbox.url, email, []);
});

t.test("V fails twice: the order is held, tried again, and goes on V --> M", async (t) => {
  const { url, elsewhere, email, lines } = await stage();
  const placed = await place(url, orderOf({ token: "tok_capture_refused_twice", email, lines }));
  t.equal(placed.status, 201);
  const { id } = placed.body;
  await untilPaid(elsewhere, id, "confirmed", "capture_failed");
  t.match(
    await command(elsewhere, id, "retry"),
    { status: 200 },
    "an operator retries before the timer does",
  );
  await completed(elsewhere, id);
  const nothingFailed = { status: 409, body: { code: "illegal_transition", allowedEvents: [] } };
  t.match(await command(url, id, "retry"), nothingFailed);
  const events = (await history(elsewhere, id)).flatMap((item) => item.events);
  t.equal(events.filter((event) => event === "payment.capture_failed").length, 2);
  t.strictSame(
    (await booked(id)).map(({ kind }) => kind),
    ["authorize", "capture"],
  );
});

t.test("O, I and I1 send every mail once, also in the end", async (t) => {
  const seen = (await mails(cluster.mailbox.url)).map(({ to, subject }) => `${subject} to ${to}`);
  t.strictSame(seen.toSorted(), [...new Set(seen)].toSorted());
});

t.test("orders placed on any node are completed, and every node shows them", async (t) => {
  for (const [index, url] of cluster.urls.entries()) {
    const method = index === 0 ? "cash_on_delivery" : "credit_card";
    const placed = await place(url, orderOf({ method, lines: [{ sku: "TSHIRT-M", quantity: 2 }] }));
    t.match(placed, { status: 201, body: { status: "confirmed" } });
    for (const other of cluster.urls) await completed(other, placed.body.id);
  }
});

t.test("the gateway reports a payment on its page by webhook", async (t) => {
  t.test(
    'D2 -->|"Asynchronous payment"| E1: a customer who pays there has the order completed',
    async (t) => {
      const order = await awaiting(t, cluster);
      t.match(await (await fetch(order.page)).text(), /Pay for your order[^]*20\.00[^]*Decline/u);
      t.match(await (await order.choose("pay")).text(), /Payment complete/u);
      const view = await order.becomes("completed", "captured");
      t.equal(view.payment.url, null);
      t.strictSame(await order.booked(), ["authorize", "capture"]);
      t.equal((await order.choose("decline")).status, 409, "a page accepts one decision");
      for (const subject of ["Order created and awaiting payment", "Order confirmed", "Order shipped"])
        await order.mailed(subject);
    },
  );

  t.test("a customer who declines ends the order, and the stock is free", async (t) => {
    const order = await awaiting(t, cluster);
    await order.choose("decline");
    await order.becomes("payment_failed", "failed");
    await order.stockIs(PAGE_ON_HAND);
    await order.mailed("Payment failed");
    t.strictSame(await order.booked(), []);
  });

  t.test("a repeated key gets the same page, and the same order when the page is paid", async (t) => {
    const url = cluster.urls[0]!;
    await putStock(url, "PAGE-KEY", PAGE_ON_HAND);
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
    await untilOrder(url, first.body.id, "paid", ({ payment }) => payment.status === "captured", WAIT);
    const third = await place(cluster.urls[2]!, order, { "idempotency-key": "hosted-1" });
    t.same([third.status, third.body.id], [201, first.body.id]);
  });

  t.test("a payment that comes after the cancellation of its order is refunded", async (t) => {
    const order = await awaiting(t, cluster);
    const cancelled = await command(order.url(), order.id, "cancel", { reason: "changed my mind" });
    t.match(cancelled, { status: 200, body: { status: "cancelled", payment: { url: null } } });
    await order.becomes("cancelled", "voided");
    await order.stockIs(PAGE_ON_HAND);
    t.match(await (await fetch(order.page)).text(), /This payment is closed[^]*Pay anyway/u);
    t.equal((await order.choose("pay")).status, 409);
    t.strictSame(await order.booked(), []);
    t.equal((await order.choose("pay_late")).status, 200);
    await order.becomes("cancelled", "refunded");
    t.strictSame(await order.booked(), ["authorize", "capture", "refund"]);
    await order.mailed("Order cancelled");
    await order.mailed("Payment refunded");
  });

  t.test("messages with wrong, stale and missing signatures are refused, and change nothing", async (t) => {
    const order = await awaiting(t, cluster);
    const before = await order.historyAtRest();
    const paid = paidMessage(order, "auth_forged");
    const stale = new Date(Date.now() - 6 * 60_000);
    const early = new Date(Date.now() + 6 * 60_000);
    const secret = `whsec_${Buffer.from("a secret of another sender, 32 B").toString("base64")}`;
    const unsigned = await fetch(`${order.url()}/v1/webhooks/payments`, {
      method: "POST",
      body: JSON.stringify(paid),
    });
    for (const answer of [
      await postMessage(order.url(), "msg_wrong", paid, { secret }),
      await postMessage(order.url(), "msg_stale", paid, { at: stale }),
      await postMessage(order.url(), "msg_early", paid, { at: early }),
      unsigned,
    ]) {
      t.equal(answer.status, 401);
      t.match(await answer.json(), { code: "invalid_signature" });
    }
    t.equal((await postMessage(order.url(), "msg_nonsense", { type: "payment.paid" })).status, 400);
    t.strictSame(await order.history(), before);
    t.equal((await read(order.url(), order.id)).body.status, "awaiting_payment");
  });

  t.test("contradicting and unknown messages change nothing", async (t) => {
    const order = await awaiting(t, cluster);
    await order.choose("pay");
    await order.becomes("completed", "captured");
    const events = (await order.historyAtRest()).flatMap((item) => item.events);
    for (const url of cluster.urls)
      for (const id of ["msg_again", "msg_again", `msg_other_${url.length}`])
        t.equal((await postMessage(url, id, declinedMessage(order))).status, 200);
    const unknown = paidMessage({ ...order, id: `ord_${"0".repeat(26)}` }, "auth_1");
    t.equal((await postMessage(order.url(), "msg_unknown", unknown)).status, 200);
    await order.becomes("completed", "captured");
    t.strictSame(
      (await order.history()).flatMap((item) => item.events),
      events,
    );
    t.strictSame(await order.booked(), ["authorize", "capture"]);
  });

  t.test("the next owner gets the message of a payment that was made while the owner was dead", async (t) => {
    t.match(await paidWhileOwnerIsDead(t, cluster), /gateway\.paid/u);
  });
});

t.test("every state that a caller got was stored", async (t) => {
  await replies.check(t);
});

const completed = (url: string, id: string) => untilCompleted(url, id, { intervalMs: 50 });
