/**
 * The fulfillment of an order: store, pick, check, pack and label, capture, invoice, ship, deliver.
 *
 * Every step exists twice: in `auto` mode it is left after a pause (`pausing`), otherwise by a command of the
 * warehouse (`awaiting`). The machine owns the end of the hold on the stock: shipped, or released when the order
 * ends unshipped (`order.closed`), never both, because each is asked for in one state that the other cannot reach.
 *
 * The invoice goes into the parcel, so its document is retrieved once the order is to be shipped (`ready.retrieving`),
 * while it can still be cancelled. That is one commit of its own, in every mode, and there is none to share: the next
 * effect, `shipInventory`, is decided within the order's own commit where the stock is at hand, which a read of a
 * document cannot be; and behind it an order without its invoice could be neither shipped nor cancelled.
 *
 * A parcel that a warehouse ships is handed over to the carrier by name (`shipping.consigning`). In `auto` mode nobody
 * hands anything over, and the pause of `shipped` stands for the way to the customer. In both modes `shipped` is left
 * by whoever is first: pause or command, or the carrier's own word (`carrier.delivered`), which counts when it is about
 * this parcel and, for what is paid at the door, says that exactly the total was collected. A word that overtakes the
 * end of the hand-over is kept; before `shipping` the parcel is in the warehouse, and it is ignored.
 */
import {
  consignmentInput,
  fulfillmentRules,
  labelInput,
  retrievalInput,
  unconfirmed,
} from "./fulfillment-rules.ts";

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
        pausing: { after: { stepDelay: { target: "retrieving" } } },
        awaiting: { on: { ship: { target: "retrieving" } } },
        retrieving: {
          invoke: {
            id: "retrieveInvoice",
            src: "retrieveInvoice",
            input: ({ context }) => retrievalInput(context),
            onDone: {
              actions: ["forgetTries", { type: "keepDocument", params: ({ event }) => event.output }],
              target: "#fulfillment.shipping",
            },
            onError: { actions: "countFailure", target: "retrieval_failed" },
          },
        },
        retrieval_failed: {
          after: { retryDelay: { guard: "hasTriesLeft", target: "retrieving" } },
          on: { retry: { target: "retrieving" } },
        },
      },
    },

    shipping: {
      entry: "emitShipping",
      on: {
        "carrier.delivered": {
          guard: { type: "isDelivery", params: ({ event }) => event },
          actions: "keepDelivery",
        },
      },
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
              { guard: "isKnownToCarrier", actions: "forgetTries", target: "consigning" },
              { actions: "forgetTries", target: "#fulfillment.shipped.awaiting" },
            ],
            onError: { actions: "countFailure", target: "handover_failed" },
          },
        },
        handover_failed: {
          after: { retryDelay: { guard: "hasTriesLeft", target: "handing_over" } },
          on: { retry: { target: "handing_over" } },
        },
        consigning: {
          invoke: {
            id: "handOverParcel",
            src: "handOverParcel",
            input: ({ context }) => consignmentInput(context),
            onDone: { actions: "forgetTries", target: "#fulfillment.shipped.awaiting" },
            onError: { actions: "countFailure", target: "consignment_failed" },
          },
        },
        consignment_failed: {
          after: { retryDelay: { guard: "hasTriesLeft", target: "consigning" } },
          on: { retry: { target: "consigning" } },
        },
      },
    },
    shipped: {
      entry: "emitShipped",
      always: { guard: "wasDelivered", target: "delivered" },
      on: {
        "carrier.delivered": {
          guard: { type: "isDelivery", params: ({ event }) => event },
          target: "delivered",
        },
      },
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
