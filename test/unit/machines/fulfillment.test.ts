import t from "tap";
import { fulfillmentMachine } from "../../../machines/fulfillment.ts";
import type { OrderInput, PaymentMethod } from "../../../machines/types.ts";
import { Chart } from "./chart.ts";
import { orderInput, total } from "./order-input.ts";
import { checkScenarios } from "./scenarios.ts";
import type { Then, When } from "./scenarios.ts";

const { shippingAddress } = orderInput();
const invoice = { number: "2026-000001", issuedAt: "2026-11-22T20:00:00.000Z" };
const send = (event: object): When => ({ happen: (chart) => chart.send(event as never) });

const when = {
  confirmed: send({ type: "order.confirmed", total, shippingAddress }),
  "closed, held": send({ type: "order.closed", orderId: "ord_1", held: true }),
  "closed, nothing held": send({ type: "order.closed", orderId: "ord_1", held: false }),
  "payment captured": send({ type: "payment.captured" }),
  "invoice issued": send({ type: "invoice.issued", ...invoice }),
  pick: send({ type: "pick" }),
  "check passed": send({ type: "quality-check", passed: true }),
  "check failed": send({ type: "quality-check", passed: false }),
  pack: send({ type: "pack" }),
  ship: send({ type: "ship" }),
  deliver: send({ type: "deliver" }),
  "deliver and collect": send({ type: "deliver", collected: total }),
  "deliver and collect too little": send({ type: "deliver", collected: { ...total, amount: 1 } }),
  "deliver and collect nothing": send({ type: "deliver", collected: { ...total, amount: 0 } }),
  "deliver and collect another currency": send({ type: "deliver", collected: { ...total, currency: "USD" } }),
  retry: send({ type: "retry" }),
  "late label": send({ type: "effect.late.createShippingLabel", output: { trackingNumber: "ORD1" } }),
  unheard: send({ type: "something.else" }),
  "pause over": { timer: true, happen: (c) => c.elapse() },
  labelled: {
    effect: "createShippingLabel",
    happen: (c) => c.settle("createShippingLabel", { trackingNumber: "ORD1" }),
  },
  "no label": { effect: "createShippingLabel", happen: (c) => c.fail("createShippingLabel", "retryable") },
  "stock shipped": {
    effect: "shipInventory",
    happen: (c) => c.settle("shipInventory", { outcome: "shipped" }),
  },
  "stock released before": {
    effect: "shipInventory",
    happen: (c) => c.settle("shipInventory", { outcome: "released" }),
  },
  "stock not shipped": { effect: "shipInventory", happen: (c) => c.fail("shipInventory", "retryable") },
  "stock released": {
    effect: "releaseInventory",
    happen: (c) => c.settle("releaseInventory", { outcome: "released" }),
  },
  "stock not released": {
    effect: "releaseInventory",
    happen: (c) => c.fail("releaseInventory", "retryable"),
  },
} satisfies Record<string, When>;

type W = keyof typeof when;

const auto = { mode: "auto", stepDelayMs: 1500 } as const;
const manual = { mode: "manual", stepDelayMs: 1500 } as const;

const reach =
  (method: PaymentMethod, plan: OrderInput["fulfillment"], ...path: W[]) =>
  (): Chart => {
    const chart = new Chart(fulfillmentMachine, orderInput(method, plan));
    for (const event of path) when[event].happen(chart);
    return chart;
  };

const releasing: Then = { to: "releasing.giving_back", invokes: ["releaseInventory"] };
const closed = { "closed, held": releasing, "closed, nothing held": releasing };
const labelling = (to: string): Then => ({
  to,
  emits: ["fulfillment.packed"],
  invokes: ["createShippingLabel"],
});
const handingOver: Then = {
  to: "shipping.handing_over",
  emits: ["fulfillment.shipping"],
  invokes: ["shipInventory"],
};
const delivered: Then = { to: "delivered", emits: ["fulfillment.delivered"] };

const packed: W[] = ["confirmed", "pick", "check passed", "pack"];
const ready: W[] = [...packed, "labelled"];
const invoiced: W[] = [...ready, "invoice issued"];
const shipped: W[] = [...invoiced, "ship", "stock shipped"];
const steps = (count: number): W[] => Array.from({ length: count }, (): W => "pause over");
const autoReady: W[] = ["confirmed", ...steps(3), "labelled"];
const autoShipped: W[] = [...autoReady, "invoice issued", ...steps(1), "stock shipped"];

