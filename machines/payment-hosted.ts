/**
 * The customer pays on the gateway's page. The machine learns the outcome from the gateway's callback (`gateway.paid`,
 * `gateway.declined`) or by polling with growing pauses; the first of the two counts. A callback about another payment
 * or another amount changes nothing by itself: it only makes the machine poll at once.
 */
import { failureOf } from "./effect.ts";
import { checkInput, pageInput, refusal } from "./payment-context.ts";
import { hostedTexts } from "./payment-nested-texts.ts";
import { paymentRules } from "./payment-rules.ts";

/** The state `hosted` of the payment machine. Its targets `#payment.*` are that machine's states. */
export const hostedPayment = paymentRules.createStateConfig({
  initial: "requesting",
  states: {
    requesting: {
      meta: hostedTexts.requesting,
      invoke: {
        id: "createPaymentPage",
        src: "createPaymentPage",
        input: ({ context }) => pageInput(context),
        onDone: [
          {
            guard: "hasHeard",
            actions: { type: "keepPage", params: ({ event }) => event.output },
            target: "pending.checking",
          },
          { actions: { type: "keepPage", params: ({ event }) => event.output }, target: "pending" },
        ],
        onError: [
          {
            guard: { type: "isRefused", params: ({ event }) => failureOf(event.error) },
            actions: [{ type: "keepFailure", params: ({ event }) => failureOf(event.error) }, "emitFailed"],
            target: "#payment.failed",
          },
          // There may be a page that no customer has seen: the machine voids, so that the gateway accepts no money for
          // it.
          {
            actions: [{ type: "keepExpiry", params: ({ event }) => failureOf(event.error) }, "emitExpired"],
            target: "#payment.reversing.voiding",
          },
        ],
      },
      on: {
        // The callback overtook the page's own answer, which will name the payment.
        "gateway.paid": { actions: "hear" },
        "gateway.declined": { actions: "hear" },
        "order.closed": { target: "#payment.reversing.awaiting_page" },
      },
    },
    pending: {
      meta: hostedTexts.pending,
      after: {
        deadline: {
          actions: [
            {
              type: "keepExpiry",
              params: { kind: "refused", code: "deadline", message: "not paid in time" },
            },
            "emitExpired",
          ],
          target: "#payment.reversing.voiding",
        },
      },
      on: {
        "gateway.paid": [
          {
            guard: { type: "isPaid", params: ({ event }) => event },
            actions: [{ type: "keepPaid", params: ({ event }) => event }, "emitAuthorized", "emitCaptured"],
            target: "#payment.captured",
          },
          { target: ".checking" },
        ],
        "gateway.declined": [
          {
            guard: { type: "isThisPayment", params: ({ event }) => event },
            actions: [
              {
                type: "keepFailure",
                params: ({ event }) => refusal({ outcome: "declined", reason: event.reason }),
              },
              "emitFailed",
            ],
            target: "#payment.failed",
          },
          { target: ".checking" },
        ],
        "order.closed": { target: "#payment.reversing.voiding" },
      },
      initial: "waiting",
      states: {
        waiting: { meta: hostedTexts["pending.waiting"], after: { pollDelay: { target: "checking" } } },
        checking: {
          meta: hostedTexts["pending.checking"],
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
                target: "#payment.captured",
              },
              {
                guard: { type: "isFoundDeclined", params: ({ event }) => event.output },
                actions: [
                  { type: "keepFailure", params: ({ event }) => refusal(event.output) },
                  "emitFailed",
                ],
                target: "#payment.failed",
              },
              { actions: "countPoll", target: "waiting" },
            ],
            onError: { actions: "countPoll", target: "waiting" },
          },
        },
      },
    },
  },
});
