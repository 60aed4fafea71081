/** What a scan means on the warehouse page. */
import t from "tap";
import type { Order, OrderRow } from "../../../console/src/api/types.ts";
import { collects, isComplete, readAmount, readScan, stepOf } from "../../../console/src/warehouse/steps.ts";
import { order as example } from "../../support/http-services.ts";

const order = {
  ...example,
  lines: example.lines.map((line) => ({ ...line, quantity: 3, cancelled: 1 })),
} as unknown as Order;
const queue = [
  { id: "ord_7", fulfillment: { status: "shipped", trackingNumber: "TRK-7" } },
] as unknown as OrderRow[];

const at = (fulfillment: string, payment = "authorized") =>
  stepOf({
    fulfillment: { status: fulfillment, trackingNumber: null },
    payment: { method: "credit_card", status: payment, reason: null, url: null },
  });

t.test("a piece is counted until all that are not canceled are there", async (t) => {
  const one = readScan("tshirt-m", order, queue, {});
  t.strictSame(one, { kind: "counted", sku: "TSHIRT-M", counted: { "TSHIRT-M": 1 } });
  t.equal(isComplete(order, { "TSHIRT-M": 1 }), false);
  t.equal(isComplete(order, { "TSHIRT-M": 2 }), true);
  t.match(readScan("TSHIRT-M", order, queue, { "TSHIRT-M": 2 }), { kind: "refused", why: /All 2/u });
});

t.test("an order is opened by its id, in the queue or not, and by the number of its parcel", async (t) => {
  t.strictSame(readScan(" TRK-7 ", order, queue, {}), { kind: "opens", id: "ord_7" });
  t.strictSame(readScan("ord_7", undefined, queue, {}), { kind: "opens", id: "ord_7" });
  t.strictSame(readScan("ord_8", undefined, queue, {}), { kind: "opens", id: "ord_8" });
  t.match(readScan("MUG-RED", order, queue, {}), { kind: "refused", why: /MUG-RED is not in this order/u });
});

t.test("an amount is read to the cent, and nothing is guessed", async (t) => {
  for (const [text, digits, amount] of [
    ["39.98", 2, 3998],
    ["39,9", 2, 3990],
    [" 40 ", 2, 4000],
    ["39.985", 2, undefined],
    ["1.000,50", 2, undefined],
    ["-1", 2, undefined],
    ["", 2, undefined],
    ["500", 0, 500],
    ["500.5", 0, undefined],
  ] as const)
    t.equal(readAmount(text, digits), amount, text);
});

t.test("the next step of an order follows from its states", async (t) => {
  t.equal(at("stored"), "pick");
  t.equal(at("picked"), "check");
  t.equal(at("shipped"), "deliver");
  t.equal(at("packed"), undefined);
  t.equal(at("packed", "capture_failed"), "held");
  t.equal(at("delivered"), undefined);
  t.equal(collects(order), false);
  t.equal(collects({ payment: { ...order.payment, method: "in_person" } }), true);
});
