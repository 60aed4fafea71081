/**
 * After the end of an order whose page is known and was not paid: some providers accept a customer's money on a closed
 * page. The callback about it may be lost, so the machine queries the gateway a few times, with growing pauses, and
 * refunds what has been paid.
 */
import { checkInput } from "./payment-context.ts";
import { watchTexts } from "./payment-nested-texts.ts";
import { paymentRules } from "./payment-rules.ts";

/** Money that arrives after the order has ended: recorded, and refunded. */
export const paidLate = {
  "gateway.paid": {
    guard: { type: "isPaidLate", params: ({ event }) => event },
    actions: [{ type: "keepPaid", params: ({ event }) => event }, "emitAuthorized", "emitCaptured"],
    target: "#payment.reversing.refunding",
  },
} as const satisfies Parameters<typeof paymentRules.createStateConfig>[0]["on"];

/** The state `watching` of the payment machine. Its targets `#payment.*` are that machine's states. */
export const paymentWatch = paymentRules.createStateConfig({
  on: paidLate,
  initial: "waiting",
  states: {
    waiting: { meta: watchTexts.waiting, after: { lookDelay: { target: "looking" } } },
    looking: {
      meta: watchTexts.looking,
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
            target: "#payment.reversing.refunding",
          },
          {
            guard: { type: "isFoundDeclined", params: ({ event }) => event.output },
            actions: "endLooks",
            target: "looked",
          },
          { actions: "countLook", target: "looked" },
        ],
        onError: { actions: "countLook", target: "looked" },
      },
    },
    looked: {
      meta: watchTexts.looked,
      always: [
        { guard: "mayBePaidLate", target: "waiting" },
        { guard: "hasExpired", target: "#payment.expired" },
        { target: "#payment.voided" },
      ],
    },
  },
});
