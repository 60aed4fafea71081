import t from "tap";
import type { PaymentMethod } from "../../../../machines/types.ts";
import { orderInput, outOfStock, reserved, total } from "../../machines/order-input.ts";
import { OrderWorld } from "./order-world.ts";
import { shipped } from "./shipped-order.ts";

const auto = { mode: "auto", stepDelayMs: 1500 } as const;
const atOnce = { mode: "auto", stepDelayMs: 0 } as const;

const delivery = ["order.ready", "invoice.created", "order.shipped"];

/** The public events of an order that is completed, as in the flowcharts. */
const journeys: Record<PaymentMethod, string[]> = {
  cash_on_delivery: ["order.created", "order.confirmed", ...delivery, "payment.collected", "order.completed"],
  in_person: ["order.created", "order.confirmed", ...delivery, "payment.collected", "order.completed"],
  debit_card: ["order.created", "payment.authorized", "order.confirmed", ...delivery, "order.completed"],
  credit_card: [
    "order.created",
    "payment.authorized",
    "order.confirmed",
    "payment.captured",
    ...delivery,
    "order.completed",
  ],
  tokenized: [
    "order.created",
    "payment.authorized",
    "order.confirmed",
    "payment.captured",
    ...delivery,
    "order.completed",
  ],
  async: [
    "order.created",
    "payment.authorized",
    "payment.captured",
    "order.confirmed",
    ...delivery,
    "order.completed",
  ],
};

const paid: Record<PaymentMethod, [status: string, settled: number]> = {
  cash_on_delivery: ["collected", 0],
  in_person: ["collected", 0],
  debit_card: ["authorized", total.amount],
  credit_card: ["captured", total.amount],
  tokenized: ["captured", total.amount],
  async: ["captured", total.amount],
};

for (const [method, journey] of Object.entries(journeys) as [PaymentMethod, string[]][]) {
  for (const [plan, name] of [
    [auto, "pauses between its steps"],
    [atOnce, "takes its steps at once"],
  ] as const) {
    for (const joins of [true, false]) {
      const where = joins ? "here" : "elsewhere";
      t.test(`a ${method} order that ${name}, with the stock ${where}, completes by itself`, async (t) => {
        const world = await new OrderWorld(orderInput(method, plan), { joins }).start().settle();
        t.strictSame(world.eventTypes, journey);
        t.equal(world.view.status, "completed");
        t.equal(world.view.fulfillment.status, "delivered");
        t.match(world.view.fulfillment.trackingNumber, /^ORD[0-9A-F]{14}$/);
        t.equal(world.view.payment.status, paid[method][0]);
        t.equal(world.gateway.balance(world.id).settled, paid[method][1]);
        t.equal(world.inventory.hold(world.id), "shipped");
        t.equal(world.inventory.ended, 1);
        t.strictSame(world.view.nextEvents, []);
      });
    }
  }
}

t.test(
  "steps within fulfillment are published where the setting says so, and recorded in any case",
  async (t) => {
    const steps: Record<string, unknown[]> = {};
    for (const internalEvents of [true, false]) {
      const options = { joins: true, internalEvents };
      const world = await new OrderWorld(orderInput("debit_card", auto), options).start().settle();
      t.equal(world.view.status, "completed");
      t.strictSame(
        world.eventTypes.filter((type) => type.startsWith("fulfillment.")),
        internalEvents
          ? [
              "fulfillment.stored",
              "fulfillment.picked",
              "fulfillment.quality_checked",
              "fulfillment.packed",
              "fulfillment.delivered",
            ]
          : [],
      );
      steps[String(internalEvents)] = world.transitions;
      for (const state of ["stored", "picked", "quality_checked", "packed", "delivered"])
        t.match(JSON.stringify(world.transitions), `"${state}"`);
    }
    t.strictSame(steps["true"], steps["false"], "the history is the same");
  },
);

