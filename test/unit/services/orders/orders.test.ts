import t from "tap";
import { partitionOf } from "../../../../src/runtime/subjects.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { type ActorRecord, RecordHeader } from "../../../../src/runtime/actor/snapshot.ts";
import { type StoredMessage, Unavailable } from "../../../../src/runtime/ports.ts";
import type { OrderInput } from "../../../../machines/types.ts";
import type { PlaceOrder } from "../../../../src/services/orders/contract.ts";
import { outOfStock, total } from "../../machines/order-input.ts";
import { customer, type Known, newOrder, now, placed, service, shippingAddress } from "./order-service.ts";

t.test("an order that is paid is answered as confirmed, as the API shows it", async (t) => {
  const { orders, actors } = service();
  const result = await orders.place(newOrder(), now);
  const id = placed(result);
  const at = "2026-11-22T00:00:00.000Z";
  const order = {
    id: "ord_id1",
    version: 2,
    status: "confirmed",
    customer,
    lines: [
      {
        id: "l1",
        sku: "TSHIRT-M",
        quantity: 2,
        unitPrice: { amount: 1999, currency: "EUR" },
        cancelled: 0,
        shipped: 0,
        returned: 0,
      },
    ],
    total: { amount: 3998, currency: "EUR" },
    payment: { method: "credit_card", status: "authorized", reason: null, url: null },
    fulfillment: { status: "stored", trackingNumber: null },
    invoice: null,
    shippingAddress,
    reason: null,
    createdAt: at,
    updatedAt: at,
    nextEvents: ["cancel", "pick"],
  };
  t.strictSame(result, { status: "placed", order });
  t.strictSame(await orders.get(id), { status: "found", order });
  t.match(actors.starts, [{ actor: id, options: { mayExist: false, waitMs: 10_000 } }]);
  t.notOk("request" in (actors.starts[0]?.options ?? {}));
});

t.test("an order that is still being paid at the deadline is pending", async (t) => {
  const { orders } = service();
  const result = await orders.place(newOrder(), { ...now, waitMs: 0 });
  t.match(result, { status: "pending", order: { status: "authorizing", nextEvents: ["cancel"] } });
});

t.test("an order whose caller may not wait for the reservation is marked as unattended", async (t) => {
  for (const [waitMs, unattended] of [
    [0, true],
    [9_999, true],
    [10_000, undefined],
  ] as const) {
    const { actors, orders } = service();
    await orders.place(newOrder(), { ...now, waitMs });
    const [started] = actors.starts.map(({ input }) => input as OrderInput);
    t.equal(started?.unattended, unattended, `${waitMs} ms`);
  }
});

t.test("an order that ends before its confirmation has its reason in the answer", async (t) => {
  const declined = service();
  declined.actors.prepare = (world) => {
    world.gateway.declines = true;
  };
  t.strictSame(await declined.orders.place(newOrder(), now), {
    status: "payment_failed",
    orderId: "ord_id1",
    reason: "card_declined",
  });

  const empty = service();
  empty.actors.prepare = (world) => {
    world.inventory.reservation = outOfStock;
  };
  t.strictSame(await empty.orders.place(newOrder(), now), {
    status: "out_of_stock",
    orderId: "ord_id1",
    missing: [{ sku: "TSHIRT-M", requested: 2, available: 1 }],
  });

  const mixed = service();
  mixed.actors.prepare = (world) => {
    world.inventory.reservation = { outcome: "mixed_currency", currencies: ["EUR", "USD"] };
  };
  t.strictSame(await mixed.orders.place(newOrder(), now), {
    status: "mixed_currency",
    currencies: ["EUR", "USD"],
  });

  const late = service();
  await late.orders.place(newOrder(), { ...now, idempotencyKey: "k1", waitMs: 0 });
  const [world] = late.actors.worlds.values();
  if (!world) throw new Error("no order");
  world.fail(world.effect("authorizePayment"), "unknown", "timeout");
  t.match(await late.orders.place(newOrder(), { ...now, idempotencyKey: "k1" }), {
    status: "payment_expired",
    orderId: world.id,
    reason: "timeout",
  });
});

t.test(
  "nothing is written for an unknown SKU, an unavailable inventory or an unavailable method",
  async (t) => {
    const unknown = service({ known: { status: "checked", unknown: ["TSHIRT-M"] } });
    t.strictSame(await unknown.orders.place(newOrder(), now), {
      status: "unknown_sku",
      skus: [{ sku: "TSHIRT-M", index: 0 }],
    });
    const away = { status: "unavailable", reason: "no owner", retryAfterMs: 500 } as const;
    const unavailable = service({ known: away });
    t.strictSame(await unavailable.orders.place(newOrder(), now), away);
    for (const { actors } of [unknown, unavailable]) t.equal(actors.starts.length, 0);
  },
);

