/**
 * The payment of an order: authorise, capture, collect, and give back what must not stand.
 *
 * Cards are authorised when the order is created. Credit cards and tokenized payments are captured once the order
 * is packed; debit cards are settled by the authorisation itself; cash and in-person payments are collected at the
 * door; `async` ones are paid on a page of the gateway: see payment-hosted.ts. An order that ends unshipped (`order.closed`) gets its money back: see payment-reversal.ts.
 *
 * `authorized` (debit) and `captured` are not final: a return after delivery can still refund them.
 */
import { failureOf } from "./effect.ts";
import { hostedPayment } from "./payment-hosted.ts";
import { authorizeInput, refusal, settleInput, unpaid } from "./payment-context.ts";
import { paymentReversal } from "./payment-reversal.ts";
import { paymentRules } from "./payment-rules.ts";

/**
 * Nothing more is expected, and nothing taken but money that came too late: a page may be paid after the order has
 * ended, and that is given back whenever it comes.
 */
const ended = paymentRules.createStateConfig({
  on: {
    "gateway.paid": {
      guard: { type: "isPaidLate", params: ({ event }) => event },
      actions: [{ type: "keepPaid", params: ({ event }) => event }, "emitAuthorized", "emitCaptured"],
      target: "#payment.reversing.refunding",
    },
  },
});

/** Starts with the order's input (`OrderInput` in types.ts), as every machine of an order does. */
export const paymentMachine = paymentRules.createMachine({
  id: "payment",
  context: ({ input }) => unpaid(input),
  initial: "idle",
  states: {
    idle: {
      on: {
        "order.created": [
          {
            guard: "paysOnDelivery",
            actions: { type: "keepAmount", params: ({ event }) => event.total },
            target: "due",
          },
          {
            guard: "isHosted",
            actions: { type: "keepAmount", params: ({ event }) => event.total },
            target: "hosted",
          },
          {
            actions: { type: "keepAmount", params: ({ event }) => event.total },
            target: "authorizing",
          },
        ],
        "order.closed": { target: "unused" },
      },
    },
    unused: { type: "final" },

    due: {
      on: {
        "fulfillment.delivered": { actions: "emitCollected", target: "collected" },
        "order.closed": { target: "unused" },
      },
    },
    collected: { type: "final" },

    authorizing: {
      invoke: {
        id: "authorizePayment",
        src: "authorizePayment",
        input: ({ context }) => authorizeInput(context),
        onDone: [
          {
            guard: { type: "isAuthorized", params: ({ event }) => event },
            actions: [{ type: "keepAuthorization", params: ({ event }) => event }, "emitAuthorized"],
            target: "authorized",
          },
          {
            actions: [{ type: "keepFailure", params: ({ event }) => refusal(event.output) }, "emitFailed"],
            target: "failed",
          },
        ],
        onError: [
          {
            guard: { type: "isRefused", params: ({ event }) => failureOf(event.error) },
            actions: [{ type: "keepFailure", params: ({ event }) => failureOf(event.error) }, "emitFailed"],
            target: "failed",
          },
          // Nobody knows what became of it: the gateway is told to let no authorisation of this order stand.
          {
            actions: [{ type: "keepExpiry", params: ({ event }) => failureOf(event.error) }, "emitExpired"],
            target: "reversing.voiding",
          },
        ],
      },
      on: { "order.closed": { target: "reversing.awaiting_authorization" } },
      exit: "forgetToken",
    },
    hosted: hostedPayment,
    failed: ended,

    authorized: {
      on: {
        "capture.requested": { guard: "needsCapture", target: "capturing" },
        "order.closed": [
          { guard: "isSettledAtOnce", target: "reversing.refunding" },
          { target: "reversing.voiding" },
        ],
      },
    },
    capturing: {
      invoke: {
        id: "capturePayment",
        src: "capturePayment",
        input: ({ context }) => settleInput(context),
        onDone: [
          {
            guard: { type: "isCaptured", params: ({ event }) => event },
            actions: ["keepCaptured", "emitCaptured"],
            target: "captured",
          },
          {
            actions: { type: "countFailure", params: ({ event }) => refusal(event.output) },
            target: "capture_failed",
          },
        ],
        onError: {
          actions: { type: "countFailure", params: ({ event }) => failureOf(event.error) },
          target: "capture_failed",
        },
      },
      on: { "order.closed": { target: "reversing.awaiting_capture" } },
    },
    // Holds the order until the money is there, an operator steps in, or it is cancelled.
    capture_failed: {
      entry: "emitCaptureFailed",
      after: { retryDelay: { guard: "hasTriesLeft", target: "capturing" } },
      on: { retry: { target: "capturing" }, "order.closed": { target: "reversing.voiding" } },
    },
    captured: { on: { "order.closed": { target: "reversing.refunding" } } },

    reversing: paymentReversal,
    voided: ended,
    refunded: { type: "final" },
    expired: ended,
  },
});
