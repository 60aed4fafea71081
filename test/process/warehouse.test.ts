/**
 * Orders whose steps a warehouse drives, and their cancellation, over HTTP on three nodes. Each command goes to the
 * next node. An order is cancelled in every state in which that is legal, for every payment method, and stock,
 * bookings, mails and events are checked. In every other state the command is refused, and the answer names the
 * commands that are possible. Two states are not here: an order leaves `delivered` in the commit that enters it, and
 * `reserving` when the inventory answers. test/unit/machines/order.test.ts has both.
 */
import t, { type Test } from "tap";
import { auditReplies, type ReplyAudit } from "../support/audits/reply-audit.ts";
import { command, stock } from "../support/clients/order-client.ts";
import { checkMails, checkPdf } from "../support/audits/order-documents.ts";
import { untilOrder } from "../support/clients/order-poll.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import {
  ON_HAND,
  openWarehouse,
  type Placed,
  type Step,
  TOTAL,
  type Warehouse,
} from "../support/clients/warehouse.ts";
import { untilSettled } from "../support/load/partition-share.ts";

let house: Warehouse;
let replies: ReplyAudit;
t.before(async () => {
  house = openWarehouse(await startOrderCluster(t, { fulfillment: "manual", catalogue: false }));
  replies = auditReplies(t, house.cluster);
});

/** What an operator may report about a parcel in transit. */
const REPORTS = ["report-refused", "report-unclaimed", "report-lost", "receive"];

t.test(
  'H --> K --> L -->|"Cash"| M --> J --> S --> S1 --> U --> U1 -->|"Cash on Delivery"| Q --> W --> N, step by step',
  async (t) => {
    const { id, sku, email } = await house.confirmed(t, "cash_on_delivery");
    await house.refusesAllBut(t, id, ["cancel", "pick"]);
    const early = await fetch(`${house.nextUrl()}/v1/orders/${id}/invoice`);
    t.match([early.status, await early.json()], [404, { code: "invoice_not_ready" }]);

    t.match(await house.ask(id, "pick"), { status: 200, body: { fulfillment: { status: "picked" } } });
    await house.refusesAllBut(t, id, ["cancel", "quality-check"]);
    const failed = await house.ask(id, "quality-check", { passed: false });
    t.match(
      failed,
      { status: 200, body: { fulfillment: { status: "stored" } } },
      "the order is stored again",
    );
    await house.refusesAllBut(t, id, ["cancel", "pick"]);
    t.match(await house.ask(id, "pick", {}), { status: 200, body: { fulfillment: { status: "picked" } } });
    const passed = await house.ask(id, "quality-check", { passed: true });
    t.match(passed, { status: 200, body: { fulfillment: { status: "quality_checked" } } });
    await house.refusesAllBut(t, id, ["cancel", "pack"]);
    t.equal((await house.ask(id, "pack")).status, 200);

    const ready = await house.shippable(id);
    t.match(ready, { status: "ready", fulfillment: { status: "ready", trackingNumber: /^\w+$/u } });
    await checkPdf(t, house.nextUrl(), ready);
    await house.refusesAllBut(t, id, ["cancel", "ship"]);

    t.match(await house.ask(id, "ship"), {
      status: 200,
      body: { status: "shipped", payment: { status: "none" } },
    });
    t.match(await stock(house.nextUrl(), sku), { onHand: ON_HAND - 2, reserved: 0 });
    await house.refusesAllBut(t, id, ["deliver", ...REPORTS]);
    for (const collected of [{ ...TOTAL, amount: 1999 }, { ...TOTAL, currency: "USD" }, undefined]) {
      const wrong = await house.ask(id, "deliver", collected && { collected });
      t.match(wrong, { status: 422, body: { code: "amount_mismatch", expected: TOTAL } });
    }
    const delivered = await house.ask(id, "deliver", { collected: TOTAL });
    t.match(delivered, { status: 200, body: { status: "completed", payment: { status: "collected" } } });
    await house.refusesAllBut(t, id, []);

    t.strictSame(await house.booked(id), []);
    t.strictSame(await house.events(id), [
      "order.created",
      "order.confirmed",
      "fulfillment.quality_failed",
      "order.ready",
      "invoice.created",
      "order.shipped",
      "payment.collected",
      "order.completed",
    ]);
    const subjects = ["Order created and awaiting payment", "Order confirmed", "Order shipped"];
    await checkMails(t, house.cluster.mailbox.url, email, subjects);
  },
);

t.test(
  'L -->|"Credit Card"| V --> M: captured when packed; U1 -->|"Credit"| W: nothing to collect',
  async (t) => {
    const { id } = await house.confirmed(t, "credit_card");
    t.strictSame(await house.booked(id), ["authorize"]);
    await house.packed(id);
    const ready = await house.shippable(id);
    t.equal(ready.payment.status, "captured");
    t.strictSame(await house.booked(id), ["authorize", "capture"]);
    t.match(await house.ask(id, "ship"), { status: 200, body: { status: "shipped" } });
    t.match(await house.ask(id, "deliver", { collected: TOTAL }), {
      status: 422,
      body: { code: "amount_mismatch" },
    });
    t.match(await house.ask(id, "deliver"), {
      status: 200,
      body: { status: "completed", payment: { status: "captured" } },
    });
  },
);

