/**
 * Orders whose steps a warehouse drives, and orders that are cancelled on their way, over HTTP on three nodes. Each
 * command goes to the next node.
 */
import t, { type Test } from "tap";
import type { OrderView, PaymentMethod } from "../../src/services/orders/contract.ts";
import { command, history, ledger, orderOf, place, putStock, read, stock } from "../support/order-client.ts";
import { checkMails, checkPdf } from "../support/order-paperwork.ts";
import { startOrderCluster } from "../support/order-cluster.ts";
import type { OrderCluster } from "../support/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const ON_HAND = 20;
const TOTAL = { amount: 2000, currency: "EUR" };

let cluster: OrderCluster;
t.before(async () => {
  cluster = await startOrderCluster(t, { fulfillment: "manual" });
});

let asked = 0;
const nextUrl = () => cluster.urls[asked++ % cluster.urls.length]!;
type Step = Parameters<typeof command>[2];
const ask = (id: string, name: Step, body?: object) => command(nextUrl(), id, name, body);

let tests = 0;
/** Places an order for two pieces of a SKU of its own. */
async function confirmed(t: Test, method: PaymentMethod) {
  const number = tests++;
  const sku = `WAREHOUSE-${number}`;
  const email = `warehouse-${number}@example.com`;
  await putStock(nextUrl(), sku, ON_HAND);
  const placed = await place(nextUrl(), orderOf({ method, email, lines: [{ sku, quantity: 2 }] }));
  const status = method === "cash_on_delivery" || method === "in_person" ? "none" : "authorized";
  t.match(placed, {
    status: 201,
    body: {
      status: "confirmed",
      payment: { method, status },
      fulfillment: { status: "stored" },
      nextEvents: ["cancel", "pick"],
    },
  });
  t.match(await stock(nextUrl(), sku), { onHand: ON_HAND, reserved: 2 });
  return { id: placed.body.id, sku, email };
}

const kinds = async (id: string) => (await ledger(cluster.gateway.url, id)).map(({ kind }) => kind);
const events = async (id: string) => (await history(nextUrl(), id)).flatMap((item) => item.events);
const view = (id: string, what: string, holds: (order: OrderView) => boolean) =>
  waitUntil(what, async () => {
    const { body } = await read(nextUrl(), id);
    if (!holds(body)) throw new Error(`the order is ${JSON.stringify(body)}`);
    return body;
  });

async function packed(id: string): Promise<void> {
  for (const [step, body] of [["pick"], ["quality-check", { passed: true }], ["pack"]] as const)
    await ask(id, step, body);
}

/** Every step but these is refused, tells what is possible, and changes nothing. */
async function refusesAllBut(t: Test, id: string, allowed: readonly Step[]): Promise<void> {
  const bodies = { "quality-check": { passed: true }, deliver: { collected: TOTAL } };
  const { body: before } = await read(nextUrl(), id);
  for (const step of ["pick", "quality-check", "pack", "ship", "deliver", "cancel"] as const) {
    if (allowed.includes(step)) continue;
    const refused = await ask(id, step, step in bodies ? bodies[step as keyof typeof bodies] : undefined);
    t.match(refused, { status: 409, body: { code: "illegal_transition", state: before.status } }, step);
    t.strictSame(refused.body.allowedEvents?.toSorted(), allowed.toSorted(), `${step}: what is possible`);
  }
  t.equal((await read(nextUrl(), id)).body.version, before.version, "nothing has changed");
}

t.test(
  'H --> K --> L -->|"Cash"| M --> J --> S --> S1 --> U --> U1 -->|"Cash on Delivery"| Q --> W --> N, step by step',
  async (t) => {
    const { id, sku, email } = await confirmed(t, "cash_on_delivery");
    await refusesAllBut(t, id, ["cancel", "pick"]);
    const early = await fetch(`${nextUrl()}/v1/orders/${id}/invoice`);
    t.match([early.status, await early.json()], [404, { code: "invoice_not_ready" }]);

    t.match(await ask(id, "pick"), { status: 200, body: { fulfillment: { status: "picked" } } });
    await refusesAllBut(t, id, ["cancel", "quality-check"]);
    const failed = await ask(id, "quality-check", { passed: false });
    t.match(failed, { status: 200, body: { fulfillment: { status: "stored" } } }, "back to picking");
    await refusesAllBut(t, id, ["cancel", "pick"]);
    t.match(await ask(id, "pick", {}), { status: 200, body: { fulfillment: { status: "picked" } } });
    const passed = await ask(id, "quality-check", { passed: true });
    t.match(passed, { status: 200, body: { fulfillment: { status: "quality_checked" } } });
    await refusesAllBut(t, id, ["cancel", "pack"]);
    t.equal((await ask(id, "pack")).status, 200);

    const ready = await view(id, "the invoice is made", ({ nextEvents }) => nextEvents.includes("ship"));
    t.match(ready, { status: "ready", fulfillment: { status: "ready", trackingNumber: /^\w+$/u } });
    await checkPdf(t, nextUrl(), ready);
    await refusesAllBut(t, id, ["cancel", "ship"]);

    t.match(await ask(id, "ship"), { status: 200, body: { status: "shipped", payment: { status: "none" } } });
    t.match(await stock(nextUrl(), sku), { onHand: ON_HAND - 2, reserved: 0 });
    await refusesAllBut(t, id, ["deliver"]);
    for (const collected of [{ ...TOTAL, amount: 1999 }, { ...TOTAL, currency: "USD" }, undefined]) {
      const wrong = await ask(id, "deliver", collected && { collected });
      t.match(wrong, { status: 422, body: { code: "amount_mismatch", expected: TOTAL } });
    }
    const delivered = await ask(id, "deliver", { collected: TOTAL });
    t.match(delivered, { status: 200, body: { status: "completed", payment: { status: "collected" } } });
    await refusesAllBut(t, id, []);

    t.strictSame(await kinds(id), []);
    t.strictSame(await events(id), [
      "order.created",
      "order.confirmed",
      "fulfillment.stored",
      "fulfillment.picked",
      "fulfillment.quality_failed",
      "fulfillment.picked",
      "fulfillment.quality_checked",
      "fulfillment.packed",
      "order.ready",
      "invoice.created",
      "order.shipped",
      "fulfillment.delivered",
      "payment.collected",
      "order.completed",
    ]);
    const subjects = ["Order created and awaiting payment", "Order confirmed", "Order shipped"];
    await checkMails(t, cluster.mailbox.url, email, subjects);
  },
);

