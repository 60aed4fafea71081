/** What can happen to a payment, and what follows in more than one place. */
import { paymentMachine } from "../../../machines/payment.ts";
import type { PaymentMethod } from "../../../machines/types.ts";
import { Chart } from "./chart.ts";
import {
  authorized,
  authorizedForAWeek,
  declined,
  declinedReport,
  orderInput,
  page,
  paidOnPage,
  paidReport,
  total,
} from "./order-input.ts";
import type { Then, When } from "./scenarios.ts";

const late = (source: string, outcome: object): When => ({
  happen: (chart) => chart.send({ type: `effect.late.${source}`, ...outcome }),
});
const failure = (kind: string): object => ({ error: { code: "gateway_error", message: "", kind } });

/** All that can happen to a payment. */
export const when = {
  "order created": { happen: (c) => c.send({ type: "order.created", total } as never) },
  "order created for nothing": {
    happen: (c) => c.send({ type: "order.created", total: { ...total, amount: 0 } } as never),
  },
  "order closed": {
    happen: (c) => c.send({ type: "order.closed", orderId: "ord_1", held: true } as never),
  },
  "capture requested": { happen: (c) => c.send({ type: "capture.requested" }) },
  "sent back": {
    happen: (c) => c.send({ type: "fulfillment.returned", cause: "lost", goods: "written_off" } as never),
  },
  delivered: { happen: (c) => c.send({ type: "fulfillment.delivered", collected: total } as never) },
  retry: { happen: (c) => c.send({ type: "retry" }) },
  "pause over": { timer: true, armed: "retryDelay", happen: (c) => c.elapse("retryDelay") },
  unrelated: { happen: (c) => c.send({ type: "something.else" }) },

  authorized: { effect: "authorizePayment", happen: (c) => c.settle("authorizePayment", authorized) },
  "authorized for a week": {
    effect: "authorizePayment",
    happen: (c) => c.settle("authorizePayment", authorizedForAWeek),
  },
  "time lapsed": {
    timer: true,
    armed: "authorization.lapse",
    happen: (c) => c.elapse("authorization.lapse"),
  },
  declined: { effect: "authorizePayment", happen: (c) => c.settle("authorizePayment", declined) },
  "authorization refused": {
    effect: "authorizePayment",
    happen: (c) => c.fail("authorizePayment", "refused"),
  },
  "authorization timed out": {
    effect: "authorizePayment",
    happen: (c) => c.fail("authorizePayment", "unknown", "timeout"),
  },
  "gateway unreachable": {
    effect: "authorizePayment",
    happen: (c) => c.fail("authorizePayment", "retryable"),
  },
  "late authorization": late("authorizePayment", { output: authorized }),
  "late decline": late("authorizePayment", { output: declined }),
  "late refusal": late("authorizePayment", failure("refused")),
  "late unknown": late("authorizePayment", failure("unknown")),

  "page made": { effect: "createPaymentPage", happen: (c) => c.settle("createPaymentPage", page) },
  "page refused": { effect: "createPaymentPage", happen: (c) => c.fail("createPaymentPage", "refused") },
  "page unknown": { effect: "createPaymentPage", happen: (c) => c.fail("createPaymentPage", "unknown") },
  "late page": late("createPaymentPage", { output: page }),
  "deadline over": {
    timer: true,
    armed: "deadline",
    happen: (c) => c.elapse("deadline"),
  },
  "check due": { timer: true, armed: "lookDelay", happen: (c) => c.elapse("lookDelay") },
  "poll due": { timer: true, armed: "pollDelay", happen: (c) => c.elapse("pollDelay") },
  "found pending": {
    effect: "checkPayment",
    happen: (c) => c.settle("checkPayment", { outcome: "pending" }),
  },
  "found paid": { effect: "checkPayment", happen: (c) => c.settle("checkPayment", paidOnPage) },
  "found declined": {
    effect: "checkPayment",
    happen: (c) => c.settle("checkPayment", { outcome: "declined", reason: "no" }),
  },
  "found closed": {
    effect: "checkPayment",
    happen: (c) => c.settle("checkPayment", { outcome: "closed" }),
  },
  "check failed": { effect: "checkPayment", happen: (c) => c.fail("checkPayment", "unknown") },
  "reported paid": { happen: (c) => c.send(paidReport) },
  "reported declined": { happen: (c) => c.send(declinedReport) },
  "reported another amount": {
    happen: (c) => c.send({ ...paidReport, amount: { amount: 1, currency: "EUR" } } as never),
  },
  "reported another payment": {
    happen: (c) => c.send({ ...declinedReport, payment: "pay_2" } as never),
  },

  captured: {
    effect: "capturePayment",
    happen: (c) => c.settle("capturePayment", { outcome: "captured" }),
  },
  "capture declined": {
    effect: "capturePayment",
    happen: (c) => c.settle("capturePayment", { outcome: "declined", reason: "insufficient_funds" }),
  },
  "capture lapsed": {
    effect: "capturePayment",
    happen: (c) => c.settle("capturePayment", { outcome: "declined", reason: "authorization_expired" }),
  },
  "capture lapsed, as a failure": {
    effect: "capturePayment",
    happen: (c) => c.fail("capturePayment", "refused", "authorization_expired"),
  },
  "capture refused": { effect: "capturePayment", happen: (c) => c.fail("capturePayment", "refused") },
  "capture unknown": { effect: "capturePayment", happen: (c) => c.fail("capturePayment", "unknown") },
  "late capture": late("capturePayment", { output: { outcome: "captured" } }),
  "late capture declined": late("capturePayment", { output: { outcome: "declined", reason: "no" } }),
  "late capture lapsed": late("capturePayment", {
    output: { outcome: "declined", reason: "authorization_expired" },
  }),
  "late capture unknown": late("capturePayment", failure("unknown")),

  voided: { effect: "voidPayment", happen: (c) => c.settle("voidPayment", { outcome: "voided" }) },
  "nothing to void": {
    effect: "voidPayment",
    happen: (c) => c.settle("voidPayment", { outcome: "nothing_to_void" }),
  },
  "void refused": { effect: "voidPayment", happen: (c) => c.fail("voidPayment", "refused") },
  "void lapsed": {
    effect: "voidPayment",
    happen: (c) => c.fail("voidPayment", "refused", "authorization_expired"),
  },
  "void unknown": { effect: "voidPayment", happen: (c) => c.fail("voidPayment", "unknown") },

  refunded: { effect: "refundPayment", happen: (c) => c.settle("refundPayment", { outcome: "refunded" }) },
  "refund refused": { effect: "refundPayment", happen: (c) => c.fail("refundPayment", "refused") },
  "refund unknown": { effect: "refundPayment", happen: (c) => c.fail("refundPayment", "unknown") },
} satisfies Record<string, When>;