t.test("an order with its stock on the same node takes two commits until it is confirmed", async (t) => {
  const cash = new OrderWorld(orderInput("cash_on_delivery")).start();
  t.equal(cash.snapshot.version, 1);
  t.equal(cash.view.status, "confirmed");
  const card = new OrderWorld(orderInput("credit_card")).start();
  t.equal(card.view.status, "authorizing");
  t.notOk(card.settled);
  await card.performAll();
  t.equal(card.view.status, "confirmed");
  t.equal(card.snapshot.version, 2);
  t.ok(card.settled);
});

t.test("a warehouse drives every step, and a wrong one changes nothing", async (t) => {
  const world = await new OrderWorld(orderInput("cash_on_delivery")).start().performAll();
  t.strictSame(world.view.nextEvents, ["cancel", "pick"]);
  t.notOk(world.step({ type: "ship" }));
  t.ok(world.step({ type: "pick" }));
  t.ok(world.step({ type: "quality-check", passed: false } as never));
  t.equal(world.view.fulfillment.status, "stored");
  t.ok(world.step({ type: "pick" }));
  t.ok(world.step({ type: "quality-check", passed: true } as never));
  t.ok(world.step({ type: "pack" }));
  await world.performAll();
  t.equal(world.view.status, "ready");
  t.notOk(world.step({ type: "ship" }), "not without an invoice");
  t.ok(world.issueInvoice());
  t.match(world.view.invoice, { number: "2026-000001", url: "/v1/orders/ord_1/invoice" });
  t.ok(world.step({ type: "ship" }));
  t.notOk(world.settled, "the invoice is retrieved, then the parcel handed over");
  t.match(world.view, { status: "ready", nextEvents: ["cancel"] });
  await world.settleCaller();
  t.equal(world.view.status, "shipped");
  t.notOk(world.cancel(), "what is shipped is not cancelled");
  t.notOk(world.step({ type: "deliver" }), "not without the money");
  t.ok(world.step({ type: "deliver", collected: total } as never));
  t.equal(world.view.status, "completed");
  t.equal(world.view.payment.status, "collected");
});

t.test("an order that is out of stock is rejected and holds nothing", async (t) => {
  const world = new OrderWorld();
  world.inventory.reservation = outOfStock;
  world.start();
  t.equal(world.view.status, "rejected");
  t.equal(world.view.reason, "out_of_stock");
  t.strictSame(world.eventTypes, ["order.rejected"]);
  t.ok(world.settled);
  t.strictSame(world.snapshot.effects, []);
  t.strictSame(
    Object.values(world.snapshot.machines).map(({ status }) => status),
    ["done", "done", "done"],
  );
});

t.test("a declined card fails the order and releases its stock", async (t) => {
  const world = new OrderWorld().start();
  world.gateway.declines = true;
  await world.performAll();
  t.strictSame(world.eventTypes, ["order.created", "payment.failed", "order.payment_failed"]);
  t.equal(world.view.status, "payment_failed");
  t.equal(world.view.reason, "card_declined");
  t.equal(world.view.fulfillment.status, "none");
  t.equal(world.inventory.hold(world.id), "released");
  t.equal(world.gateway.authorizations(world.id), 0);
});

for (const method of ["credit_card", "debit_card"] as const) {
  t.test(`a ${method} payment that times out expires, and its late authorization is voided`, async (t) => {
    const world = new OrderWorld(orderInput(method)).start();
    const authorize = world.effect("authorizePayment");
    world.fail(authorize, "unknown", "timeout");
    t.equal(world.view.status, "payment_expired");
    t.equal(world.view.payment.status, "expired");
    t.equal(world.inventory.hold(world.id), "released");
    await world.outcomeOf(authorize);
    t.equal(world.gateway.balance(world.id).authorized, total.amount, "it is open for a moment");
    await world.settle();
    t.equal(world.gateway.balance(world.id).authorized, 0);
    t.strictSame(world.eventTypes, [
      "order.created",
      "payment.expired",
      "order.payment_expired",
      "payment.voided",
    ]);
    t.equal(world.view.payment.status, "expired");
  });

  t.test(`a ${method} order cancelled during its authorization gets its money back`, async (t) => {
    const world = new OrderWorld(orderInput(method)).start();
    t.ok(world.cancel());
    t.equal(world.view.status, "cancelled");
    t.equal(world.view.reason, "changed my mind");
    t.equal(world.view.payment.status, "authorizing");
    t.equal(world.inventory.hold(world.id), "released");
    await world.settle();
    const back = method === "debit_card" ? "refunded" : "voided";
    t.equal(world.view.payment.status, back);
    t.strictSame(world.eventTypes, [
      "order.created",
      "order.cancelled",
      "payment.authorized",
      `payment.${back}`,
    ]);
    t.equal(world.view.fulfillment.status, "cancelled");
  });
}