t.test("an order that does not exist takes no command", async (t) => {
  for (const step of ["cancel", "pick", "ship"] as const)
    t.match(await house.ask("ord_unknown", step), { status: 404, body: { code: "order_not_found" } });
});

/** How the money goes back: the payment's last status, its event, and the entries of the gateway's ledger. */
type GivenBack = { readonly paid: string; readonly event?: string; readonly booked: readonly string[] };

const nothing: GivenBack = { paid: "none", booked: [] };
const unused: GivenBack = { paid: "voided", booked: [] };
const voided: GivenBack = { paid: "voided", event: "payment.voided", booked: ["authorize", "void"] };
const settled: GivenBack = { paid: "refunded", event: "payment.refunded", booked: ["authorize", "refund"] };
const refunded: GivenBack = { ...settled, booked: ["authorize", "capture", "refund"] };

const CREATED = "Order created and awaiting payment";

/** Cancels the order. Stock and money go back once, the customer gets one mail, and no more command is possible. */
async function cancel(t: Test, { id, sku, email }: Placed, back: GivenBack, wasConfirmed: boolean) {
  const reason = "changed my mind";
  t.match(await house.ask(id, "cancel", { reason }), {
    status: 200,
    body: { id, status: "cancelled", reason, fulfillment: { status: "cancelled" }, nextEvents: [] },
  });
  await house.view(
    id,
    `left with a payment that is ${back.paid}`,
    ({ payment }) => payment.status === back.paid,
  );
  await house.view(id, "without a call under way", ({ nextEvents }) => nextEvents.length === 0);
  await house.stockIsBack(sku);
  t.strictSame(await house.booked(id), back.booked);
  await house.refusesAllBut(t, id, [], "cancelled");
  const events = await house.events(id);
  for (const event of ["order.cancelled", ...(back.event === undefined ? [] : [back.event])])
    t.equal(events.filter((one) => one === event).length, 1, event);
  await checkMails(t, house.cluster.mailbox.url, email, [
    CREATED,
    ...(wasConfirmed ? ["Order confirmed"] : []),
    "Order cancelled",
    ...(back.paid === "refunded" ? ["Payment refunded"] : []),
  ]);
}

const toPicked: readonly (readonly [Step, object?])[] = [["pick"]];
const toChecked = [...toPicked, ["quality-check", { passed: true }]] as const;
const toPacked = [...toChecked, ["pack"]] as const;
const backToStored = [...toPicked, ["quality-check", { passed: false }]] as const;

/** The warehouse's steps, the order after them, and how each payment method gives the money back. */
const confirmed = [
  {
    when: "is stored",
    steps: [],
    shows: { status: "confirmed", fulfillment: { status: "stored" }, nextEvents: ["cancel", "pick"] },
    methods: {
      cash_on_delivery: nothing,
      in_person: nothing,
      credit_card: voided,
      tokenized: voided,
      debit_card: settled,
      async: refunded,
    },
  },
  {
    when: "is picked",
    steps: toPicked,
    shows: { status: "confirmed", fulfillment: { status: "picked" } },
    methods: { cash_on_delivery: nothing, credit_card: voided, debit_card: settled },
  },
  {
    when: "has failed its quality check",
    steps: backToStored,
    shows: { status: "confirmed", fulfillment: { status: "stored" } },
    methods: { credit_card: voided },
  },
  {
    when: "is quality-checked",
    steps: toChecked,
    shows: { status: "confirmed", fulfillment: { status: "quality_checked" } },
    methods: { in_person: nothing, tokenized: voided, async: refunded },
  },
  {
    when: "is ready",
    steps: toPacked,
    shows: { status: "ready", fulfillment: { status: "ready" } },
    methods: {
      cash_on_delivery: nothing,
      in_person: nothing,
      credit_card: refunded,
      tokenized: refunded,
      debit_card: settled,
      async: refunded,
    },
  },
] as const;

for (const { when, steps, shows, methods } of confirmed)
  t.test(`an order that ${when} is cancelled: stock and money go back, once`, async (t) => {
    for (const [method, back] of Object.entries(methods) as [keyof typeof methods, GivenBack][])
      await t.test(method, async (t) => {
        const order = await house.confirmed(t, method);
        for (const [step, body] of steps) t.equal((await house.ask(order.id, step, body)).status, 200, step);
        if (steps === toPacked) await house.shippable(order.id);
        t.match(await house.view(order.id, "readable", () => true), shows);
        await cancel(t, order, back, true);
      });
  });

