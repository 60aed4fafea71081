/** What each view shows of an order, wherever it is in an answer. */
import t from "tap";
import { shownTo } from "../../../src/http/access/personal-view.ts";
import { personalViewOf } from "../../../src/services/access/contract.ts";
import { order } from "../../support/http-services.ts";

const noted = { ...order, note: "call Ada first", metadata: { gift: "for Ada" } };

t.test("the masked view keeps the order and hides its person", (t) => {
  t.strictSame(shownTo("masked", { item: { version: 3 }, order: noted }), {
    item: { version: 3 },
    order: {
      ...order,
      customer: { id: "cus_1", email: "masked", name: "masked" },
      shippingAddress: { line1: "masked", city: "masked", postalCode: "masked", country: "PT" },
      note: "masked",
      metadata: { gift: "masked" },
    },
  });
  t.end();
});

t.test("e-mail addresses are masked in any text, and other texts stay", (t) => {
  const letter = { reason: "550 <ada@example.com> unknown; cc a.b+c@x.example", kind: "failed", attempts: 1 };
  const hidden = { reason: "550 <masked> unknown; cc masked", kind: "failed", attempts: 1 };
  t.strictSame(shownTo("masked", [letter]), [hidden]);
  t.strictSame(shownTo("warehouse", letter), hidden);
  t.equal(shownTo("shown", letter), letter);
  t.strictSame(shownTo("masked", { note: "of a chart", customer: "waits" }), {
    note: "masked",
    customer: "masked",
  });
  t.strictSame(shownTo("masked", { note: "of a chart", name: "order" }), {
    note: "of a chart",
    name: "order",
  });
  t.end();
});

t.test("the warehouse sees the parcel, and neither e-mail nor payment", (t) => {
  const seen = shownTo("warehouse", noted) as typeof noted;
  t.strictSame(seen.shippingAddress, order.shippingAddress);
  t.strictSame(seen.customer, { id: "cus_1", email: "masked", name: "Ada Byron" });
  t.strictSame(seen.payment, { method: "credit_card", status: "masked", reason: null, url: null });
  t.equal(seen.note, "call Ada first");
  const history = {
    events: ["order.confirmed", "payment.authorized"],
    transitions: [{ machine: "payment", from: "a", to: "b" }, { machine: "order" }],
    sent: [{ from: "payment", to: "order", type: "paid" }],
    effects: { opened: ["payment.capturePayment", "fulfillment.label"], closed: [] },
    machines: { payment: { state: "captured" }, order: { state: "confirmed" } },
  };
  t.strictSame(shownTo("warehouse", history), {
    events: ["order.confirmed"],
    transitions: [{ machine: "order" }],
    sent: [],
    effects: { opened: ["fulfillment.label"], closed: [] },
    machines: { order: { state: "confirmed" } },
  });
  t.end();
});

t.test("of several roles the view is the one that shows least, unless one sees everything", (t) => {
  for (const [roles, view] of [
    [["customer"], "shown"],
    [["channel"], "shown"],
    [["support"], "shown"],
    [["admin", "read-only"], "shown"],
    [["warehouse"], "warehouse"],
    [["warehouse", "channel"], "warehouse"],
    [["operator"], "masked"],
    [["operator", "warehouse"], "masked"],
    [["customer", "read-only"], "masked"],
  ] as const)
    t.equal(personalViewOf(roles), view, roles.join());
  t.end();
});