t.test(
  "a key is compared before the catalogue: a repetition is no new order, and a reused key is refused",
  async (t) => {
    let known: Known = { status: "checked", unknown: [] };
    const { orders, actors } = service({ known: () => known });
    const keyed = { ...now, idempotencyKey: "key-1" };
    const first = await orders.place(newOrder(), keyed);
    const id = placed(first);
    const other: PlaceOrder = { ...newOrder(), lines: [{ sku: "NO-SUCH", quantity: 1 }] };

    known = { status: "checked", unknown: ["NO-SUCH"] };
    t.strictSame(await orders.place(other, keyed), { status: "idempotency_key_reused", orderId: id });
    t.match(await orders.place(other, { ...now, idempotencyKey: "key-2" }), { status: "unknown_sku" });
    t.match(await orders.place(other, now), { status: "unknown_sku" });

    const gone: Known[] = [
      { status: "checked", unknown: ["TSHIRT-M"] },
      { status: "unavailable", reason: "no owner", retryAfterMs: 500 },
    ];
    for (known of gone) t.strictSame(await orders.place(newOrder(), keyed), first, JSON.stringify(known));

    known = { status: "checked", unknown: ["NO-SUCH"] };
    actors.failing = { status: "unavailable", reason: "no owner of the partition" };
    t.match(await orders.place(other, keyed), { status: "unavailable" }, "an order may have the key");
  },
);

t.test(
  "a repeated key finds the same order, whatever the order of the fields; another body is refused",
  async (t) => {
    const { orders, actors } = service();
    const keyed = { ...now, idempotencyKey: "k1" };
    const first = placed(await orders.place(newOrder(), keyed));
    t.match(first, /^ord_[0-9a-z]{26}$/);
    const { payment, lines, ...rest } = newOrder();
    t.equal(placed(await orders.place({ lines, ...rest, payment }, keyed)), first);
    t.equal(actors.worlds.size, 1);
    t.ok(actors.starts.every(({ options }) => options.mayExist));

    const other = { ...newOrder(), lines: [{ sku: "TSHIRT-M", quantity: 3 }] };
    t.strictSame(await orders.place(other, keyed), { status: "idempotency_key_reused", orderId: first });
    t.not(placed(await orders.place(newOrder(), { ...keyed, caller: "another shop" })), first);
    t.not(placed(await orders.place(newOrder(), { ...keyed, idempotencyKey: "k2" })), first);
  },
);

t.test("a repeated key has the same outcome after the order has changed further", async (t) => {
  const { orders, actors } = service({ plan: "auto" });
  const keyed = { ...now, idempotencyKey: "k1" };
  const id = placed(await orders.place(newOrder(), keyed));
  await actors.worlds.get(id)?.settle();
  t.match(await orders.place(newOrder(), keyed), { status: "placed", order: { status: "completed" } });

  const cancelled = placed(await orders.place(newOrder(), { ...keyed, idempotencyKey: "k2" }));
  await orders.command(cancelled, { type: "cancel", reason: "no" });
  t.match(await orders.place(newOrder(), { ...keyed, idempotencyKey: "k2" }), {
    status: "placed",
    order: { status: "cancelled" },
  });

  await orders.place(newOrder(), { ...keyed, idempotencyKey: "k3", waitMs: 0 });
  const pending = [...actors.worlds.keys()].at(-1) ?? "";
  await orders.command(pending, { type: "cancel", reason: "no" });
  t.match(
    await orders.place(newOrder(), { ...keyed, idempotencyKey: "k3" }),
    { status: "pending", order: { status: "cancelled" } },
    "it was never confirmed",
  );
});

t.test("a reply without an order is passed on unchanged", async (t) => {
  const { orders, actors } = service();
  for (const [reply, result] of [
    [
      { status: "unavailable", reason: "no owner" },
      { status: "unavailable", reason: "no owner", retryAfterMs: 1000 },
    ],
    [
      { status: "overloaded", retryAfterMs: 200 },
      { status: "overloaded", retryAfterMs: 200 },
    ],
    [
      { status: "refused", code: "parked", reason: "look" },
      { status: "refused", code: "parked", reason: "look" },
    ],
  ] as const) {
    actors.failing = reply;
    t.strictSame(await orders.place(newOrder(), now), result);
    t.strictSame(await orders.get("ord_id1"), result);
    t.strictSame(await orders.command("ord_id1", { type: "pick" }), result);
    t.strictSame(await orders.command("ord_id1", { type: "deliver" }), result);
  }
});

t.test("an unknown order is not found", async (t) => {
  const { orders } = service();
  t.strictSame(await orders.get("ord_none"), { status: "not_found" });
  t.strictSame(await orders.command("ord_none", { type: "cancel", reason: "" }), { status: "not_found" });
  t.strictSame(await orders.command("ord_none", { type: "deliver" }), { status: "not_found" });
  t.strictSame(await orders.history("ord_none"), { status: "not_found" });
});

