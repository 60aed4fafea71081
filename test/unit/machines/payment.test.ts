import t from "tap";
import { paymentMachine } from "../../../machines/payment.ts";
import { total } from "./order-input.ts";
import { hostedGiven } from "./payment-hosted.ts";
import { captureFailed, captureLapsed, capturing, lapsingGiven } from "./payment-lapsing.ts";
import {
  expired,
  failed,
  lapsed,
  reach,
  refundFailed,
  refunding,
  unused,
  voidFailed,
  voiding,
  type W,
  when,
} from "./payment-stage.ts";
import { checkScenarios } from "./scenarios.ts";

const atGateway: W[] = ["order created", "capture requested"];
const card: W[] = ["order created", "authorized"];
const debitCancelled: W[] = [...card, "order closed"];
const timedOut: W[] = ["order created", "authorization timed out"];

checkScenarios<W>({
  machine: paymentMachine,
  when,
  given: {
    "a card before the order is created": {
      reach: reach("credit_card"),
      outcomes: {
        "order created": { to: "authorizing", invokes: ["authorizePayment"] },
        "order created for nothing": { to: "free.authorized", emits: ["payment.authorized"] },
        "order closed": unused,
      },
    },
    "cash before the order is created": {
      reach: reach("cash_on_delivery"),
      outcomes: {
        "order created": { to: "due" },
        "order created for nothing": { to: "due" },
        "order closed": unused,
      },
    },
    "a payment that is not needed": { reach: reach("credit_card", "order closed"), outcomes: {} },
    ...hostedGiven,
    ...lapsingGiven,
    "nothing to pay by credit card": {
      reach: reach("credit_card", "order created for nothing"),
      outcomes: {
        "capture requested": { to: "free.captured", emits: ["payment.captured"] },
        "order closed": unused,
        "sent back": unused,
      },
    },
    "nothing to pay by debit card": {
      reach: reach("debit_card", "order created for nothing"),
      outcomes: { "order closed": unused, "sent back": unused },
    },
    "nothing captured by credit card": {
      reach: reach("tokenized", "order created for nothing", "capture requested"),
      outcomes: { "order closed": unused, "sent back": unused },
    },
    due: {
      reach: reach("in_person", "order created"),
      outcomes: {
        delivered: { to: "collected", emits: ["payment.collected"] },
        "order closed": unused,
        "sent back": unused,
      },
    },
    collected: { reach: reach("in_person", "order created", "delivered"), outcomes: {} },
    authorizing: {
      reach: reach("tokenized", ...atGateway.slice(0, 1)),
      outcomes: {
        authorized: { to: "authorized", emits: ["payment.authorized"] },
        "authorized for a week": {
          to: "authorized",
          emits: ["payment.authorized"],
          delays: [604_800_000],
        },
        declined: failed,
        "authorization refused": failed,
        "authorization timed out": expired,
        "gateway unreachable": expired,
        "order closed": { to: "reversing.awaiting_authorization" },
      },
    },
    "authorizing what is settled at once": {
      reach: reach("debit_card", "order created"),
      outcomes: {
        authorized: { to: "authorized", emits: ["payment.authorized"] },
        "authorized for a week": { to: "authorized", emits: ["payment.authorized"] },
        declined: failed,
        "authorization refused": failed,
        "authorization timed out": expired,
        "gateway unreachable": expired,
        "order closed": { to: "reversing.awaiting_authorization" },
      },
    },
    failed: { reach: reach("credit_card", "order created", "declined"), outcomes: {} },
    "authorized, to be captured": {
      reach: reach("credit_card", ...card),
      outcomes: { "capture requested": capturing, "order closed": voiding },
    },
    "authorized and settled at once": {
      reach: reach("debit_card", ...card),
      outcomes: { "order closed": refunding, "sent back": refunding },
    },
    capturing: {
      reach: reach("credit_card", ...card, "capture requested"),
      outcomes: {
        captured: { to: "captured", emits: ["payment.captured"] },
        "capture declined": captureFailed(1000),
        "capture lapsed": captureLapsed,
        "capture lapsed, as a failure": captureLapsed,
        "capture refused": captureFailed(1000),
        "capture unknown": captureFailed(1000),
        "order closed": { to: "reversing.awaiting_capture" },
      },
    },
    "capture failed": {
      reach: reach("credit_card", ...card, "capture requested", "capture declined"),
      outcomes: { "pause over": capturing, retry: capturing, "order closed": voiding },
    },
    "capture failed twice": {
      reach: reach("credit_card", ...card, "capture requested", "capture unknown", "pause over"),
      outcomes: {
        captured: { to: "captured", emits: ["payment.captured"] },
        "capture declined": captureFailed(2000),
        "capture lapsed": captureLapsed,
        "capture lapsed, as a failure": captureLapsed,
        "capture refused": captureFailed(2000),
        "capture unknown": captureFailed(2000),
        "order closed": { to: "reversing.awaiting_capture" },
      },
    },
    captured: {
      reach: reach("tokenized", ...card, "capture requested", "captured"),
      outcomes: { "order closed": refunding, "sent back": refunding },
    },
    "cancelled while a credit card was being authorized": {
      reach: reach("credit_card", "order created", "order closed"),
      outcomes: {
        "late authorization": { ...voiding, emits: ["payment.authorized"] },
        "late decline": failed,
        "late refusal": failed,
        "late unknown": voiding,
      },
    },
    "cancelled while a debit card was being authorized": {
      reach: reach("debit_card", "order created", "order closed"),
      outcomes: {
        "late authorization": { ...refunding, emits: ["payment.authorized"] },
        "late decline": failed,
        "late refusal": failed,
        "late unknown": voiding,
      },
    },
    "cancelled while it was being captured": {
      reach: reach("credit_card", ...card, "capture requested", "order closed"),
      outcomes: {
        "late capture": { ...refunding, emits: ["payment.captured"] },
        "late capture declined": voiding,
        "late capture lapsed": lapsed,
        "late capture unknown": voiding,
      },
    },
    voiding: {
      reach: reach("credit_card", ...card, "order closed"),
      outcomes: {
        voided: { to: "voided", emits: ["payment.voided"] },
        "nothing to void": { to: "voided" },
        "void lapsed": lapsed,
        "void refused": refunding,
        "void unknown": voidFailed(1000),
      },
    },
    "void failed": {
      reach: reach("credit_card", ...card, "order closed", "void unknown"),
      outcomes: { "pause over": voiding, retry: voiding },
    },
    "voiding after it expired": {
      reach: reach("credit_card", ...timedOut),
      outcomes: {
        voided: { to: "expired", emits: ["payment.voided"] },
        "nothing to void": { to: "expired" },
        "void lapsed": lapsed,
        "void refused": refunding,
        "void unknown": voidFailed(1000),
      },
    },
    "refunding after it expired": {
      reach: reach("debit_card", ...timedOut, "void refused"),
      outcomes: {
        refunded: { to: "expired", emits: ["payment.authorized", "payment.refunded"] },
        "refund refused": refundFailed(1000),
        "refund unknown": refundFailed(1000),
      },
    },
    "refunding a credit card after it expired": {
      reach: reach("credit_card", ...timedOut, "void refused"),
      outcomes: {
        refunded: {
          to: "expired",
          emits: ["payment.authorized", "payment.captured", "payment.refunded"],
        },
        "refund refused": refundFailed(1000),
        "refund unknown": refundFailed(1000),
      },
    },
    "refunding a capture whose answer was lost": {
      reach: reach(
        "credit_card",
        ...card,
        "capture requested",
        "capture unknown",
        "order closed",
        "void refused",
      ),
      outcomes: {
        refunded: { to: "refunded", emits: ["payment.captured", "payment.refunded"] },
        "refund refused": refundFailed(1000),
        "refund unknown": refundFailed(1000),
      },
    },
    refunding: {
      reach: reach("debit_card", ...debitCancelled),
      outcomes: {
        refunded: { to: "refunded", emits: ["payment.refunded"] },
        "refund refused": refundFailed(1000),
        "refund unknown": refundFailed(1000),
      },
    },
    "refund failed": {
      reach: reach("debit_card", ...debitCancelled, "refund unknown"),
      outcomes: { "pause over": refunding, retry: refunding },
    },
    voided: { reach: reach("credit_card", ...card, "order closed", "voided"), outcomes: {} },
    refunded: { reach: reach("debit_card", ...debitCancelled, "refunded"), outcomes: {} },
    expired: { reach: reach("credit_card", ...timedOut, "nothing to void"), outcomes: {} },
  },
});

