import t from "tap";
import { orderMachine } from "../../../machines/order.ts";
import type { Money, PaymentMethod } from "../../../machines/types.ts";
import { Chart } from "./chart.ts";
import { orderInput, outOfStock, reserved, total } from "./order-input.ts";
import { checkScenarios, type Then, type When } from "./scenarios.ts";

const when = {
  reserved: { effect: "reserveInventory", happen: (c) => c.settle("reserveInventory", reserved) },
  "out of stock": { effect: "reserveInventory", happen: (c) => c.settle("reserveInventory", outOfStock) },
  "unknown sku": {
    effect: "reserveInventory",
    happen: (c) => c.settle("reserveInventory", { outcome: "unknown_sku", skus: ["TSHIRT-M"] }),
  },
  "mixed currency": {
    effect: "reserveInventory",
    happen: (c) => c.settle("reserveInventory", { outcome: "mixed_currency", currencies: ["EUR", "USD"] }),
  },
  "hold ended before": {
    effect: "reserveInventory",
    happen: (c) => c.settle("reserveInventory", { outcome: "closed", as: "released" }),
  },
  "inventory silent": {
    effect: "reserveInventory",
    happen: (c) => c.fail("reserveInventory", "retryable", "unavailable"),
  },
  "inventory refuses": {
    effect: "reserveInventory",
    happen: (c) => c.fail("reserveInventory", "refused", "malformed"),
  },
  "pause over": { timer: true, happen: (c) => c.elapse() },
  "late reservation": {
    happen: (c) => c.send({ type: "effect.late.reserveInventory", output: reserved } as never),
  },
  "payment authorized": { happen: (c) => c.send({ type: "payment.authorized" }) },
  "payment failed": {
    happen: (c) => c.send({ type: "payment.failed", reason: "card_declined" } as never),
  },
  "payment expired": { happen: (c) => c.send({ type: "payment.expired", reason: "timeout" } as never) },
  "payment collected": { happen: (c) => c.send({ type: "payment.collected" }) },
  "fulfillment ready": { happen: (c) => c.send({ type: "fulfillment.ready" }) },
  "fulfillment shipping": { happen: (c) => c.send({ type: "fulfillment.shipping" }) },
  "fulfillment shipped": {
    happen: (c) => c.send({ type: "fulfillment.shipped", trackingNumber: "ORD1" } as never),
  },
  "fulfillment returning": {
    happen: (c) => c.send({ type: "fulfillment.returning", cause: "refused" } as never),
  },
  "fulfillment returned": {
    happen: (c) => c.send({ type: "fulfillment.returned", cause: "refused", goods: "restocked" } as never),
  },
  "fulfillment delivered": { happen: (c) => c.send({ type: "fulfillment.delivered" }) },
  cancel: { happen: (c) => c.send({ type: "cancel", reason: "changed my mind" } as never) },
  unrelated: { happen: (c) => c.send({ type: "something.else" }) },
} satisfies Record<string, When>;

type W = keyof typeof when;

const reach =
  (method: PaymentMethod, ...path: W[]) =>
  (): Chart => {
    const chart = new Chart(orderMachine, orderInput(method));
    for (const event of path) when[event].happen(chart);
    return chart;
  };

/** The customer agreed to this total. */
const agreed =
  (expectedTotal: Money, ...path: W[]) =>
  (): Chart => {
    const chart = new Chart(orderMachine, { ...orderInput("credit_card"), expectedTotal });
    for (const event of path) when[event].happen(chart);
    return chart;
  };

const cancelled: Then = { to: "cancelled", emits: ["order.cancelled", "order.closed"] };
const rejected: Then = { to: "rejected", emits: ["order.closed", "order.rejected"] };
const rejectedLate: Then = { ...rejected, emits: [...rejected.emits!, "order.rejected_unanswered"] };
const ready: W[] = ["reserved", "payment authorized", "fulfillment ready"];
const shipped: W[] = [...ready, "fulfillment shipping", "fulfillment shipped"];
const cashShipped = shipped.filter((event) => event !== "payment authorized");
const returned: Then = { to: "returned", emits: ["order.returned"] };
const notDelivered = {
  "fulfillment returning": { to: "returning", emits: ["order.returning"] },
  "fulfillment returned": returned,
};
const awaitingInventory: Then = { to: "awaiting_inventory", delays: [1000] };

