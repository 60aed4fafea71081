/** Labels are made once per key, parcels are delivered once, and both survive a restart. */
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { Courier } from "../../../nodes/carrier/courier.ts";
import { type LabelRequest, type Shipment, Shipments } from "../../../nodes/carrier/shipments.ts";
import { waitUntil } from "../../support/wait-until.ts";

const noon = Date.UTC(2026, 10, 27, 12);
const collect = { amount: 3998, currency: "EUR" };
const request: LabelRequest = {
  orderId: "ord_1",
  shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
  collect,
};

const pathOf = (t: Test): string => join(t.testdir(), "sub", "shipments.jsonl");

function open(t: Test, path: string, now: () => number = () => noon): Shipments {
  const shipments = new Shipments(path, now);
  t.teardown(() => shipments.close());
  return shipments;
}

function made(shipment: ReturnType<Shipments["label"]>): Shipment {
  if ("refused" in shipment) throw new Error(shipment.code);
  return shipment;
}

t.test("a key has one label, which counts once; with another request it is refused", async (t) => {
  const shipments = open(t, pathOf(t));
  const first = made(shipments.label("ord_1:label", request));
  t.match(first, { trackingNumber: /^ORD[0-9A-F]{14}$/, status: "labelled", collect, collected: null });
  t.same(shipments.label("ord_1:label", request), first);
  t.same(shipments.labelOf("ord_1:label"), first);
  t.equal(shipments.labelOf("ord_2:label"), undefined);
  t.same(shipments.label("ord_1:label", { ...request, collect: null }), {
    refused: 422,
    code: "idempotency_key_reused",
  });
  t.not(
    made(shipments.label("ord_2:label", { ...request, orderId: "ord_2" })).trackingNumber,
    first.trackingNumber,
  );
  t.equal(shipments.list().length, 2);
  t.same(shipments.list("ord_1"), [first]);
});

t.test("a parcel is handed over and delivered once, with the amount to collect by default", async (t) => {
  const shipments = open(t, pathOf(t));
  const { trackingNumber } = made(shipments.label("k", request));
  t.same(shipments.handOver(trackingNumber, "ord_9"), { refused: 404, code: "unknown_shipment" });
  t.same(shipments.deliver("ORD0"), { refused: 404, code: "unknown_shipment" });
  const handedOver = made(shipments.handOver(trackingNumber, "ord_1"));
  t.match(handedOver, { status: "handed_over", handedOverAt: "2026-11-27T12:00:00.000Z" });
  t.same(shipments.handOver(trackingNumber, "ord_1"), handedOver, "again");
  t.match(shipments.deliver(trackingNumber), { status: "delivered", collected: collect });
  t.same(shipments.deliver(trackingNumber), { refused: 409, code: "already_delivered" });
  t.match(shipments.handOver(trackingNumber, "ord_1"), { status: "delivered" }, "too late to matter");
  const other = made(shipments.label("k2", request));
  t.match(shipments.deliver(other.trackingNumber, null), { status: "delivered", collected: null });
});

t.test(
  "a parcel that does not stay with its receiver is reported in each of its states, and ends once",
  async (t) => {
    const shipments = open(t, pathOf(t));
    const messages: [string, unknown][] = [];
    const report = (id: string, message: object): void => void messages.push([id, message]);
    const courier = new Courier({ shipments, deliverAfterMs: undefined, report, now: () => noon });
    const { trackingNumber } = made(shipments.label("k", request));
    shipments.handOver(trackingNumber, "ord_1");
    t.match(courier.fail(trackingNumber, "refused"), {
      status: "refused",
      failedAt: "2026-11-27T12:00:00.000Z",
    });
    t.same(courier.fail(trackingNumber, "unclaimed"), { refused: 409, code: "already_refused" });
    t.match(courier.fail(trackingNumber, "returned"), { status: "returned" });
    for (const late of [courier.fail(trackingNumber, "lost"), courier.deliver(trackingNumber)])
      t.same(late, { refused: 409, code: "already_returned" });
    const data = { trackingNumber, orderId: "ord_1" };
    const timestamp = "2026-11-27T12:00:00.000Z";
    t.strictSame(messages, [
      [`msg_${trackingNumber}_refused`, { type: "shipment.refused", timestamp, data }],
      [`msg_${trackingNumber}_returned`, { type: "shipment.returned", timestamp, data }],
    ]);
    t.same(shipments.unreported(), []);
    t.same(courier.fail("ORD0", "lost"), { refused: 404, code: "unknown_shipment" });
    const second = made(shipments.label("k2", request)).trackingNumber;
    courier.fail(second, "unclaimed");
    t.match(
      courier.deliver(second),
      { status: "delivered", collected: collect },
      "a second attempt succeeds",
    );
  },
);

t.test("after a restart labels, parcels and missing reports are as before", async (t) => {
  const path = pathOf(t);
  const before = new Shipments(path, () => noon);
  const first = made(before.label("k1", request));
  const second = made(before.label("k2", request));
  before.handOver(first.trackingNumber, "ord_1");
  before.deliver(first.trackingNumber);
  before.deliver(second.trackingNumber);
  before.reported(second.trackingNumber);
  const all = before.list();
  before.close();
  // The process ended while it wrote: no client was answered.
  appendFileSync(path, readFileSync(path, "utf8").slice(0, 30));
  const after = open(t, path);
  t.same(after.list(), all);
  t.equal(made(after.label("k1", request)).trackingNumber, first.trackingNumber);
  t.same(
    after.unreported().map(({ trackingNumber }) => trackingNumber),
    [first.trackingNumber],
  );
});

t.test("every delivery is reported to the shop once, also one that a crash left unreported", async (t) => {
  const path = pathOf(t);
  const before = new Shipments(path, () => noon);
  const { trackingNumber } = made(before.label("k1", request));
  before.deliver(trackingNumber);
  before.close();
  const shipments = open(t, path);
  const reports: [string, object][] = [];
  const report = (id: string, message: object): void => void reports.push([id, message]);
  const options = { shipments, deliverAfterMs: undefined, report, now: () => noon };
  const message = {
    type: "shipment.delivered",
    timestamp: "2026-11-27T12:00:00.000Z",
    data: { trackingNumber, orderId: "ord_1", collected: collect },
  };
  const courier = new Courier(options);
  t.same(reports, [[`msg_${trackingNumber}_delivered`, message]]);
  t.match(courier.deliver(trackingNumber), { refused: 409 });
  new Courier(options).stop();
  t.equal(reports.length, 1);
});

t.test(
  "a parcel that was handed over is delivered automatically, also by the next process; a label alone is not",
  async (t) => {
    const shipments = open(t, pathOf(t), Date.now);
    const reports: string[] = [];
    const options = {
      shipments,
      deliverAfterMs: 20,
      report: (id: string): void => void reports.push(id),
      now: Date.now,
    };
    const [label, ...parcels] = ["k1", "k2", "k3"].map((key) => made(shipments.label(key, request)));
    const first = new Courier(options);
    first.handOver(parcels[0]!.trackingNumber, "ord_1");
    first.handOver(parcels[1]!.trackingNumber, "ord_1");
    first.deliver(parcels[1]!.trackingNumber, null);
    first.stop();
    const second = new Courier(options);
    t.teardown(() => second.stop());
    await waitUntil("it is delivered", () => reports.length === 2);
    t.match(shipments.find(parcels[0]!.trackingNumber), { status: "delivered", collected: collect });
    t.match(shipments.find(parcels[1]!.trackingNumber), { status: "delivered", collected: null });
    t.match(shipments.find(label!.trackingNumber), { status: "labelled" });
  },
);