t.test("a cancelled order gets its payment returned, in every state before shipping", async (t) => {
  const stages: ((world: OrderWorld) => unknown)[] = [
    (world) => world.step({ type: "pick" }),
    (world) => world.step({ type: "quality-check", passed: true } as never),
    (world) => world.step({ type: "pack" }),
    (world) => world.perform(world.effect("createShippingLabel")),
    (world) => world.performAll(),
    (world) => world.issueInvoice(),
    (world) => world.step({ type: "ship" }),
  ];
  for (const method of Object.keys(journeys) as PaymentMethod[]) {
    for (let stage = 0; stage <= stages.length; stage++) {
      const world = new OrderWorld(orderInput(method)).start();
      if (method !== "cash_on_delivery" && method !== "in_person") await world.performAll();
      if (method === "async") world.choose("pay");
      for (const advance of stages.slice(0, stage)) await advance(world);
      const before = `${method} ${JSON.stringify(world.snapshot.machines["fulfillment"]?.value)}`;
      t.ok(world.cancel(), before);
      await world.settle();
      const { authorized, settled, refunded } = world.gateway.balance(world.id);
      t.equal(refunded, settled, before);
      t.ok(authorized === 0 || authorized === refunded, before);
      t.equal(world.inventory.hold(world.id), "released", before);
      t.equal(world.inventory.ended, 1, before);
      t.equal(world.view.status, "cancelled", before);
      t.notOk(world.cancel(), "not twice");
    }
  }
});

t.test("a refused capture holds the order until a later one succeeds", async (t) => {
  const world = new OrderWorld(orderInput("credit_card", atOnce)).start();
  world.gateway.refusesCaptures = true;
  await world.performAll();
  t.equal(world.view.payment.status, "capture_failed");
  t.equal(world.view.fulfillment.status, "packed");
  t.equal(world.view.status, "confirmed");
  t.strictSame(world.view.nextEvents, ["cancel", "retry"]);
  world.gateway.refusesCaptures = false;
  world.elapse();
  await world.settle();
  t.equal(world.view.status, "completed");
  t.equal(world.eventTypes.filter((type) => type === "payment.capture_failed").length, 1);
});

t.test("a capture whose answer was lost is not repeated", async (t) => {
  const world = new OrderWorld(orderInput("credit_card", atOnce)).start();
  await world.perform(world.effect("authorizePayment"));
  await world.perform(world.effect("createShippingLabel"));
  const capture = world.effect("capturePayment");
  await world.outcomeOf(capture);
  world.fail(capture, "unknown");
  t.equal(world.view.payment.status, "capture_failed");
  await world.settle();
  t.equal(world.view.status, "completed");
  t.equal(world.gateway.balance(world.id).settled, total.amount);
});

t.test("an order cancelled after a capture whose answer was lost is refunded", async (t) => {
  const world = new OrderWorld(orderInput("tokenized", atOnce)).start();
  await world.perform(world.effect("authorizePayment"));
  await world.perform(world.effect("createShippingLabel"));
  const capture = world.effect("capturePayment");
  await world.outcomeOf(capture);
  world.fail(capture, "unknown");
  t.ok(world.cancel());
  await world.settle();
  t.equal(world.view.payment.status, "refunded");
  t.strictSame(world.gateway.balance(world.id), {
    authorized: total.amount,
    settled: total.amount,
    refunded: total.amount,
  });
});