checkScenarios<W>({
  machine: orderMachine,
  when,
  given: {
    "reserving, to be paid by card": {
      reach: reach("credit_card"),
      outcomes: {
        reserved: { to: "authorizing", emits: ["order.priced", "order.created"] },
        "out of stock": rejected,
        "unknown sku": rejected,
        "mixed currency": rejected,
        "hold ended before": rejected,
        "inventory silent": awaitingInventory,
        "inventory refuses": rejected,
      },
    },
    "reserving, to be paid on a page": {
      reach: reach("async"),
      outcomes: {
        reserved: { to: "awaiting_payment", emits: ["order.priced", "order.created"] },
        "out of stock": rejected,
        "unknown sku": rejected,
        "mixed currency": rejected,
        "hold ended before": rejected,
        "inventory silent": awaitingInventory,
        "inventory refuses": rejected,
      },
    },
    "reserving, to be paid on delivery": {
      reach: reach("in_person"),
      outcomes: {
        reserved: { to: "confirmed", emits: ["order.priced", "order.created", "order.confirmed"] },
        "out of stock": rejected,
        "unknown sku": rejected,
        "mixed currency": rejected,
        "hold ended before": rejected,
        "inventory silent": awaitingInventory,
        "inventory refuses": rejected,
      },
    },
    "reserving, the total as agreed": {
      reach: agreed(total),
      outcomes: {
        reserved: { to: "authorizing", emits: ["order.priced", "order.created"] },
        "out of stock": rejected,
        "unknown sku": rejected,
        "mixed currency": rejected,
        "hold ended before": rejected,
        "inventory silent": awaitingInventory,
        "inventory refuses": rejected,
      },
    },
    "reserving again, another total agreed": {
      reach: agreed({ ...total, amount: total.amount - 1 }, "inventory silent", "pause over"),
      outcomes: {
        reserved: rejectedLate,
        "out of stock": rejectedLate,
        "unknown sku": rejectedLate,
        "mixed currency": rejectedLate,
        "hold ended before": rejectedLate,
        "inventory silent": { to: "awaiting_inventory", delays: [2000] },
        "inventory refuses": rejectedLate,
      },
    },
    "an inventory that did not answer": {
      reach: reach("credit_card", "inventory silent"),
      outcomes: { "pause over": { to: "reserving", invokes: ["reserveInventory"] } },
    },
    "an inventory that did not answer seven times": {
      reach: reach(
        "credit_card",
        ...Array.from({ length: 7 }, (): W[] => ["inventory silent", "pause over"]).flat(),
      ),
      outcomes: {
        reserved: { to: "authorizing", emits: ["order.priced", "order.created"] },
        "out of stock": rejectedLate,
        "unknown sku": rejectedLate,
        "mixed currency": rejectedLate,
        "hold ended before": rejectedLate,
        "inventory silent": rejectedLate,
        "inventory refuses": rejectedLate,
      },
    },
    "reserving, with a caller that does not wait": {
      reach: () => new Chart(orderMachine, { ...orderInput("credit_card"), unattended: true }),
      outcomes: {
        reserved: { to: "authorizing", emits: ["order.priced", "order.created"] },
        "out of stock": rejectedLate,
        "unknown sku": rejectedLate,
        "mixed currency": rejectedLate,
        "hold ended before": rejectedLate,
        "inventory silent": awaitingInventory,
        "inventory refuses": rejectedLate,
      },
    },
    rejected: { reach: reach("credit_card", "out of stock"), outcomes: {} },
    authorizing: {
      reach: reach("tokenized", "reserved"),
      outcomes: {
        "payment authorized": { to: "confirmed", emits: ["order.confirmed"] },
        "payment failed": { to: "payment_failed", emits: ["order.payment_failed", "order.closed"] },
        "payment expired": { to: "payment_expired", emits: ["order.payment_expired", "order.closed"] },
        cancel: cancelled,
      },
    },
    "awaiting the payment on a page": {
      reach: reach("async", "reserved"),
      outcomes: {
        "payment authorized": { to: "confirmed", emits: ["order.confirmed"] },
        "payment failed": { to: "payment_failed", emits: ["order.payment_failed", "order.closed"] },
        "payment expired": { to: "payment_expired", emits: ["order.payment_expired", "order.closed"] },
        cancel: cancelled,
      },
    },
    "payment failed": { reach: reach("debit_card", "reserved", "payment failed"), outcomes: {} },
    "payment expired": { reach: reach("debit_card", "reserved", "payment expired"), outcomes: {} },
    confirmed: {
      reach: reach("credit_card", "reserved", "payment authorized"),
      outcomes: { "fulfillment ready": { to: "ready", emits: ["order.ready"] }, cancel: cancelled },
    },
    ready: {
      reach: reach("credit_card", ...ready),
      outcomes: { "fulfillment shipping": { to: "shipping" }, cancel: cancelled },
    },
    shipping: {
      reach: reach("credit_card", ...ready, "fulfillment shipping"),
      outcomes: { "fulfillment shipped": { to: "shipped", emits: ["order.shipped"] } },
    },
    "shipped, paid already": {
      reach: reach("debit_card", ...shipped),
      outcomes: {
        "fulfillment delivered": { to: "completed", emits: ["order.completed"] },
        ...notDelivered,
      },
    },
    "shipped, to be paid at the door": {
      reach: reach("cash_on_delivery", ...cashShipped),
      outcomes: { "fulfillment delivered": { to: "delivered" }, ...notDelivered },
    },
    "returning, paid already": {
      reach: reach("debit_card", ...shipped, "fulfillment returning"),
      outcomes: {
        "fulfillment delivered": { to: "completed", emits: ["order.completed"] },
        "fulfillment returned": returned,
      },
    },
    "returning, to be paid at the door": {
      reach: reach("cash_on_delivery", ...cashShipped, "fulfillment returning"),
      outcomes: { "fulfillment delivered": { to: "delivered" }, "fulfillment returned": returned },
    },
    returned: { reach: reach("credit_card", ...shipped, "fulfillment returned"), outcomes: {} },
    delivered: {
      reach: reach("cash_on_delivery", ...cashShipped, "fulfillment delivered"),
      outcomes: { "payment collected": { to: "completed", emits: ["order.completed"] } },
    },
    completed: { reach: reach("credit_card", ...shipped, "fulfillment delivered"), outcomes: {} },
    cancelled: { reach: reach("credit_card", "reserved", "cancel"), outcomes: {} },
  },
});