t.test("an order whose capture has failed is cancelled: stock and money go back, once", async (t) => {
  for (const method of ["credit_card", "tokenized"] as const)
    await t.test(method, async (t) => {
      const order = await house.confirmed(t, method, "tok_capture_refused_twice");
      await house.packed(order.id);
      t.match(await house.view(order.id, "held", ({ payment }) => payment.status === "capture_failed"), {
        status: "confirmed",
        fulfillment: { status: "packed" },
        nextEvents: ["cancel", "retry"],
      });
      await cancel(t, order, voided, true);
      t.ok((await house.events(order.id)).includes("payment.capture_failed"));
    });
});

t.test("an order that waits for its customer is cancelled: no money has to go back", async (t) => {
  const order = await house.placed("async");
  t.match(order.answer, { status: 201, body: { status: "awaiting_payment", nextEvents: ["cancel"] } });
  await house.refusesAllBut(t, order.id, ["cancel"], "awaiting_payment");
  await cancel(t, order, unused, false);
});

t.test(
  "an order that is being authorized is cancelled: what the gateway books goes back, once",
  async (t) => {
    const cases = [
      { method: "credit_card", token: "tok_slow", back: voided },
      { method: "tokenized", token: "tok_slow", back: voided },
      { method: "debit_card", token: "tok_slow", back: settled },
      // The gateway never answers: it has booked nothing when the void comes.
      { method: "credit_card", token: "tok_timeout", back: unused },
    ] as const;
    const expired = house.placed("credit_card", { token: "tok_timeout" });
    await Promise.all(
      cases.map(async ({ method, token, back }) => {
        const order = await house.placed(method, { token, prefer: "respond-async" });
        t.equal(order.answer.status, 202);
        const view = await house.view(order.id, "being authorized", ({ status }) => status === "authorizing");
        t.match(view, { payment: { status: "authorizing" }, nextEvents: ["cancel"] });
        await cancel(t, order, back, false);
      }),
    );
    const { id, answer } = await expired;
    t.match(
      answer,
      { status: 402, body: { code: "payment_expired" } },
      "an order that is not cancelled in time expires",
    );
    await house.view(id, "left with an expired payment", ({ payment }) => payment.status === "expired");
    await house.refusesAllBut(t, id, [], "payment_expired");
  },
);

t.test("an order that is cancelled at three nodes at once is cancelled once", async (t) => {
  const { id, sku } = await house.confirmed(t, "credit_card");
  const answers = await Promise.all(
    house.cluster.urls.map((url) => command(url, id, "cancel", { reason: "changed my mind" })),
  );
  t.strictSame(
    answers.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, 409, 409],
  );
  for (const { status, body } of answers.filter((one) => one.status === 409))
    t.match(
      { status, body },
      { body: { code: "illegal_transition", state: "cancelled", allowedEvents: [] } },
    );
  await house.view(id, "left with a voided payment", ({ payment }) => payment.status === "voided");
  t.strictSame(await house.booked(id), ["authorize", "void"]);
  await house.stockIsBack(sku);
});

t.test("an order that has ended or is shipped cannot be cancelled", async (t) => {
  const rejected = await house.placed("credit_card", { onHand: 1 });
  t.match(rejected.answer, { status: 409, body: { code: "out_of_stock" } });
  const failed = await house.placed("credit_card", { token: "tok_declined" });
  t.match(failed.answer, { status: 402, body: { code: "payment_failed" } });
  await house.refusesAllBut(t, rejected.id, [], "rejected");
  await house.refusesAllBut(t, failed.id, [], "payment_failed");

  const sent = await house.confirmed(t, "credit_card");
  await house.packed(sent.id);
  await house.shippable(sent.id);
  t.equal((await house.ask(sent.id, "ship")).status, 200);
  await house.refusesAllBut(t, sent.id, ["deliver", ...REPORTS], "shipped");
  t.match(await stock(house.nextUrl(), sent.sku), { onHand: ON_HAND - 2, reserved: 0 });
  t.equal((await house.ask(sent.id, "deliver")).status, 200);
  await house.refusesAllBut(t, sent.id, [], "completed");
  t.strictSame(await house.booked(sent.id), ["authorize", "capture"]);
});

t.test("an answered order survives the kill of any node, and goes on", async (t) => {
  const { id } = await house.confirmed(t, "credit_card");
  const { nodes } = house.cluster;
  for (const node of nodes) {
    await node.kill();
    for (const other of nodes.filter((candidate) => candidate.running()))
      await untilOrder(
        other.url,
        id,
        `shown by ${other.name} while ${node.name} is dead`,
        ({ status }) => status === "confirmed",
      );
    await node.start();
  }
  await untilSettled(house.cluster);
  t.match(await house.ask(id, "pick"), { status: 200, body: { fulfillment: { status: "picked" } } });
});

t.test("every state that a caller got was stored", async (t) => {
  await replies.check(t);
});
