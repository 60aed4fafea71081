/** given / when / then of a payment on the gateway's page; part of payment.test.ts. */
import {
  expired,
  failed,
  reach,
  refundFailed,
  refunding,
  unused,
  voidFailed,
  voiding,
  watching,
  type W,
} from "./payment-stage.ts";
import type { Scenarios, Then } from "./scenarios.ts";

const waiting: W[] = ["order created", "page made"];
const checking: W[] = [...waiting, "poll due"];
const pageExpired: W[] = [...waiting, "deadline over"];
const paid: Then = { to: "captured", emits: ["payment.authorized", "payment.captured"] };
const paidTooLate: Then = { ...refunding, emits: ["payment.authorized", "payment.captured"] };
/** Remembered, and given back once the void has been answered. */
const heardWhileVoiding: Then = { ...paid, to: "reversing.voiding" };
const asked: Then = { to: "hosted.pending.checking", invokes: ["checkPayment"] };
const unpaid: W[] = [...pageExpired, "nothing to void"];
const looks = (times: number): W[] =>
  Array.from({ length: times }, (): W[] => ["check due", "found closed"]).flat();
const waits = (ms: number): Then => ({ to: "hosted.pending.waiting", delays: [ms] });

/** Of a page that is being voided. */
const whileVoidingPage = {
  voided: { ...watching, emits: ["payment.voided"] },
  "nothing to void": watching,
  "void lapsed": { to: "reversing.asking", invokes: ["checkPayment"] },
  "void refused": { to: "reversing.asking", invokes: ["checkPayment"] },
  "void unknown": voidFailed(1000),
  "reported paid": heardWhileVoiding,
  "reported another amount": heardWhileVoiding,
} as const;

