/** What the nested states of the payment machine mean, wait for and say: those of `hosted`, `reversing`, `watching`. */
import type { StateTexts } from "./state-meta.ts";

/** `meta` of the states in `hosted`. */
export const hostedTexts = {
  requesting: {
    meaning: "moving",
    awaits: "effect",
    waitsFor: "The gateway, which makes the page on which the customer pays.",
    says: "The payment page is being made.",
  },
  pending: {
    meaning: "person",
    awaits: "customer",
    waitsFor: "The customer's payment on the page, until its deadline.",
    says: "The payment page is open until its deadline.",
  },
  "pending.waiting": {
    meaning: "person",
    awaits: "customer",
    waitsFor: "The customer's payment, by the gateway's callback or by the next query.",
    says: "The customer has not paid yet.",
  },
  "pending.checking": {
    meaning: "moving",
    awaits: "effect",
    waitsFor: "The gateway's answer: whether the customer has paid.",
    says: "We are asking the payment provider whether the customer has paid.",
  },
} as const satisfies StateTexts;

/** `meta` of the states in `reversing`. */
export const reversalTexts = {
  awaiting_authorization: {
    meaning: "unknown",
    awaits: "effect",
    waitsFor: "The outcome of an authorization that was under way when the order ended.",
    says: "The order has ended while the card was being checked; the result decides what is returned.",
  },
  awaiting_page: {
    meaning: "unknown",
    awaits: "effect",
    waitsFor: "The outcome of a payment page that was being made when the order ended.",
    says: "The order has ended while its payment page was being made.",
  },
  awaiting_capture: {
    meaning: "unknown",
    awaits: "effect",
    waitsFor: "The outcome of a capture that was under way when the order ended.",
    says: "The order has ended while the card was being charged; the result decides what is returned.",
  },
  voiding: {
    meaning: "moving",
    awaits: "effect",
    waitsFor: "The gateway's answer: whether it voids the authorization.",
    says: "The authorization is being canceled.",
  },
  void_failed: {
    meaning: "held",
    awaits: "timer",
    waitsFor: "The next try to void, or an operator's retry.",
    says: "The authorization could not be canceled yet; we try again.",
  },
  asking: {
    meaning: "unknown",
    awaits: "effect",
    waitsFor: "The gateway's answer: it refuses to void, so the customer may have paid on the page.",
    says: "We are asking the payment provider whether there is a payment to refund.",
  },
  reversed: {
    meaning: "moving",
    awaits: "nothing",
    waitsFor: "Nothing; what was paid decides the next state in the same commit.",
    says: "The authorization is canceled.",
  },
  refunding: {
    meaning: "moving",
    awaits: "effect",
    waitsFor: "The gateway's answer to the refund.",
    says: "The payment is being refunded.",
  },
  given_back: {
    meaning: "ended",
    awaits: "nothing",
    waitsFor: "Nothing; the cause of the refund decides the final state in the same commit.",
    says: "The refund is made.",
  },
  refund_failed: {
    meaning: "held",
    awaits: "timer",
    waitsFor: "The next try to refund, or an operator's retry.",
    says: "The refund could not be made yet; we try again.",
  },
} as const satisfies StateTexts;

/** `meta` of the states in `watching`. */
export const watchTexts = {
  waiting: {
    meaning: "time",
    awaits: "timer",
    waitsFor: "The pause before the next query about the closed page.",
    says: "The payment page is closed; a late payment would be noticed and refunded.",
  },
  looking: {
    meaning: "moving",
    awaits: "effect",
    waitsFor: "The gateway's answer: whether money has arrived on the closed page.",
    says: "We are asking the payment provider about a late payment.",
  },
  looked: {
    meaning: "time",
    awaits: "nothing",
    waitsFor: "Nothing; another query or the end follows in the same commit.",
    says: "The payment provider has answered about a late payment.",
  },
} as const satisfies StateTexts;