checkScenarios<W>({
  machine: fulfillmentMachine,
  when,
  given: {
    "unconfirmed, to be driven by a warehouse": {
      reach: reach("debit_card", manual),
      outcomes: {
        confirmed: { to: "stored.awaiting", emits: ["fulfillment.stored"] },
        "closed, held": releasing,
        "closed, nothing held": { to: "unused" },
      },
    },
    "unconfirmed, to run by itself": {
      reach: reach("debit_card", auto),
      outcomes: {
        confirmed: { to: "stored.pausing", emits: ["fulfillment.stored"], delays: [1500] },
        "closed, held": releasing,
        "closed, nothing held": { to: "unused" },
      },
    },
    unused: { reach: reach("debit_card", manual, "closed, nothing held"), outcomes: {} },
    stored: {
      reach: reach("debit_card", manual, "confirmed"),
      outcomes: { pick: { to: "picked.awaiting", emits: ["fulfillment.picked"] }, ...closed },
    },
    picked: {
      reach: reach("debit_card", manual, "confirmed", "pick"),
      outcomes: {
        "check passed": { to: "quality_checked.awaiting", emits: ["fulfillment.quality_checked"] },
        "check failed": { to: "stored.awaiting", emits: ["fulfillment.quality_failed"] },
        ...closed,
      },
    },
    "stored again after a failed check": {
      reach: reach("debit_card", manual, "confirmed", "pick", "check failed"),
      outcomes: { pick: { to: "picked.awaiting", emits: ["fulfillment.picked"] }, ...closed },
    },
    "quality checked": {
      reach: reach("debit_card", manual, "confirmed", "pick", "check passed"),
      outcomes: { pack: labelling("packed.labelling"), ...closed },
    },
    "stored, pausing": {
      reach: reach("debit_card", auto, "confirmed"),
      outcomes: {
        "pause over": { to: "picked.pausing", emits: ["fulfillment.picked"], delays: [1500] },
        ...closed,
      },
    },
    "picked, pausing": {
      reach: reach("debit_card", auto, "confirmed", ...steps(1)),
      outcomes: {
        "pause over": {
          to: "quality_checked.pausing",
          emits: ["fulfillment.quality_checked"],
          delays: [1500],
        },
        ...closed,
      },
    },
    "quality checked, pausing": {
      reach: reach("debit_card", auto, "confirmed", ...steps(2)),
      outcomes: { "pause over": labelling("packed.labelling"), ...closed },
    },
    "labelling, paid already": {
      reach: reach("debit_card", manual, ...packed),
      outcomes: {
        labelled: { to: "ready.invoicing", emits: ["fulfillment.ready"] },
        "no label": { to: "packed.label_failed", delays: [1000] },
        ...closed,
      },
    },
    "labelling, to be captured": {
      reach: reach("tokenized", manual, ...packed),
      outcomes: {
        labelled: { to: "packed.capturing", emits: ["capture.requested"] },
        "no label": { to: "packed.label_failed", delays: [1000] },
        ...closed,
      },
    },
    "label failed": {
      reach: reach("credit_card", manual, ...packed, "no label"),
      outcomes: {
        "pause over": { to: "packed.labelling", invokes: ["createShippingLabel"] },
        retry: { to: "packed.labelling", invokes: ["createShippingLabel"] },
        ...closed,
      },
    },
    "held until captured": {
      reach: reach("credit_card", manual, ...ready),
      outcomes: {
        "payment captured": { to: "ready.invoicing", emits: ["fulfillment.ready"] },
        ...closed,
      },
    },
    "without an invoice": {
      reach: reach("in_person", manual, ...ready),
      outcomes: { "invoice issued": { to: "ready.awaiting", emits: ["invoice.created"] }, ...closed },
    },
    "without an invoice, by itself": {
      reach: reach("in_person", auto, ...autoReady),
      outcomes: {
        "invoice issued": { to: "ready.pausing", emits: ["invoice.created"], delays: [1500] },
        ...closed,
      },
    },
    ready: { reach: reach("in_person", manual, ...invoiced), outcomes: { ship: handingOver, ...closed } },
    "ready, pausing": {
      reach: reach("in_person", auto, ...autoReady, "invoice issued"),
      outcomes: { "pause over": handingOver, ...closed },
    },
    "handing over": {
      reach: reach("in_person", manual, ...invoiced, "ship"),
      outcomes: {
        "stock shipped": { to: "shipped.awaiting", emits: ["fulfillment.shipped"] },
        "stock released before": { to: "shipping.handover_failed", delays: [1000] },
        "stock not shipped": { to: "shipping.handover_failed", delays: [1000] },
      },
    },
    "handing over, by itself": {
      reach: reach("in_person", auto, ...autoReady, "invoice issued", ...steps(1)),
      outcomes: {
        "stock shipped": { to: "shipped.pausing", emits: ["fulfillment.shipped"], delays: [1500] },
        "stock released before": { to: "shipping.handover_failed", delays: [1000] },
        "stock not shipped": { to: "shipping.handover_failed", delays: [1000] },
      },
    },
    "handover failed": {
      reach: reach("in_person", manual, ...invoiced, "ship", "stock not shipped"),
      outcomes: {
        "pause over": { to: "shipping.handing_over", invokes: ["shipInventory"] },
        retry: { to: "shipping.handing_over", invokes: ["shipInventory"] },
      },
    },
    "shipped, to be paid at the door": {
      reach: reach("cash_on_delivery", manual, ...shipped),
      outcomes: { "deliver and collect": delivered },
    },
    "shipped, paid already": {
      reach: reach("debit_card", manual, ...shipped),
      outcomes: { deliver: delivered, "deliver and collect nothing": delivered },
    },
    "shipped, pausing": {
      reach: reach("cash_on_delivery", auto, ...autoShipped),
      outcomes: { "pause over": delivered },
    },
    delivered: { reach: reach("debit_card", manual, ...shipped, "deliver"), outcomes: {} },
    releasing: {
      reach: reach("debit_card", manual, "confirmed", "closed, held"),
      outcomes: {
        "stock released": { to: "released" },
        "stock not released": { to: "releasing.release_failed", delays: [1000] },
      },
    },
    "release failed": {
      reach: reach("debit_card", manual, "confirmed", "closed, held", "stock not released"),
      outcomes: { "pause over": releasing, retry: releasing },
    },
    released: { reach: reach("debit_card", manual, "closed, held", "stock released"), outcomes: {} },
  },
});

