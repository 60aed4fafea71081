/** What the states of the payment machine mean, wait for and say. Nested states: payment-nested-texts.ts. */
import type { StateTexts } from "./state-meta.ts";

/** `meta` of the payment machine's outermost states, and of those in `free`. */
export const paymentTexts = {
  idle: {
    meaning: "moving",
    awaits: "event",
    waitsFor: "The order machine: the order has to be created first.",
    says: "No payment has been requested yet.",
  },
  unused: {
    meaning: "ended",
    awaits: "nothing",
    waitsFor: "Nothing; the order ended before anything was paid.",
    says: "No payment was needed.",
  },
  due: {
    meaning: "moving",
    awaits: "event",
    waitsFor: "The delivery, at which the amount is collected.",
    says: "The customer pays at delivery.",
  },
  collected: {
    meaning: "done",
    awaits: "nothing",
    waitsFor: "Nothing; the amount was collected at the door.",
    says: "The customer paid at delivery.",
  },
  free: {
    meaning: "done",
    awaits: "event",
    waitsFor: "The rest of the order; it costs nothing, so no gateway is called.",
    says: "This order costs nothing.",
  },
  "free.authorized": {
    meaning: "done",
    awaits: "event",
    waitsFor: "The packing of the order, at which other orders are charged.",
    says: "This order costs nothing, so there is nothing to authorize.",
  },
  "free.captured": {
    meaning: "done",
    awaits: "event",
    waitsFor: "The end of the order; no money moves.",
    says: "This order costs nothing, so there is nothing to charge.",
  },
  authorizing: {
    meaning: "moving",
    awaits: "effect",
    waitsFor: "The gateway's answer: whether it authorizes the amount.",
    says: "The card is being checked.",
  },
  hosted: {
    meaning: "person",
    awaits: "customer",
    waitsFor: "The customer's payment on the gateway's page.",
    says: "The customer pays on the page of the payment provider.",
  },
  failed: {
    meaning: "failed",
    awaits: "nothing",
    waitsFor: "Nothing; money that arrives on the page nevertheless is refunded.",
    says: "The payment was refused.",
  },
  authorized: {
    meaning: "done",
    awaits: "event",
    waitsFor: "The packing of the order, at which the amount is captured; a debit card is settled already.",
    says: "The payment is authorized.",
  },
  capturing: {
    meaning: "moving",
    awaits: "effect",
    waitsFor: "The gateway's answer: whether it captures the amount.",
    says: "The card is being charged.",
  },
  capture_failed: {
    meaning: "held",
    awaits: "timer",
    waitsFor: "The next try to capture, or an operator's retry; the order is not shipped before.",
    says: "The card could not be charged; we try again before the order is shipped.",
  },
  lapsed: {
    meaning: "held",
    awaits: "event",
    waitsFor:
      "The packing of the order, at which the capture is tried although the authorization has lapsed.",
    says: "The authorization of the card has lapsed before the order was packed.",
  },
  capture_lapsed: {
    meaning: "held",
    awaits: "person",
    waitsFor: "An operator: retry the capture, or cancel the order.",
    says: "The authorization of the card has lapsed, and the packed order is held.",
  },
  captured: {
    meaning: "done",
    awaits: "nothing",
    waitsFor: "Nothing; an order that ends or comes back is refunded.",
    says: "The order is paid.",
  },
  reversing: {
    meaning: "moving",
    awaits: "effect",
    waitsFor: "The gateway, which has to void or refund what the order must not keep.",
    says: "The payment is being returned.",
  },
  voided: {
    meaning: "ended",
    awaits: "nothing",
    waitsFor: "Nothing; money that arrives on the page nevertheless is refunded.",
    says: "The payment was canceled before the customer was charged.",
  },
  refunded: {
    meaning: "ended",
    awaits: "nothing",
    waitsFor: "Nothing; the full amount was refunded.",
    says: "The payment was refunded.",
  },
  expired: {
    meaning: "failed",
    awaits: "nothing",
    waitsFor: "Nothing; there is no open authorization at the gateway.",
    says: "The payment was not completed in time.",
  },
  watching: {
    meaning: "time",
    awaits: "timer",
    waitsFor: "Money that may still arrive on a closed page; the gateway is asked a few more times.",
    says: "The order has ended; a payment that still arrives is refunded.",
  },
} as const satisfies StateTexts;