for (const method of Object.keys(journeys) as PaymentMethod[]) {
  const atTheDoor = method === "cash_on_delivery" || method === "in_person";
  t.test(`the carrier's report completes a ${method} order once, and only with the amount due`, async (t) => {
    const world = await shipped(method);
    t.equal(world.view.status, "shipped");
    t.notOk(world.carrierDelivers(atTheDoor ? total : null, "ORD0"), "another parcel");
    t.match(world.view, { status: "shipped", nextEvents: ["deliver"] }, "left to the warehouse");
    t.ok(world.carrierDelivers(atTheDoor ? total : null));
    t.equal(world.view.status, "completed");
    t.equal(world.view.payment.status, paid[method][0]);
    t.notOk(world.carrierDelivers(atTheDoor ? total : null), "a repeat");
    t.strictSame(
      world.eventTypes.filter((type) => type === "order.completed"),
      ["order.completed"],
    );
  });
}

t.test("an invoice that is not in the store holds the order, cancellable, until it is found", async (t) => {
  const world = await new OrderWorld(orderInput("debit_card")).start().performAll();
  for (const step of [{ type: "pick" }, { type: "quality-check", passed: true }, { type: "pack" }])
    world.step(step);
  await world.performAll();
  world.issueInvoice();
  world.losesDocuments = true;
  world.step({ type: "ship" });
  await world.performAll();
  t.match(world.view, { status: "ready", nextEvents: ["cancel", "retry"] });
  t.equal(world.inventory.hold(world.id), "held");
  world.losesDocuments = false;
  world.step({ type: "retry" });
  await world.performAll();
  t.equal(world.view.status, "shipped");
  t.match(world.snapshot.machines["fulfillment"]?.context, {
    document: { bytes: Buffer.byteLength("%PDF-1.3 invoice 2026-000001"), sha256: /^[\w-]{43}$/ },
  });
});

t.test("an invoice that arrives after the cancellation changes nothing", async (t) => {
  const world = await new OrderWorld(orderInput("in_person", atOnce)).start().performAll();
  t.equal(world.view.status, "ready");
  t.ok(world.cancel());
  t.notOk(world.issueInvoice());
  t.equal(world.view.invoice, null);
});

t.test("records stay below 2 KB from the first to the last", async (t) => {
  const input = orderInput("credit_card", auto);
  const id = "ord_01hzyabcdefghjkmnpqrstvwxy";
  const world = new OrderWorld({ ...input, orderId: id }).start();
  let largest = 0;
  for (let turns = 0; turns < 40 && world.view.status !== "completed"; turns++) {
    largest = Math.max(largest, JSON.stringify(world.snapshot).length);
    const [effect] = world.snapshot.effects;
    if (effect) await world.perform(effect);
    else if (world.snapshot.timers.length > 0) world.elapse();
    else world.issueInvoice();
  }
  t.equal(world.view.status, "completed");
  t.ok(largest < 1700, `${largest} bytes, leaving room for the record's own fields`);
});

t.test("an order that costs nothing is completed without a call to the gateway", async (t) => {
  const free = { ...total, amount: 0 };
  for (const [method, journey] of Object.entries(journeys) as [PaymentMethod, string[]][]) {
    const world = new OrderWorld(orderInput(method, atOnce));
    if (reserved.outcome === "reserved") world.inventory.reservation = { ...reserved, total: free };
    await world.start().settle();
    t.strictSame(world.eventTypes, journey, method);
    t.equal(world.view.status, "completed");
    t.equal(world.view.payment.status, paid[method][0]);
    t.strictSame(world.gateway.bookings(world.id), []);
    t.notMatch(JSON.stringify(world.snapshot), "tok_secret");

    const cancelled = new OrderWorld(orderInput(method));
    if (reserved.outcome === "reserved") cancelled.inventory.reservation = { ...reserved, total: free };
    await cancelled.start().performAll();
    t.equal(cancelled.view.status, "confirmed");
    t.ok(cancelled.cancel());
    await cancelled.settle();
    t.equal(cancelled.view.payment.status, "none");
  }
});
