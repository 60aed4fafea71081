/** The money of an order's page: the rule of `orderly reconcile`, held to it for every state and method. */
import t from "tap";
import { paymentMachine } from "../../../machines/payment.ts";
import { expected, sumsAtGateway } from "../../../src/services/payments/reconciliation.ts";
import { methodTitles } from "../../../console/src/orders/list-filter.ts";
import { impliedSums, laneOf, type LedgerEntry, sumsOf } from "../../../console/src/order/money.ts";
import { outsideOf } from "../../../console/src/order/outside-events.ts";
import type { PaymentMethod } from "../../../console/src/api/types.ts";

const methods = Object.keys(methodTitles) as PaymentMethod[];
const entry = (kind: LedgerEntry["kind"], amount: number): LedgerEntry => ({
  idempotencyKey: `k-${kind}`,
  orderId: "ord_1",
  kind,
  amount,
  currency: "EUR",
  at: "2026-11-30T10:00:00.000Z",
});

const mail = (at: string, text: string) => ({ to: "a@b.c", subject: "Order shipped", text, at });

t.test("every state implies the sums that the reconciliation expects", async (t) => {
  const states = Object.keys(paymentMachine.root.states);
  t.ok(states.length > 10);
  for (const state of states)
    for (const method of methods)
      t.strictSame(
        impliedSums(state, method, 3998),
        expected({
          orderId: "ord_1",
          value: state,
          context: {
            orderId: "ord_1",
            method,
            amount: { amount: 3998, currency: "EUR" },
            attempt: 1,
            tries: 0,
          },
          underWay: false,
        }),
        `${state}, ${method}`,
      );
});

t.test("the bookings are summed as the reconciliation does", async (t) => {
  const entries = [
    entry("authorize", 3998),
    entry("capture", 3000),
    entry("void", 998),
    entry("refund", 10),
    entry("lapse", 1),
  ];
  for (const method of methods) t.strictSame(sumsOf(entries, method), sumsAtGateway(entries, method), method);
});

t.test("a sum that differs is marked, and one that is not known is not compared", async (t) => {
  const sums = { authorized: 100, settled: 100, refunded: 0 };
  t.match(laneOf(sums, { ...sums, settled: 200 }), [
    { name: "authorized", verdict: "agrees" },
    { name: "captured", ours: 100, gateway: 200, verdict: "differs" },
    { name: "refunded", verdict: "agrees" },
  ]);
  for (const lane of [laneOf(undefined, sums), laneOf(sums, undefined)])
    t.strictSame(new Set(lane.map(({ verdict }) => verdict)), new Set(["unknown"]));
});

t.test("mails and parcels of the order alone are in its timeline, in their order", async (t) => {
  const parcel = {
    orderId: "ord_1",
    trackingNumber: "TRK1",
    status: "lost",
    labelledAt: "2026-11-30T10:00:00Z",
    handedOverAt: "2026-11-30T10:00:02Z",
    deliveredAt: null,
    failedAt: "2026-11-30T10:00:09Z",
  };
  t.strictSame(
    outsideOf(
      "ord_1",
      [mail("2026-11-30T10:00:03.000Z", "order ord_1"), mail("2026-11-30T10:00:01.000Z", "order ord_2")],
      [parcel, { ...parcel, orderId: "ord_2" }],
    ).map(({ text }) => text),
    [
      "parcel TRK1 has a label",
      "parcel TRK1 is with the carrier",
      "mail “Order shipped” arrived",
      "parcel TRK1 is lost",
    ],
  );
});