t.test("the token leaves the state once the gateway has been called", async (t) => {
  const chart = reach("credit_card", "order created")();
  t.match(chart.effects.get("authorizePayment"), { token: "tok_secret", amount: total });
  when.authorized.happen(chart);
  t.notMatch(JSON.stringify(chart.live.context), "tok_secret");
});

t.test(
  "a capture that may have been done is repeated as the same attempt, a refused one as a new one",
  async (t) => {
    const chart = reach("credit_card", ...card, "capture requested")();
    const attempt = (): unknown => (chart.effects.get("capturePayment") as { attempt: number }).attempt;
    t.equal(attempt(), 1);
    when["capture unknown"].happen(chart);
    when["pause over"].happen(chart);
    t.equal(attempt(), 1, "unknown");
    when["capture declined"].happen(chart);
    when["pause over"].happen(chart);
    t.equal(attempt(), 2, "declined");
  },
);

t.test("the pause between captures grows, is bounded, and ends in waiting for an operator", async (t) => {
  const chart = reach("credit_card", ...card, "capture requested")();
  const pauses: number[] = [];
  let last: unknown;
  for (let tries = 1; tries <= 60 && chart.effects.size > 0; tries++) {
    const failed = when["capture unknown"].happen(chart);
    pauses.push(...failed.delays);
    last = failed.emitted[0];
    chart.elapse("retryDelay");
  }
  t.strictSame(pauses.slice(0, 4), [1000, 2000, 4000, 8000]);
  t.equal(Math.max(...pauses), 900_000);
  t.equal(pauses.length, 48);
  t.equal(chart.state, "capture_failed");
  t.match(last, { type: "payment.capture_failed", tries: 48, retryInMs: null });
  t.equal(when.retry.happen(chart).to, "capturing", "an operator can have it tried again");
});

t.test("every void and refund names the authorization, or none where it is unknown", async (t) => {
  const known = reach("credit_card", ...card, "order closed")();
  t.strictSame(known.effects.get("voidPayment"), {
    orderId: "ord_1",
    authorization: "auth_1",
    attempt: 1,
  });
  const unknown = reach("credit_card", ...timedOut)();
  t.strictSame(unknown.effects.get("voidPayment"), { orderId: "ord_1", authorization: null, attempt: 1 });
  const refund = reach("debit_card", ...debitCancelled)();
  t.strictSame(refund.effects.get("refundPayment"), {
    orderId: "ord_1",
    authorization: "auth_1",
    attempt: 1,
    amount: total,
  });
});