/** Name of an input. */
export type W = keyof typeof when;

/** What the gateway can make of an effect. */
export function paymentOutcomes(effect: string): W[] {
  const outcomes = Object.entries<When>(when).filter(([, one]) => one.effect === effect);
  return outcomes.map(([name]) => name as W);
}

/** The payment after all of that. */
export const reach =
  (method: PaymentMethod, ...path: W[]) =>
  (): Chart => {
    const chart = new Chart(paymentMachine, orderInput(method));
    for (const event of path) when[event].happen(chart);
    return chart;
  };

/** The order ended before its payment began. */
export const unused: Then = { to: "unused" };
/** The payment failed. */
export const failed: Then = { to: "failed", emits: ["payment.failed"] };
/** The payment expired. */
export const expired: Then = {
  to: "reversing.voiding",
  emits: ["payment.expired"],
  invokes: ["voidPayment"],
};
/** The void is in flight. */
export const voiding: Then = { to: "reversing.voiding", invokes: ["voidPayment"] };
/** After an order with a page that was not paid: it may still be paid. */
export const watching: Then = { to: "watching.waiting", delays: [2000] };
/** The authorization had lapsed before the void. */
export const lapsed: Then = { to: "expired", emits: ["payment.expired"] };
/** The refund is in flight. */
export const refunding: Then = { to: "reversing.refunding", invokes: ["refundPayment"] };
/** The void failed; the next try follows after `ms`. */
export const voidFailed = (ms: number): Then => ({ to: "reversing.void_failed", delays: [ms] });
/** The refund failed; the next try follows after `ms`. */
export const refundFailed = (ms: number): Then => ({ to: "reversing.refund_failed", delays: [ms] });