t.test(
  'L -->|"Credit Card"| V --> M: captured when packed; U1 -->|"Credit"| W: nothing to collect',
  async (t) => {
    const { id } = await confirmed(t, "credit_card");
    t.strictSame(await kinds(id), ["authorize"]);
    await packed(id);
    const ready = await view(id, "it can be shipped", ({ nextEvents }) => nextEvents.includes("ship"));
    t.equal(ready.payment.status, "captured");
    t.strictSame(await kinds(id), ["authorize", "capture"]);
    t.match(await ask(id, "ship"), { status: 200, body: { status: "shipped" } });
    t.match(await ask(id, "deliver", { collected: TOTAL }), {
      status: 422,
      body: { code: "amount_mismatch" },
    });
    t.match(await ask(id, "deliver"), {
      status: 200,
      body: { status: "completed", payment: { status: "captured" } },
    });
  },
);

type Cancellation = {
  readonly method: PaymentMethod;
  readonly when: "confirmed" | "ready";
  readonly paid: string;
  readonly ledger: readonly string[];
  readonly event?: string;
};

const cancellations: readonly Cancellation[] = [
  { method: "cash_on_delivery", when: "confirmed", paid: "none", ledger: [] },
  { method: "in_person", when: "ready", paid: "none", ledger: [] },
  {
    method: "credit_card",
    when: "confirmed",
    paid: "voided",
    ledger: ["authorize", "void"],
    event: "payment.voided",
  },
  {
    method: "credit_card",
    when: "ready",
    paid: "refunded",
    ledger: ["authorize", "capture", "refund"],
    event: "payment.refunded",
  },
  {
    method: "tokenized",
    when: "confirmed",
    paid: "voided",
    ledger: ["authorize", "void"],
    event: "payment.voided",
  },
  {
    method: "debit_card",
    when: "confirmed",
    paid: "refunded",
    ledger: ["authorize", "refund"],
    event: "payment.refunded",
  },
];

for (const { method, when, paid, ledger, event } of cancellations)
  t.test(`cancelling a ${method} order that is ${when} gives back stock and money, once`, async (t) => {
    const { id, sku, email } = await confirmed(t, method);
    if (when === "ready") {
      await packed(id);
      await view(id, "it can be shipped", ({ nextEvents }) => nextEvents.includes("ship"));
    }
    const reason = "changed my mind";
    t.match(await ask(id, "cancel", { reason }), {
      status: 200,
      body: { id, status: "cancelled", reason, fulfillment: { status: "cancelled" }, nextEvents: [] },
    });
    await view(id, `the payment is ${paid}`, ({ payment }) => payment.status === paid);
    t.match(await stock(nextUrl(), sku), { onHand: ON_HAND, reserved: 0, available: ON_HAND });
    await refusesAllBut(t, id, []);
    t.strictSame(await kinds(id), ledger);
    const told = await events(id);
    t.equal(told.filter((one) => one === "order.cancelled").length, 1);
    if (event !== undefined) t.equal(told.filter((one) => one === event).length, 1);
    const subjects = ["Order created and awaiting payment", "Order confirmed", "Order cancelled"];
    if (paid === "refunded") subjects.push("Payment refunded");
    await checkMails(t, cluster.mailbox.url, email, subjects);
  });

t.test("an order that nobody has placed takes no command", async (t) => {
  for (const step of ["cancel", "pick", "ship"] as const)
    t.match(await ask("ord_nobody", step), { status: 404, body: { code: "order_not_found" } });
});
