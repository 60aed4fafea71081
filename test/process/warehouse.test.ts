/** Orders whose steps a warehouse drives, over HTTP on three nodes. Each command goes to the next node. */
import t from "tap";
import { stock } from "../support/clients/order-client.ts";
import { checkMails, checkPdf } from "../support/audits/order-documents.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { ON_HAND, openWarehouse, TOTAL } from "../support/clients/warehouse.ts";
import type { Warehouse } from "../support/clients/warehouse.ts";

let house: Warehouse;
t.before(async () => {
  house = openWarehouse(await startOrderCluster(t, { fulfillment: "manual" }));
});

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
    t.match(failed, { status: 200, body: { fulfillment: { status: "stored" } } }, "back to picking");
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
    await house.refusesAllBut(t, id, ["deliver"]);
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

t.test("an order that nobody has placed takes no command", async (t) => {
  for (const step of ["cancel", "pick", "ship"] as const)
    t.match(await house.ask("ord_nobody", step), { status: 404, body: { code: "order_not_found" } });
});
