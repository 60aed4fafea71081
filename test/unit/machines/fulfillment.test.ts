import t from "tap";
import { fulfillmentMachine } from "../../../machines/fulfillment.ts";
import { auto, invoice, manual, reach, type W, when } from "./fulfillment-stage.ts";
import { total } from "./order-input.ts";
import { credited, disputed, returns, sentBack } from "./fulfillment-return.ts";
import { checkScenarios, type Then } from "./scenarios.ts";

const releasing: Then = { to: "releasing.giving_back", invokes: ["releaseInventory"] };
const closed = { "closed, held": releasing, "closed, nothing held": releasing };
const labelling = (to: string): Then => ({
  to,
  emits: ["fulfillment.packed"],
  invokes: ["createShippingLabel"],
});
const retrieving: Then = { to: "ready.retrieving", invokes: ["retrieveInvoice"] };
const handingOver: Then = {
  to: "shipping.handing_over",
  emits: ["fulfillment.shipping"],
  invokes: ["shipInventory"],
};
const consigning: Then = { to: "shipping.consigning", invokes: ["handOverParcel"] };
const delivered: Then = { to: "delivered", emits: ["fulfillment.delivered"] };
/** Shipped, and delivered in the same step: the carrier's report was faster. */
const shippedAndDelivered: Then = {
  to: "delivered",
  emits: ["fulfillment.shipped", "fulfillment.delivered"],
};
/** The machine keeps the carrier's report and stays in its state. */
const kept = (to: string): Partial<Record<W, Then>> => ({
  "carrier delivered": { to },
  "carrier delivered and collected": { to },
  "carrier delivered and collected too little": { to },
  "carrier refused": { to },
  "carrier unclaimed": { to },
  "carrier lost": { to },
  "carrier returned": { to },
});

