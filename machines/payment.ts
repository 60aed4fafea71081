/**
 * The payment of an order: authorize, capture, collect, and return what the order must not keep.
 *
 * Cards are authorized when the order is created. Credit cards and tokenized payments are captured once the order is
 * packed, if their authorization has not lapsed. Debit cards are settled by the authorization itself. Cash and
 * in-person payments are collected at the door. `async` payments are made on a page of the gateway: see
 * payment-hosted.ts. For an order that costs nothing the machine calls no gateway. The money of an order that ends
 * unshipped (`order.closed`) is returned, and that of an order whose parcel came back or was lost
 * (`fulfillment.returned`): see payment-reversal.ts. Nothing was collected at the door then.
 *
 * `authorized` (debit) and `captured` are not final: a return after delivery can still refund them.
 */
import { failureOf } from "./effect.ts";
import { hostedPayment } from "./payment-hosted.ts";
import { authorizeInput, refusal, settleInput, unpaid } from "./payment-context.ts";
import { paymentReversal } from "./payment-reversal.ts";
import { paymentRules } from "./payment-rules.ts";
import { paymentTexts } from "./payment-texts.ts";
import { paidLate, paymentWatch } from "./payment-watch.ts";

/**
 * The payment expects no more input except money that arrives too late: a customer may pay on a page after the order
 * has ended, and that is refunded whenever it arrives. Its callback may be lost, so the machine also queries the
 * gateway: see payment-watch.ts.
 */
const ended = paymentRules.createStateConfig({ on: paidLate });
const endedByUs = paymentRules.createStateConfig({
  on: paidLate,
  always: { guard: "mayBePaidLate", target: "watching" },
});

