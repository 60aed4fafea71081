/** Differences between an order's payment and the gateway's ledger, and pairs that agree. */
import t from "tap";
import type { PaymentMethod } from "../../../../machines/types.ts";
import {
  type Booking,
  difference,
  type KnownPayment,
} from "../../../../src/services/payments/reconciliation.ts";
import { total } from "../../machines/order-input.ts";

const payment = (
  value: unknown,
  method: PaymentMethod = "credit_card",
  underWay = false,
  tries = 0,
): KnownPayment => ({
  orderId: "ord_1",
  value,
  context: {
    orderId: "ord_1",
    method,
    amount: total,
    attempt: 1,
    tries,
  },
  underWay,
});
const booked = (...kinds: Booking["kind"][]): Booking[] =>
  kinds.map((kind) => ({ orderId: "ord_1", kind, ...total }));

const equal: readonly (readonly [KnownPayment, Booking[]])[] = [
  [payment("due", "cash_on_delivery"), []],
  [payment("collected", "in_person"), []],
  [payment("failed"), []],
  [payment("authorized"), booked("authorize")],
  [payment("authorized", "debit_card"), booked("authorize")],
  [payment("capture_failed"), booked("authorize")],
  [payment("captured"), booked("authorize", "capture")],
  [payment("captured", "async"), booked("authorize", "capture")],
  [payment("voided"), booked("authorize", "void")],
  [payment("voided"), []],
  [payment("refunded"), booked("authorize", "capture", "refund")],
  [payment("refunded", "debit_card"), booked("authorize", "refund")],
  [payment("expired"), []],
  [payment("expired"), booked("authorize", "void")],
  [payment("expired", "debit_card"), booked("authorize", "refund")],
  [payment("authorizing", "credit_card", true), booked("authorize")],
  [payment({ reversing: "void_failed" }, "credit_card", false, 47), booked("authorize")],
  [payment({ reversing: "refund_failed" }, "async", false, 47), booked("authorize", "capture")],
  [payment({ reversing: "refunding" }, "async", true, 48), booked("authorize", "capture")],
  [payment("lapsed"), booked("authorize", "lapse")],
  [payment("capture_lapsed"), booked("authorize", "lapse")],
  [payment("expired"), booked("authorize", "lapse")],
  [payment({ watching: "waiting" }, "async"), []],
  [payment({ free: "captured" }), []],
];

t.test("a payment and its bookings that agree are no difference", async (t) => {
  for (const [known, bookings] of equal)
    t.equal(difference("ord_1", known, bookings), undefined, `${String(known.value)} ${bookings.length}`);
  t.equal(difference("ord_1", undefined, []), undefined);
});

const wrong: readonly (readonly [string, KnownPayment | undefined, Booking[], RegExp])[] = [
  ["money without an order", undefined, booked("authorize"), /unknown order/u],
  ["a second authorization", payment("authorized"), booked("authorize", "authorize"), /sides differ/u],
  ["a capture too much", payment("authorized"), booked("authorize", "capture"), /sides differ/u],
  ["a capture that is not there", payment("captured"), booked("authorize"), /sides differ/u],
  ["a refund of nothing", payment("authorized"), booked("authorize", "refund"), /impossible sums/u],
  [
    "two captures of one sum",
    payment("captured"),
    booked("authorize", "capture", "capture"),
    /impossible sums/u,
  ],
  ["money of a failed payment", payment("failed"), booked("authorize"), /sides differ/u],
  ["money of an expired payment", payment("expired"), booked("authorize"), /has ended/u],
  [
    "money that the order does not know",
    payment({ watching: "waiting" }, "async"),
    booked("authorize", "capture"),
    /has ended/u,
  ],
  [
    "money for an order that costs nothing",
    payment({ free: "authorized" }),
    booked("authorize"),
    /sides differ/u,
  ],
  [
    "a lapse that the order does not know",
    payment("authorized"),
    booked("authorize", "lapse"),
    /sides differ/u,
  ],
  ["an authorization that has not lapsed", payment("lapsed"), booked("authorize"), /sides differ/u],
  [
    "a void that is not tried any more",
    payment({ reversing: "void_failed" }, "async", false, 48),
    booked("authorize", "capture"),
    /a void was abandoned/u,
  ],
  [
    "a refund that is not tried any more",
    payment({ reversing: "refund_failed" }, "debit_card", false, 48),
    booked("authorize"),
    /a refund was abandoned/u,
  ],
  ["a refund that is not there", payment("refunded"), booked("authorize", "capture"), /sides differ/u],
  [
    "impossible sums, in flight too",
    payment("x", "credit_card", true),
    booked("capture"),
    /impossible sums/u,
  ],
];

t.test("every difference is reported, with both sides and advice", async (t) => {
  for (const [what, known, bookings, problem] of wrong) {
    const found = difference("ord_1", known, bookings);
    t.match(found?.problem, problem, what);
    t.ok(found && found.advice !== "" && found.gatewaySays !== "" && found.weSay !== "", what);
  }
  const dollars = booked("authorize").map((one) => ({ ...one, currency: "USD" }));
  t.match(difference("ord_1", payment("authorized"), dollars)?.problem, /currency/u);
  const second = [...booked("authorize"), ...booked("capture").map((one) => ({ ...one, currency: "USD" }))];
  t.match(difference("ord_1", payment("captured"), second)?.problem, /currency/u, "one booking of several");
});