const packed: W[] = ["confirmed", "pick", "check passed", "pack"];
const ready: W[] = [...packed, "labelled"];
const invoiced: W[] = [...ready, "invoice issued"];
const retrieved: W[] = [...invoiced, "ship", "retrieved"];
const stockGone: W[] = [...retrieved, "stock shipped"];
const shipped: W[] = [...stockGone, "handed over"];
const steps = (count: number): W[] => Array.from({ length: count }, (): W => "pause over");
const autoReady: W[] = ["confirmed", ...steps(3), "labelled"];
const autoRetrieved: W[] = [...autoReady, "invoice issued", ...steps(1), "retrieved"];
const autoShipped: W[] = [...autoRetrieved, "stock shipped"];

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
    "making the label, paid already": {
      reach: reach("debit_card", manual, ...packed),
      outcomes: {
        labelled: { to: "ready.invoicing", emits: ["fulfillment.ready"] },
        "no label": { to: "packed.label_failed", delays: [1000] },
        ...closed,
      },
    },
    "making the label, to be captured": {
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
    ready: { reach: reach("in_person", manual, ...invoiced), outcomes: { ship: retrieving, ...closed } },
    "ready, pausing": {
      reach: reach("in_person", auto, ...autoReady, "invoice issued"),
      outcomes: { "pause over": retrieving, ...closed },
    },
    retrieving: {
      reach: reach("in_person", manual, ...invoiced, "ship"),
      outcomes: {
        retrieved: handingOver,
        "not retrieved": { to: "ready.retrieval_failed", delays: [1000] },
        ...closed,
      },
    },
    "retrieving, by itself": {
      reach: reach("credit_card", auto, ...autoReady, "payment captured", "invoice issued", ...steps(1)),
      outcomes: {
        retrieved: handingOver,
        "not retrieved": { to: "ready.retrieval_failed", delays: [1000] },
        ...closed,
      },
    },
    "retrieval failed": {
      reach: reach("in_person", manual, ...invoiced, "ship", "not retrieved"),
      outcomes: { "pause over": retrieving, retry: retrieving, ...closed },
    },
    "handing over": {
      reach: reach("in_person", manual, ...retrieved),
      outcomes: {
        ...kept("shipping.handing_over"),
        "stock shipped": consigning,
        "stock released before": { to: "shipping.handover_failed", delays: [1000] },
        "stock not shipped": { to: "shipping.handover_failed", delays: [1000] },
      },
    },
    "handing over, by itself": {
      reach: reach("in_person", auto, ...autoRetrieved),
      outcomes: {
        ...kept("shipping.handing_over"),
        "stock shipped": { to: "shipped.pausing", emits: ["fulfillment.shipped"], delays: [1500] },
        "stock released before": { to: "shipping.handover_failed", delays: [1000] },
        "stock not shipped": { to: "shipping.handover_failed", delays: [1000] },
      },
    },
    "handover failed": {
      reach: reach("in_person", manual, ...retrieved, "stock not shipped"),
      outcomes: {
        ...kept("shipping.handover_failed"),
        "pause over": { to: "shipping.handing_over", invokes: ["shipInventory"] },
        retry: { to: "shipping.handing_over", invokes: ["shipInventory"] },
      },
    },
    "handing over a parcel without a carrier": {
      reach: () => {
        const chart = reach("debit_card", manual, ...retrieved)();
        chart.changeContext({ ownLabel: true });
        return chart;
      },
      outcomes: {
        ...kept("shipping.handing_over"),
        "stock shipped": { to: "shipped.awaiting", emits: ["fulfillment.shipped"] },
        "stock released before": { to: "shipping.handover_failed", delays: [1000] },
        "stock not shipped": { to: "shipping.handover_failed", delays: [1000] },
      },
    },
    consigning: {
      reach: reach("in_person", manual, ...stockGone),
      outcomes: {
        ...kept("shipping.consigning"),
        "handed over": { to: "shipped.awaiting", emits: ["fulfillment.shipped"] },
        "not handed over": { to: "shipping.consignment_failed", delays: [1000] },
      },
    },
    "consignment failed": {
      reach: reach("in_person", manual, ...stockGone, "not handed over"),
      outcomes: { ...kept("shipping.consignment_failed"), "pause over": consigning, retry: consigning },
    },
    "consigning, and delivered already": {
      reach: reach("in_person", manual, ...stockGone, "carrier delivered and collected"),
      outcomes: {
        ...kept("shipping.consigning"),
        "handed over": shippedAndDelivered,
        "not handed over": { to: "shipping.consignment_failed", delays: [1000] },
      },
    },
    "shipped, to be paid at the door": {
      reach: reach("cash_on_delivery", manual, ...shipped),
      outcomes: {
        "deliver and collect": delivered,
        "carrier delivered and collected": delivered,
        "carrier delivered": disputed,
        "carrier delivered and collected too little": disputed,
        ...sentBack(manual),
      },
    },
    "shipped, paid already": {
      reach: reach("debit_card", manual, ...shipped),
      outcomes: {
        deliver: delivered,
        "deliver and collect nothing": delivered,
        "carrier delivered": delivered,
        "carrier delivered and collected": disputed,
        "carrier delivered and collected too little": disputed,
        ...sentBack(manual),
      },
    },
    "shipped, pausing": {
      reach: reach("cash_on_delivery", auto, ...autoShipped),
      outcomes: {
        "pause over": delivered,
        "carrier delivered and collected": delivered,
        "carrier delivered": disputed,
        "carrier delivered and collected too little": disputed,
        ...sentBack(auto),
      },
    },
    "shipped, pausing, paid already": {
      reach: reach(
        "debit_card",
        auto,
        ...autoReady,
        "invoice issued",
        ...steps(1),
        "retrieved",
        "stock shipped",
      ),
      outcomes: {
        "pause over": delivered,
        "carrier delivered": delivered,
        "carrier delivered and collected": disputed,
        "carrier delivered and collected too little": disputed,
        ...sentBack(auto),
      },
    },
    delivered: { reach: reach("debit_card", manual, ...shipped, "deliver"), outcomes: {} },
    releasing: {
      reach: reach("debit_card", manual, "confirmed", "closed, held"),
      outcomes: {
        "stock released": { to: "released" },
        "stock not released": { to: "releasing.release_failed", delays: [1000] },
        ...credited("releasing.giving_back"),
      },
    },
    "release failed": {
      reach: reach("debit_card", manual, "confirmed", "closed, held", "stock not released"),
      outcomes: { "pause over": releasing, retry: releasing, ...credited("releasing.release_failed") },
    },
    released: {
      reach: reach("debit_card", manual, "closed, held", "stock released"),
      outcomes: credited("released"),
    },
    "released, with a credit note": {
      reach: reach("debit_card", manual, "closed, held", "stock released", "credit note issued"),
      outcomes: {},
    },
    ...returns({ stockGone, shipped, autoShipped }),
  },
});

t.test(
  "a label names the amount to collect at the door, and none when the order is paid before",
  async (t) => {
    const inputs = (["cash_on_delivery", "tokenized"] as const).map((method) =>
      reach(method, manual, ...packed)().effects.get("createShippingLabel"),
    );
    t.strictSame(inputs, [{ orderId: "ord_1", collect: total }, { orderId: "ord_1" }]);
  },
);

t.test("the invoice is retrieved by its number, and its size and digest are kept", async (t) => {
  const chart = reach("debit_card", manual, ...invoiced, "ship")();
  t.strictSame(chart.effects.get("retrieveInvoice"), { orderId: "ord_1", number: invoice.number });
  when.retrieved.happen(chart);
  t.match(chart.live.context, { invoice, document: { bytes: 20_000, sha256: "digest" } });
});

t.test("the machine never has the address, and keeps the number of the label", async (t) => {
  const chart = reach("debit_card", manual, ...packed)();
  when.labelled.happen(chart);
  t.notMatch(JSON.stringify(chart.live.context), "Main St");
  t.match(chart.live.context, { trackingNumber: "ORD1" });
});

t.test(
  "a delivery names the amount collected at the door, and null when the order was paid before",
  async (t) => {
    const cash = reach("cash_on_delivery", auto, ...autoShipped)();
    t.match(when["pause over"].happen(cash).emitted, [{ type: "fulfillment.delivered", collected: total }]);
    const debit = reach("debit_card", manual, ...shipped)();
    t.match(when.deliver.happen(debit).emitted, [{ type: "fulfillment.delivered", collected: null }]);
  },
);

t.test("an issued invoice is emitted with its number, and kept", async (t) => {
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