/** Starts with the order's input (`OrderInput` in types.ts), as every machine of an order does. */
export const paymentMachine = paymentRules.createMachine({
  id: "payment",
  context: ({ input }) => unpaid(input),
  initial: "idle",
  states: {
    idle: {
      meta: paymentTexts.idle,
      on: {
        "order.created": [
          {
            guard: "paysOnDelivery",
            actions: { type: "keepAmount", params: ({ event }) => event.total },
            target: "due",
          },
          {
            guard: { type: "isFree", params: ({ event }) => event.total },
            actions: { type: "keepAmount", params: ({ event }) => event.total },
            target: "free",
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
    unused: { meta: paymentTexts.unused, type: "final" },

    due: {
      meta: paymentTexts.due,
      on: {
        "fulfillment.delivered": {
          actions: [{ type: "keepCollected", params: ({ event }) => event }, "emitCollected"],
          target: "collected",
        },
        "fulfillment.returned": { target: "unused" },
        "order.closed": { target: "unused" },
      },
    },
    collected: { meta: paymentTexts.collected, type: "final" },

    // Gateways accept no payment of nothing: the machine emits the events of a payment without calling one.
    free: {
      meta: paymentTexts.free,
      entry: ["forgetToken", "emitAuthorized"],
      on: { "order.closed": { target: "unused" }, "fulfillment.returned": { target: "unused" } },
      initial: "authorized",
      states: {
        authorized: {
          meta: paymentTexts["free.authorized"],
          always: { guard: "isHosted", target: "captured" },
          on: { "capture.requested": { guard: "needsCapture", target: "captured" } },
        },
        captured: { meta: paymentTexts["free.captured"], entry: "emitCaptured" },
      },
    },

    authorizing: {
      meta: paymentTexts.authorizing,
      invoke: {
        id: "authorizePayment",
        src: "authorizePayment",
        input: ({ context }) => authorizeInput(context),
        onDone: [
          {
            guard: { type: "isAuthorizedForATime", params: ({ event }) => event },
            actions: [
              { type: "keepAuthorization", params: ({ event }) => event },
              { type: "armLapse", params: ({ event }) => event },
              "emitAuthorized",
            ],
            target: "authorized",
          },
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
          // The outcome is unknown: the machine voids, so that the order has no open authorization at the gateway.
          {
            actions: [{ type: "keepExpiry", params: ({ event }) => failureOf(event.error) }, "emitExpired"],
            target: "reversing.voiding",
          },
        ],
      },
      on: { "order.closed": { target: "reversing.awaiting_authorization" } },
      exit: "forgetToken",
    },
    hosted: { ...hostedPayment, meta: paymentTexts.hosted },
    failed: { ...ended, meta: paymentTexts.failed },

    authorized: {
      meta: paymentTexts.authorized,
      on: {
        "capture.requested": { guard: "needsCapture", target: "capturing" },
        "authorization.lapsed": { actions: "keepLapse", target: "lapsed" },
        "order.closed": [
          { guard: "isSettledAtOnce", target: "reversing.refunding" },
          { target: "reversing.voiding" },
        ],
        // A card to be captured is captured before the order is shipped.
        "fulfillment.returned": {
          guard: "isSettledAtOnce",
          actions: "keepReturned",
          target: "reversing.refunding",
        },
      },
    },
    capturing: {
      meta: paymentTexts.capturing,
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
            guard: { type: "isRefusedForGood", params: ({ event }) => refusal(event.output) },
            actions: [{ type: "countFailure", params: ({ event }) => refusal(event.output) }, "keepLapse"],
            target: "capture_lapsed",
          },
          {
            actions: { type: "countFailure", params: ({ event }) => refusal(event.output) },
            target: "capture_failed",
          },
        ],
        onError: [
          {
            guard: { type: "isRefusedForGood", params: ({ event }) => failureOf(event.error) },
            actions: [{ type: "countFailure", params: ({ event }) => failureOf(event.error) }, "keepLapse"],
            target: "capture_lapsed",
          },
          {
            actions: { type: "countFailure", params: ({ event }) => failureOf(event.error) },
            target: "capture_failed",
          },
        ],
      },
      on: {
        // The gateway's answer to this capture decides.
        "authorization.lapsed": { actions: "keepLapse" },
        "order.closed": { target: "reversing.awaiting_capture" },
      },
    },
    // Holds the order until the money is captured, an operator retries, or the order is cancelled.
    capture_failed: {
      meta: paymentTexts.capture_failed,
      entry: "emitCaptureFailed",
      after: { retryDelay: { guard: "hasTriesLeft", target: "capturing" } },
      on: {
        retry: { target: "capturing" },
        "authorization.lapsed": [
          // It may have been captured in time, and only the answer was lost: repeating the capture shows it.
          { guard: "isUncertain", actions: "keepLapse", target: "capturing" },
          { actions: "keepLapse", target: "capture_lapsed" },
        ],
        "order.closed": { target: "reversing.voiding" },
      },
    },
    // Lapsed before the order was packed. The warehouse packs it nevertheless; then the order is held, unless the
    // gateway captures after all. An order that is cancelled has nothing to void.
    lapsed: {
      meta: paymentTexts.lapsed,
      entry: "emitExpired",
      on: { "capture.requested": { target: "capturing" }, "order.closed": { target: "expired" } },
    },
    // Packed, with nothing left to capture. Holds the order until an operator retries the capture, or the order is
    // cancelled.
    capture_lapsed: {
      meta: paymentTexts.capture_lapsed,
      entry: ["disarmLapse", "emitExpired"],
      on: { retry: { target: "capturing" }, "order.closed": { target: "expired" } },
    },
    captured: {
      meta: paymentTexts.captured,
      entry: "disarmLapse",
      on: {
        "order.closed": { target: "reversing.refunding" },
        "fulfillment.returned": { actions: "keepReturned", target: "reversing.refunding" },
      },
    },

    reversing: { ...paymentReversal, meta: paymentTexts.reversing },
    voided: { ...endedByUs, meta: paymentTexts.voided },
    refunded: { meta: paymentTexts.refunded, type: "final" },
    expired: { ...endedByUs, meta: paymentTexts.expired },
    watching: { ...paymentWatch, meta: paymentTexts.watching },
  },
});