t.test("events name the order and its total, nothing of a person and nothing secret", async (t) => {
  const chart = new Chart(orderMachine, orderInput("credit_card"));
  const facts = { orderId: "ord_1", total: { amount: 3998, currency: "EUR" } };
  const lines = [
    { sku: "TSHIRT-M", name: "T-shirt M", quantity: 2, unitPrice: { amount: 1999, currency: "EUR" } },
  ];
  t.strictSame(when.reserved.happen(chart).emitted, [
    { type: "order.priced", lines, total: facts.total },
    { type: "order.created", ...facts },
  ]);
  t.strictSame(when["payment authorized"].happen(chart).emitted, [{ type: "order.confirmed", ...facts }]);
  t.strictSame(when["fulfillment ready"].happen(chart).emitted, [{ type: "order.ready", ...facts }]);
  when["fulfillment shipping"].happen(chart);
  t.strictSame(when["fulfillment shipped"].happen(chart).emitted, [
    { type: "order.shipped", ...facts, trackingNumber: "ORD1" },
  ]);
  t.notMatch(JSON.stringify(chart.live.context), /tok_secret|Ada|Main St|cus_1/u);

  const failed = reach("credit_card", "reserved")();
  t.strictSame(when["payment failed"].happen(failed).emitted, [
    { type: "order.payment_failed", ...facts, reason: "card_declined" },
    { type: "order.closed", orderId: "ord_1", held: true },
  ]);

  const other = reach("credit_card", "reserved")();
  t.strictSame(when.cancel.happen(other).emitted, [
    { type: "order.cancelled", ...facts, reason: "changed my mind" },
    { type: "order.closed", orderId: "ord_1", held: true },
  ]);
});

t.test("an order that comes back carries the cause, and what became of the goods", async (t) => {
  const chart = reach("debit_card", ...shipped)();
  t.match(when["fulfillment returning"].happen(chart).emitted, [
    { type: "order.returning", orderId: "ord_1", cause: "refused" },
  ]);
  t.match(when["fulfillment returned"].happen(chart).emitted, [
    { type: "order.returned", orderId: "ord_1", cause: "refused", goods: "restocked" },
  ]);
  t.match(chart.live.context, { reason: "refused" });
});

t.test("a rejected order names every missing line, and whether stock may be held for it", async (t) => {
  const sold = reach("credit_card")();
  const [closed, rejected] = when["out of stock"].happen(sold).emitted as unknown as Record<
    string,
    unknown
  >[];
  t.match(closed, { type: "order.closed", held: false });
  t.strictSame(rejected?.["rejection"], outOfStock);

  const unclear = reach("credit_card")();
  t.match(when["inventory refuses"].happen(unclear).emitted[0], { type: "order.closed", held: true });
});

t.test(
  "an order at another total than agreed gives its stock back, in another currency as well",
  async (t) => {
    for (const expected of [
      { ...total, amount: total.amount + 1 },
      { ...total, currency: "USD" },
    ]) {
      const chart = agreed(expected)();
      const [closed, rejected] = when.reserved.happen(chart).emitted as unknown as Record<string, unknown>[];
      t.match(closed, { type: "order.closed", held: true });
      t.match(rejected, {
        type: "order.rejected",
        rejection: { outcome: "price_changed", total, lines: [{ sku: "TSHIRT-M", quantity: 2 }] },
      });
      t.equal(chart.live.context.total, null, "it never had a total");
    }
  },
);

t.test("the reservation is requested at the start, for the whole order", async (t) => {
  const chart = reach("credit_card")();
  t.strictSame(chart.started.invoked, ["reserveInventory"]);
  t.strictSame(chart.effects.get("reserveInventory"), { orderId: "ord_1" });
});
