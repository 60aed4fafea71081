/**
 * Returns what was paid, or may have been paid, for an order that ended unshipped or whose authorization timed out.
 * Waits for calls in flight, voids, and refunds what the gateway refuses to void because it is settled. The machine
 * leaves this state only when the outcome is certain. An authorization that has lapsed in between is neither voided nor
 * refunded.
 */
import { failureOf } from "./effect.ts";
import { checkInput, refusal, settleInput, voidInput } from "./payment-context.ts";
import { reversalTexts } from "./payment-nested-texts.ts";
import { paymentRules } from "./payment-rules.ts";

/** The state `reversing` of the payment machine. Its targets `#payment.*` are that machine's final states. */
export const paymentReversal = paymentRules.createStateConfig({
  entry: ["forgetTries", "disarmLapse"],
  initial: "voiding",
  // The customer paid while the order was ending: the payment is known now, and refunded after the void.
  on: {
    "gateway.paid": {
      guard: { type: "isPaidLate", params: ({ event }) => event },
      actions: [{ type: "keepPaid", params: ({ event }) => event }, "emitAuthorized", "emitCaptured"],
    },
  },
  states: {
    awaiting_authorization: {
      meta: reversalTexts.awaiting_authorization,
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
                type: "keepFailure",
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
    // The page that is being made accepts no money once the order is voided.
    awaiting_page: {
      meta: reversalTexts.awaiting_page,
      on: {
        "effect.late.createPaymentPage": {
          actions: { type: "keepLatePage", params: ({ event }) => event },
          target: "voiding",
        },
      },
    },
    awaiting_capture: {
      meta: reversalTexts.awaiting_capture,
      on: {
        "effect.late.capturePayment": [
          {
            guard: { type: "isCaptured", params: ({ event }) => event },
            actions: ["keepCaptured", "emitCaptured"],
            target: "refunding",
          },
          {
            guard: { type: "isLapsedLate", params: ({ event }) => event },
            actions: ["keepLapse", "emitExpired"],
            target: "#payment.expired",
          },
          // Not captured, or unknown: the gateway refuses to void what it has captured.
          { target: "voiding" },
        ],
      },
    },
    voiding: {
      meta: reversalTexts.voiding,
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
            guard: { type: "isLapsed", params: ({ event }) => failureOf(event.error) },
            actions: ["keepLapse", "emitExpired"],
            target: "#payment.expired",
          },
          {
            guard: { type: "mayBePaidOnPage", params: ({ event }) => failureOf(event.error) },
            actions: "nextAttempt",
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
      meta: reversalTexts.void_failed,
      after: { retryDelay: { guard: "hasTriesLeft", target: "voiding" } },
      on: { retry: { target: "voiding" } },
    },
    // The gateway refuses to void: the customer has paid, and the gateway knows the authorization. When it reports no
    // payment either, the machine repeats both calls later and keeps counting the tries of this round.
    asking: {
      meta: reversalTexts.asking,
      on: {
        "gateway.paid": {
          guard: { type: "isPaidLate", params: ({ event }) => event },
          actions: [
            { type: "keepPaid", params: ({ event }) => event },
            "forgetTries",
            "emitAuthorized",
            "emitCaptured",
          ],
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
              "forgetTries",
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
                message: "the gateway refuses to void, and reports no payment",
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
      meta: reversalTexts.reversed,
      always: [
        { guard: "isPaidOnPage", actions: "forgetTries", target: "refunding" },
        { guard: "hasExpired", target: "#payment.expired" },
        { target: "#payment.voided" },
      ],
    },
    refunding: {
      meta: reversalTexts.refunding,
      invoke: {
        id: "refundPayment",
        src: "refundPayment",
        input: ({ context }) => settleInput(context),
        // What is refunded had been captured, even if the answer to the capture was lost.
        onDone: [
          { guard: "isSettlementTold", actions: "emitRefunded", target: "given_back" },
          {
            guard: "isAuthorizationTold",
            actions: ["keepCaptured", "emitCaptured", "emitRefunded"],
            target: "given_back",
          },
          { guard: "isSettledAtOnce", actions: ["emitAuthorized", "emitRefunded"], target: "given_back" },
          {
            actions: ["keepCaptured", "emitAuthorized", "emitCaptured", "emitRefunded"],
            target: "given_back",
          },
        ],
        onError: {
          actions: { type: "countFailure", params: ({ event }) => failureOf(event.error) },
          target: "refund_failed",
        },
      },
    },
    given_back: {
      meta: reversalTexts.given_back,
      always: [
        { guard: "isHosted", target: "#payment.refunded" },
        { guard: "hasExpired", target: "#payment.expired" },
        { target: "#payment.refunded" },
      ],
    },
    refund_failed: {
      meta: reversalTexts.refund_failed,
      after: { retryDelay: { guard: "hasTriesLeft", target: "refunding" } },
      on: { retry: { target: "refunding" } },
    },
  },
});
