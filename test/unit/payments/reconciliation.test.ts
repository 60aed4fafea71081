/** What differs between an order's payment and the gateway's ledger, and what does not. */
import t from "tap";
import type { PaymentMethod } from "../../../machines/types.ts";
import {
  type Booking,
  difference,
  type KnownPayment,
} from "../../../src/services/payments/reconciliation.ts";
import { orderInput, total } from "../machines/order-input.ts";

const payment = (value: unknown, method: PaymentMethod = "credit_card", underWay = false): KnownPayment => ({
  orderId: "ord_1",
  value,
  context: {
    orderId: "ord_1",
    customer: orderInput().customer,
    method,
    amount: total,
    attempt: 1,
    tries: 0,
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
  [payment({ reversing: "void_failed" }), booked("authorize")],
];

t.test("what belongs together is no difference", async (t) => {
  for (const [known, bookings] of equal)
    t.equal(difference("ord_1", known, bookings), undefined, `${String(known.value)} ${bookings.length}`);
  t.equal(difference("ord_1", undefined, []), undefined);
});

const wrong: readonly (readonly [string, KnownPayment | undefined, Booking[], RegExp])[] = [
  ["money of nobody", undefined, booked("authorize"), /unknown order/u],
  ["a second authorisation", payment("authorized"), booked("authorize", "authorize"), /sides differ/u],
  ["a capture too much", payment("authorized"), booked("authorize", "capture"), /sides differ/u],
  ["a capture that is not there", payment("captured"), booked("authorize"), /sides differ/u],
  ["a refund of nothing", payment("authorized"), booked("authorize", "refund"), /cannot be/u],
  ["two captures of one sum", payment("captured"), booked("authorize", "capture", "capture"), /cannot be/u],
  ["money of a failed payment", payment("failed"), booked("authorize"), /sides differ/u],
  ["money of an expired payment", payment("expired"), booked("authorize"), /expired/u],
  ["a refund that is not there", payment("refunded"), booked("authorize", "capture"), /sides differ/u],
  ["sums that cannot be, under way too", payment("x", "credit_card", true), booked("capture"), /cannot be/u],
];

t.test("every difference is named, with both sides and what to do", async (t) => {
  for (const [what, known, bookings, problem] of wrong) {
    const found = difference("ord_1", known, bookings);
    t.match(found?.problem, problem, what);
    t.ok(found && found.advice !== "" && found.gatewaySays !== "" && found.weSay !== "", what);
  }
  const dollars = booked("authorize").map((one) => ({ ...one, currency: "USD" }));
  t.match(difference("ord_1", payment("authorized"), dollars)?.problem, /currency/u);
});