t.test("a command at the wrong moment gets the state and the allowed commands", async (t) => {
  const { orders } = service();
  const id = placed(await orders.place(newOrder(), now));
  t.strictSame(await orders.command(id, { type: "ship" }), {
    status: "illegal_transition",
    state: "confirmed",
    allowedEvents: ["cancel", "pick"],
    guards: [],
  });
  t.strictSame(await orders.command(id, { type: "deliver" }), {
    status: "illegal_transition",
    state: "confirmed",
    allowedEvents: ["cancel", "pick"],
    guards: [],
  });
  t.match(await orders.command(id, { type: "cancel", reason: "changed my mind" }), {
    status: "done",
    order: { status: "cancelled", reason: "changed my mind", nextEvents: [] },
  });
  t.match(await orders.command(id, { type: "cancel", reason: "again" }), { status: "illegal_transition" });
});

t.test("a warehouse takes an order to the door, where exactly what is due is collected", async (t) => {
  for (const [method, due] of [
    ["cash_on_delivery", total],
    ["debit_card", { ...total, amount: 0 }],
  ] as const) {
    const { orders, actors } = service();
    const id = placed(await orders.place(newOrder(method), now));
    for (const command of [
      { type: "pick" },
      { type: "quality-check", passed: true },
      { type: "pack" },
    ] as const) {
      t.match(await orders.command(id, command), { status: "done" }, command.type);
    }
    await actors.worlds.get(id)?.performAll();
    actors.worlds.get(id)?.issueInvoice();
    t.match(await orders.command(id, { type: "ship" }), { status: "done", order: { status: "shipped" } });

    const wrong = await orders.command(id, { type: "deliver", collected: { ...total, amount: 1 } });
    t.strictSame(wrong, { status: "amount_mismatch", expected: due }, method);
    const collected = due.amount > 0 ? { collected: due } : {};
    if (due.amount > 0) t.match(await orders.command(id, { type: "deliver" }), { status: "amount_mismatch" });
    t.match(await orders.command(id, { type: "deliver", ...collected }), {
      status: "done",
      order: { status: "completed" },
    });
    t.equal(new Set(actors.commandIds).size, actors.commandIds.length, "every command has its own id");
  }
});

t.test("who places an order or sends a command is passed on, and so is a command's reason", async (t) => {
  const { actors, orders } = service();
  const by = { kind: "person", id: "ada" };
  const id = placed(await orders.place(newOrder(), { ...now, by }));
  placed(await orders.place(newOrder(), now));
  t.strictSame(
    actors.starts.map(({ options }) => options.by),
    [by, undefined],
  );
  await orders.command(id, { type: "pick" }, { by });
  await orders.command(id, { type: "cancel", reason: "changed my mind" }, { by });
  await orders.command(id, { type: "settle", reason: "small change" });
  await orders.command(id, { type: "pick" }, { by, reason: "asked by phone" });
  t.strictSame(actors.asked, [
    { by },
    { by, reason: "changed my mind" },
    { reason: "small change" },
    { by, reason: "asked by phone" },
  ]);
});

t.test("the history is read from the order's own records", async (t) => {
  const { actors, orders: source } = service();
  const id = placed(await source.place(newOrder(), now));
  const snapshot = actors.worlds.get(id)?.snapshot;
  if (!snapshot) throw new Error("no order");
  const record: ActorRecord = {
    commit: "c1",
    actor: id,
    input: "start",
    transitions: [{ machine: "order", from: null, to: "reserving" }],
    events: ["order.created"],
    effects: { opened: ["payment.authorizePayment"], closed: [] },
    timers: { armed: [], cancelled: [] },
    snapshot,
  };
  const message: StoredMessage = {
    subject: "",
    sequence: 17,
    at: Date.UTC(2026, 10, 22, 20),
    headers: { [RecordHeader.node]: "node-1", [RecordHeader.epoch]: "5" },
    payload: JSON.stringify(record),
  };
  const { orders, read } = service({ records: [message] });
  t.strictSame(await orders.history(id), {
    status: "found",
    items: [
      {
        version: 2,
        sequence: 17,
        at: "2026-11-22T20:00:00.000Z",
        input: "start",
        actor: { kind: "anonymous", id: null },
        transitions: [{ machine: "order", from: null, to: "reserving", event: "xstate.init", edges: [] }],
        sent: [],
        events: ["order.created"],
        effects: { opened: ["payment.authorizePayment"], closed: [] },
        timers: { armed: [], cancelled: [] },
        node: "node-1",
        epoch: 5,
      },
    ],
    nextAfter: null,
  });
  t.strictSame(read, [subjects.record(partitionOf(id, 32), id)]);
  t.match(await orders.history(id, { after: 2, limit: 10 }), { items: [], nextAfter: null });

  const silent = service({ records: new Unavailable("no answer") });
  t.strictSame(await silent.orders.history(id), {
    status: "unavailable",
    reason: "no answer",
    retryAfterMs: 1000,
  });
  const broken = service({ records: new Error("a fault of ours") });
  await t.rejects(broken.orders.history(id), "is not taken for an outage");
});
