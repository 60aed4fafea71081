/**
 * The fulfillment of an order: store, pick, check, pack and label, capture, invoice, ship, deliver.
 *
 * Every step exists twice: in `auto` mode it is left after a pause (`pausing`), otherwise by a command of the
 * warehouse (`awaiting`). The machine owns the end of the hold on the stock: shipped, or released when the order
 * ends unshipped (`order.closed`), never both, because each is asked for in one state that the other cannot reach.
 */
import { fulfillmentRules, labelInput, unconfirmed } from "./fulfillment-rules.ts";

/** Until the goods go to the carrier, an order that ends gives its stock back. */
const untilShipping = { "order.closed": { target: "#fulfillment.releasing" } } as const;

/** Starts with the order's input (`OrderInput` in types.ts), as every machine of an order does. */
export const fulfillmentMachine = fulfillmentRules.createMachine({
  id: "fulfillment",
  context: ({ input }) => unconfirmed(input),
  initial: "unconfirmed",
  states: {
    unconfirmed: {
      on: {
        "order.confirmed": [
          {
            guard: "isAuto",
            actions: [{ type: "keepOrder", params: ({ event }) => event }, "emitStored"],
            target: "stored.pausing",
          },
          {
            actions: [{ type: "keepOrder", params: ({ event }) => event }, "emitStored"],
            target: "stored.awaiting",
          },
        ],
        "order.closed": [
          { guard: { type: "isHeld", params: ({ event }) => event }, target: "releasing" },
          { target: "unused" },
        ],
      },
    },
    unused: { type: "final" },

    stored: {
      on: untilShipping,
      initial: "awaiting",
      states: {
        pausing: { after: { stepDelay: { target: "#fulfillment.picked.pausing" } } },
        awaiting: { on: { pick: { target: "#fulfillment.picked.awaiting" } } },
      },
    },
    picked: {
      entry: "emitPicked",
      on: untilShipping,
      initial: "awaiting",
      states: {
        pausing: { after: { stepDelay: { target: "#fulfillment.quality_checked.pausing" } } },
        awaiting: {
          on: {
            "quality-check": [
              {
                guard: { type: "hasPassed", params: ({ event }) => event },
                target: "#fulfillment.quality_checked.awaiting",
              },
              { actions: "emitQualityFailed", target: "#fulfillment.stored.awaiting" },
            ],
          },
        },
      },
    },
    quality_checked: {
      entry: "emitQualityChecked",
      on: untilShipping,
      initial: "awaiting",
      states: {
        pausing: { after: { stepDelay: { target: "#fulfillment.packed" } } },
        awaiting: { on: { pack: { target: "#fulfillment.packed" } } },
      },
    },
    packed: {
      entry: "emitPacked",
      on: untilShipping,
      initial: "labelling",
      states: {
        labelling: {
          invoke: {
            id: "createShippingLabel",
            src: "createShippingLabel",
            input: ({ context }) => labelInput(context),
            onDone: [
              {
                guard: "needsCapture",
                actions: ["forgetTries", { type: "keepLabel", params: ({ event }) => event.output }],
                target: "capturing",
              },
              {
                actions: ["forgetTries", { type: "keepLabel", params: ({ event }) => event.output }],
                target: "#fulfillment.ready",
              },
            ],
            onError: { actions: "countFailure", target: "label_failed" },
          },
        },
        label_failed: {
          after: { retryDelay: { guard: "hasTriesLeft", target: "labelling" } },
          on: { retry: { target: "labelling" } },
        },
        // Held here, however often the capture fails.
        capturing: {
          entry: "requestCapture",
          on: { "payment.captured": { target: "#fulfillment.ready" } },
        },
      },
    },
    ready: {
      entry: "emitReady",
      on: untilShipping,
      initial: "invoicing",
      states: {
        invoicing: {
          on: {
            "invoice.issued": [
              {
                guard: "isAuto",
                actions: [
                  { type: "keepInvoice", params: ({ event }) => event },
                  { type: "emitInvoiceCreated", params: ({ event }) => event },
                ],
                target: "pausing",
              },
              {
                actions: [
                  { type: "keepInvoice", params: ({ event }) => event },
                  { type: "emitInvoiceCreated", params: ({ event }) => event },
                ],
                target: "awaiting",
              },
            ],
          },
        },
        pausing: { after: { stepDelay: { target: "#fulfillment.shipping" } } },
        awaiting: { on: { ship: { target: "#fulfillment.shipping" } } },
      },
    },

    shipping: {
      entry: "emitShipping",
      initial: "handing_over",
      states: {
        handing_over: {
          invoke: {
            id: "shipInventory",
            src: "shipInventory",
            input: ({ context }) => ({ orderId: context.orderId }),
            onDone: [
              // A hold that somebody released is no stock to ship: an operator has to look.
              {
                guard: { type: "isReleased", params: ({ event }) => event.output },
                actions: "countFailure",
                target: "handover_failed",
              },
              { guard: "isAuto", actions: "forgetTries", target: "#fulfillment.shipped.pausing" },
              { actions: "forgetTries", target: "#fulfillment.shipped.awaiting" },
            ],
            onError: { actions: "countFailure", target: "handover_failed" },
          },
        },
        handover_failed: {
          after: { retryDelay: { guard: "hasTriesLeft", target: "handing_over" } },
          on: { retry: { target: "handing_over" } },
        },
      },
    },
    shipped: {
      entry: "emitShipped",
      initial: "awaiting",
      states: {
        pausing: { after: { stepDelay: { target: "#fulfillment.delivered" } } },
        awaiting: {
          on: {
            deliver: {
              guard: { type: "collectsExactly", params: ({ event }) => event },
              target: "#fulfillment.delivered",
            },
          },
        },
      },
    },
    delivered: { type: "final", entry: "emitDelivered" },

    releasing: {
      entry: "forgetTries",
      initial: "giving_back",
      states: {
        giving_back: {
          invoke: {
            id: "releaseInventory",
            src: "releaseInventory",
            input: ({ context }) => ({ orderId: context.orderId }),
            onDone: { target: "#fulfillment.released" },
            onError: { actions: "countFailure", target: "release_failed" },
          },
        },
        release_failed: {
          after: { retryDelay: { guard: "hasTriesLeft", target: "giving_back" } },
          on: { retry: { target: "giving_back" } },
        },
      },
    },
    released: { type: "final" },
  },
});