t.test("the address is kept from the confirmation until the label is made", async (t) => {
  const chart = reach("debit_card", manual, ...packed)();
  t.strictSame(chart.effects.get("createShippingLabel"), { orderId: "ord_1", shippingAddress });
  when.labelled.happen(chart);
  t.notMatch(JSON.stringify(chart.live.context), "Main St");
  t.match(chart.live.context, { trackingNumber: "ORD1" });
});

t.test("a delivery tells what was collected at the door, and nothing for what was paid before", async (t) => {
  const cash = reach("cash_on_delivery", auto, ...autoShipped)();
  t.match(when["pause over"].happen(cash).emitted, [{ type: "fulfillment.delivered", collected: total }]);
  const debit = reach("debit_card", manual, ...shipped)();
  t.match(when.deliver.happen(debit).emitted, [{ type: "fulfillment.delivered", collected: null }]);
});

t.test("an invoice is told with its number and kept", async (t) => {
  const chart = reach("debit_card", manual, ...ready)();
  t.strictSame(when["invoice issued"].happen(chart).emitted, [
    { type: "invoice.created", orderId: "ord_1", ...invoice },
  ]);
  t.match(chart.live.context, { invoice });
});

t.test("a release that keeps failing is tried with growing pauses, then left to an operator", async (t) => {
  const chart = reach("debit_card", manual, "confirmed", "closed, held")();
  let tries = 0;
  for (; tries < 60 && chart.effects.size > 0; tries++) {
    when["stock not released"].happen(chart);
    chart.elapse();
  }
  t.equal(tries, 48);
  t.equal(chart.state, "releasing.release_failed");
  t.strictSame(when.retry.happen(chart).invoked, ["releaseInventory"]);
});
