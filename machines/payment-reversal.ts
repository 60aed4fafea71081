/**
 * Gives back what was paid, or may have been paid, for an order that ended unshipped or whose authorisation ran
 * out of time. Waits for calls still under way, voids, refunds what the gateway refuses to void because it is
 * settled, and is left only with certainty.
 */
import { failureOf } from "./effect.ts";
import { checkInput, refusal, settleInput, voidInput } from "./payment-context.ts";
import { paymentRules } from "./payment-rules.ts";

/** The state `reversing` of the payment machine. Its targets `#payment.*` are that machine's final states. */
export const paymentReversal = paymentRules.createStateConfig({
  entry: "forgetTries",
  initial: "voiding",
  // Paid while the order was ending: known now, and given back behind the void.
  on: {
    "gateway.paid": {
      guard: { type: "isPaidLate", params: ({ event }) => event },
      actions: [{ type: "keepPaid", params: ({ event }) => event }, "emitAuthorized", "emitCaptured"],
    },
  },
  states: {
    awaiting_authorization: {
      on: {
        "effect.late.authorizePayment": [
          {
            guard: { type: "isDebitAuthorized", params: ({ event }) => event },
            actions: [{ type: "keepAuthorization", params: ({ event }) => event }, "emitAuthorized"],
            target: "refunding",
          },
          {
            guard: { type: "isAuthorized", params: ({ event }) => event },
            actions: [{ type: "keepAuthorization", params: ({ event }) => event }, "emitAuthorized"],
            target: "voiding",
          },
          {
            guard: { type: "isNotAuthorized", params: ({ event }) => event },
            actions: [
              {
                type: "keepReason",
                params: ({ event }) => (event.output ? refusal(event.output) : failureOf(event.error)),
              },
              "emitFailed",
            ],
            target: "#payment.failed",
          },
          { target: "voiding" },
        ],
      },
    },
    // The page that is being made takes no money once the order is voided.
    awaiting_page: {
      on: {
        "effect.late.createPaymentPage": {
          actions: { type: "keepLatePage", params: ({ event }) => event },
          target: "voiding",
        },
      },
    },
    awaiting_capture: {
      on: {
        "effect.late.capturePayment": [
          {
            guard: { type: "isCaptured", params: ({ event }) => event },
            actions: "emitCaptured",
            target: "refunding",
          },
          // Not captured, or unknown: the gateway refuses to void what it has captured.
          { target: "voiding" },
        ],
      },
    },
    voiding: {
      invoke: {
        id: "voidPayment",
        src: "voidPayment",
        input: ({ context }) => voidInput(context),
        onDone: [
          {
            guard: { type: "isVoided", params: ({ event }) => event.output },
            actions: "emitVoided",
            target: "reversed",
          },
          { target: "reversed" },
        ],
        onError: [
          {
            guard: { type: "mayBePaidOnPage", params: ({ event }) => failureOf(event.error) },
            actions: "forgetTries",
            target: "asking",
          },
          {
            guard: { type: "isRefused", params: ({ event }) => failureOf(event.error) },
            actions: "forgetTries",
            target: "refunding",
          },
          {
            actions: { type: "countFailure", params: ({ event }) => failureOf(event.error) },
            target: "void_failed",
          },
        ],
      },
    },
    void_failed: {
      after: { retryDelay: { guard: "hasTriesLeft", target: "voiding" } },
      on: { retry: { target: "voiding" } },
    },
    // The gateway does not void: the customer has paid, and it knows under which authorisation.
    asking: {
      on: {
        "gateway.paid": {
          guard: { type: "isPaidLate", params: ({ event }) => event },
          actions: [{ type: "keepPaid", params: ({ event }) => event }, "emitAuthorized", "emitCaptured"],
          target: "refunding",
        },
      },
      invoke: {
        id: "checkPayment",
        src: "checkPayment",
        input: ({ context }) => checkInput(context),
        onDone: [
          {
            guard: { type: "isFoundPaid", params: ({ event }) => event.output },
            actions: [
              { type: "keepFoundPaid", params: ({ event }) => event.output },
              "emitAuthorized",
              "emitCaptured",
            ],
            target: "refunding",
          },
          {
            actions: {
              type: "countFailure",
              params: {
                kind: "unknown",
                code: "void_refused",
                message: "the gateway neither voids nor has been paid",
              },
            },
            target: "void_failed",
          },
        ],
        onError: {
          actions: { type: "countFailure", params: ({ event }) => failureOf(event.error) },
          target: "void_failed",
        },
      },
    },
    reversed: {
      always: [
        { guard: "isPaidOnPage", target: "refunding" },
        { guard: "hasExpired", target: "#payment.expired" },
        { target: "#payment.voided" },
      ],
    },
    refunding: {
      invoke: {
        id: "refundPayment",
        src: "refundPayment",
        input: ({ context }) => settleInput(context),
        onDone: [
          { guard: "isHosted", actions: "emitRefunded", target: "#payment.refunded" },
          { guard: "hasExpired", actions: "emitRefunded", target: "#payment.expired" },
          { actions: "emitRefunded", target: "#payment.refunded" },
        ],
        onError: {
          actions: { type: "countFailure", params: ({ event }) => failureOf(event.error) },
          target: "refund_failed",
        },
      },
    },
    refund_failed: {
      after: { retryDelay: { guard: "hasTriesLeft", target: "refunding" } },
      on: { retry: { target: "refunding" } },
    },
  },
});