/** States of a payment on a page, with the outcome of every input. */
export const hostedGiven: Scenarios<W>["given"] = {
  "a page before the order is created": {
    reach: reach("async"),
    outcomes: {
      "order created": { to: "hosted.requesting", invokes: ["createPaymentPage"] },
      "order created for nothing": { to: "free.captured", emits: ["payment.authorized", "payment.captured"] },
      "order closed": unused,
    },
  },
  "a page that is being made": {
    reach: reach("async", "order created"),
    outcomes: {
      "page made": { to: "hosted.pending.waiting", delays: [900_000, 2000] },
      "page refused": failed,
      "page unknown": expired,
      "order closed": { to: "reversing.awaiting_page" },
      "reported paid": { to: "hosted.requesting" },
      "reported declined": { to: "hosted.requesting" },
      "reported another amount": { to: "hosted.requesting" },
      "reported another payment": { to: "hosted.requesting" },
    },
  },
  "a report before the page is known": {
    reach: reach("async", "order created", "reported paid"),
    outcomes: {
      "page made": { ...asked, delays: [900_000] },
      "page refused": failed,
      "page unknown": expired,
      "order closed": { to: "reversing.awaiting_page" },
      "reported paid": { to: "hosted.requesting" },
      "reported declined": { to: "hosted.requesting" },
      "reported another amount": { to: "hosted.requesting" },
      "reported another payment": { to: "hosted.requesting" },
    },
  },
  "a page that waits for the customer": {
    reach: reach("async", ...waiting),
    outcomes: {
      "reported paid": paid,
      "reported declined": failed,
      "reported another amount": asked,
      "reported another payment": asked,
      "poll due": asked,
      "deadline over": expired,
      "order closed": voiding,
    },
  },
  "a page that is polled": {
    reach: reach("async", ...checking),
    outcomes: {
      "found pending": waits(4000),
      "found paid": paid,
      // The deadline decides, not the gateway's clock.
      "found closed": waits(4000),
      "found declined": failed,
      "check failed": waits(4000),
      "reported paid": paid,
      "reported declined": failed,
      "reported another amount": asked,
      "reported another payment": asked,
      "deadline over": expired,
      "order closed": voiding,
    },
  },
  "cancelled while the page was being made": {
    reach: reach("async", "order created", "order closed"),
    outcomes: {
      "late page": voiding,
      "reported paid": { ...paid, to: "reversing.awaiting_page" },
      "reported another amount": { ...paid, to: "reversing.awaiting_page" },
    },
  },
  "a page that expired": {
    reach: reach("async", ...pageExpired),
    outcomes: whileVoidingPage,
  },
  "a page of a cancelled order": {
    reach: reach("async", ...waiting, "order closed"),
    outcomes: whileVoidingPage,
  },
  "a page that was made after its order ended": {
    reach: reach("async", "order created", "order closed", "late page"),
    outcomes: whileVoidingPage,
  },
  "paid while the page was being voided": {
    reach: reach("async", ...pageExpired, "reported paid"),
    outcomes: {
      voided: { ...refunding, emits: ["payment.voided"] },
      "nothing to void": refunding,
      "void lapsed": refunding,
      "void refused": refunding,
      "void unknown": voidFailed(1000),
    },
  },
  "a page that is not voided": {
    reach: reach("async", ...pageExpired, "void refused"),
    outcomes: {
      "found paid": paidTooLate,
      "found pending": voidFailed(1000),
      "found closed": voidFailed(1000),
      "found declined": voidFailed(1000),
      "check failed": voidFailed(1000),
      "reported paid": paidTooLate,
      "reported another amount": paidTooLate,
    },
  },
  "a page that expired unpaid": {
    reach: reach("async", ...unpaid),
    outcomes: {
      "reported paid": paidTooLate,
      "reported another amount": paidTooLate,
      "check due": { to: "watching.looking", invokes: ["checkPayment"] },
    },
  },
  "a page that is checked after its end": {
    reach: reach("async", ...unpaid, "check due"),
    outcomes: {
      "found paid": paidTooLate,
      "found pending": { to: "watching.waiting", delays: [8000] },
      "found closed": { to: "watching.waiting", delays: [8000] },
      "found declined": { to: "expired" },
      "check failed": { to: "watching.waiting", delays: [8000] },
      "reported paid": paidTooLate,
      "reported another amount": paidTooLate,
    },
  },
  "a page that is checked for the last time": {
    reach: reach("async", ...unpaid, ...looks(7), "check due"),
    outcomes: {
      "found paid": paidTooLate,
      "found pending": { to: "expired" },
      "found closed": { to: "expired" },
      "found declined": { to: "expired" },
      "check failed": { to: "expired" },
      "reported paid": paidTooLate,
      "reported another amount": paidTooLate,
    },
  },
  "a page of a cancelled order that is checked for the last time": {
    reach: reach("async", ...waiting, "order closed", "nothing to void", ...looks(7), "check due"),
    outcomes: {
      "found paid": paidTooLate,
      "found pending": { to: "voided" },
      "found closed": { to: "voided" },
      "found declined": { to: "voided" },
      "check failed": { to: "voided" },
      "reported paid": paidTooLate,
      "reported another amount": paidTooLate,
    },
  },
  "a page that expired unpaid long ago": {
    reach: reach("async", ...unpaid, ...looks(8)),
    outcomes: { "reported paid": paidTooLate, "reported another amount": paidTooLate },
  },
  "a page of an order cancelled long ago": {
    reach: reach("async", ...waiting, "order closed", "nothing to void", ...looks(8)),
    outcomes: { "reported paid": paidTooLate, "reported another amount": paidTooLate },
  },
  "a page that was declined": {
    reach: reach("async", ...waiting, "reported declined"),
    outcomes: { "reported paid": paidTooLate, "reported another amount": paidTooLate },
  },
  "nothing to pay on a page": {
    reach: reach("async", "order created for nothing"),
    outcomes: { "order closed": unused, "sent back": unused },
  },
  "paid on a page": {
    reach: reach("async", ...waiting, "reported paid"),
    outcomes: { "order closed": refunding, "sent back": refunding },
  },
  "refunding what was paid on a page": {
    reach: reach("async", ...waiting, "reported paid", "order closed"),
    outcomes: {
      refunded: { to: "refunded", emits: ["payment.refunded"] },
      "refund refused": refundFailed(1000),
      "refund unknown": refundFailed(1000),
    },
  },
  "paid too late and refunded": {
    reach: reach("async", ...pageExpired, "nothing to void", "reported paid", "refunded"),
    outcomes: {},
  },
};
