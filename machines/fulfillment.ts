/**
 * The fulfillment of an order: store, pick, check, pack and label, capture, invoice, ship, deliver.
 *
 * Every step exists twice: in `auto` mode the machine leaves it after a pause (`pausing`), otherwise at a command of
 * the warehouse (`awaiting`). The machine owns the end of the hold on the stock: shipped, or released when the order
 * ends unshipped (`order.closed`), never both, because each is requested in a state that the other cannot reach.
 *
 * The invoice goes into the parcel, so the machine retrieves its document before shipping (`ready.retrieving`), while
 * the order can still be cancelled. The retrieval needs a separate commit in every mode: the next effect,
 * `shipInventory`, is decided within the order's own commit where the stock is on this node, and a read of a document
 * cannot join a commit. It comes before `shipping`, because after it an order without its invoice could be neither
 * shipped nor cancelled.
 *
 * A parcel that a warehouse ships is handed over to the carrier by name (`shipping.consigning`). In `auto` mode there
 * is no hand-over, and the pause of `shipped` represents the transport. In both modes the first of three inputs ends
 * `shipped`: the pause, the command, or the carrier's report (`carrier.delivered`). The report counts when it is about
 * this parcel and, for what is paid at the door, states that exactly the total was collected. A report that overtakes
 * the end of the hand-over is kept. Before `shipping` the parcel is in the warehouse, and the machine ignores the
 * report. A parcel that does not stay with its receiver, or with another amount collected: see fulfillment-return.ts.
 */
import { credited, disputed, inTransit, restocking, returning, writingOff } from "./fulfillment-return.ts";
import {
  consignmentInput,
  fulfillmentRules,
  labelInput,
  retrievalInput,
  unconfirmed,
} from "./fulfillment-rules.ts";
import { fulfillmentTexts } from "./fulfillment-texts.ts";
import { transitTexts } from "./fulfillment-transit-texts.ts";

/** Until the goods go to the carrier, an order that ends releases its stock. */
const untilShipping = { "order.closed": { target: "#fulfillment.releasing" } } as const;

/** A word of the carrier that came before the end of the hand-over. */
const keptWord = {
  guard: { type: "isThisParcel", params: ({ event }) => event },
  actions: { type: "keepCause", params: ({ event }) => event },
} as const satisfies NonNullable<
  Parameters<typeof fulfillmentRules.createStateConfig>[0]["on"]
>["carrier.lost"];

/** Starts with the order's input (`OrderInput` in types.ts), as every machine of an order does. */
export const fulfillmentMachine = fulfillmentRules.createMachine({
  id: "fulfillment",
  context: ({ input }) => unconfirmed(input),
  initial: "unconfirmed",
  states: {
    unconfirmed: {
      meta: fulfillmentTexts.unconfirmed,
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
    unused: { meta: fulfillmentTexts.unused, type: "final" },

    stored: {
      meta: fulfillmentTexts.stored,
      on: untilShipping,
      initial: "awaiting",
      states: {
        pausing: {
          meta: fulfillmentTexts["stored.pausing"],
          after: { stepDelay: { target: "#fulfillment.picked.pausing" } },
        },
        awaiting: {
          meta: fulfillmentTexts["stored.awaiting"],
          on: { pick: { target: "#fulfillment.picked.awaiting" } },
        },
      },
    },
    picked: {
      meta: fulfillmentTexts.picked,
      entry: "emitPicked",
      on: untilShipping,
      initial: "awaiting",
      states: {
        pausing: {
          meta: fulfillmentTexts["picked.pausing"],
          after: { stepDelay: { target: "#fulfillment.quality_checked.pausing" } },
        },
        awaiting: {
          meta: fulfillmentTexts["picked.awaiting"],
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
      meta: fulfillmentTexts.quality_checked,
      entry: "emitQualityChecked",
      on: untilShipping,
      initial: "awaiting",
      states: {
        pausing: {
          meta: fulfillmentTexts["quality_checked.pausing"],
          after: { stepDelay: { target: "#fulfillment.packed" } },
        },
        awaiting: {
          meta: fulfillmentTexts["quality_checked.awaiting"],
          on: { pack: { target: "#fulfillment.packed" } },
        },
      },
    },
    packed: {
      meta: fulfillmentTexts.packed,
      entry: "emitPacked",
      on: untilShipping,
      initial: "labelling",
      states: {
        labelling: {
          meta: fulfillmentTexts["packed.labelling"],
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
          meta: fulfillmentTexts["packed.label_failed"],
          after: { retryDelay: { guard: "hasTriesLeft", target: "labelling" } },
          on: { retry: { target: "labelling" } },
        },
        // The order is held here, however often the capture fails.
        capturing: {
          meta: fulfillmentTexts["packed.capturing"],
          entry: "requestCapture",
          on: { "payment.captured": { target: "#fulfillment.ready" } },
        },
      },
    },
    ready: {
      meta: fulfillmentTexts.ready,
      entry: "emitReady",
      on: untilShipping,
      initial: "invoicing",
      states: {
        invoicing: {
          meta: fulfillmentTexts["ready.invoicing"],
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
        pausing: { meta: fulfillmentTexts["ready.pausing"], after: { stepDelay: { target: "retrieving" } } },
        awaiting: { meta: fulfillmentTexts["ready.awaiting"], on: { ship: { target: "retrieving" } } },
        retrieving: {
          meta: fulfillmentTexts["ready.retrieving"],
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
          meta: fulfillmentTexts["ready.retrieval_failed"],
          after: { retryDelay: { guard: "hasTriesLeft", target: "retrieving" } },
          on: { retry: { target: "retrieving" } },
        },
      },
    },

    shipping: {
      meta: fulfillmentTexts.shipping,
      entry: "emitShipping",
      // The carrier's words may overtake the end of the hand-over: kept, and applied when the order is shipped.
      on: {
        "carrier.delivered": [
          { guard: { type: "isDelivery", params: ({ event }) => event }, actions: "keepDelivery" },
          {
            guard: { type: "isThisParcel", params: ({ event }) => event },
            actions: { type: "keepDispute", params: ({ event }) => event },
          },
        ],
        "carrier.refused": keptWord,
        "carrier.unclaimed": keptWord,
        "carrier.returned": keptWord,
        "carrier.lost": keptWord,
      },
      initial: "handing_over",
      states: {
        handing_over: {
          meta: fulfillmentTexts["shipping.handing_over"],
          invoke: {
            id: "shipInventory",
            src: "shipInventory",
            input: ({ context }) => ({ orderId: context.orderId }),
            onDone: [
              // The hold was released, so there is no stock to ship: an operator has to act.
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
          meta: fulfillmentTexts["shipping.handover_failed"],
          after: { retryDelay: { guard: "hasTriesLeft", target: "handing_over" } },
          on: { retry: { target: "handing_over" } },
        },
        consigning: {
          meta: fulfillmentTexts["shipping.consigning"],
          invoke: {
            id: "handOverParcel",
            src: "handOverParcel",
            input: ({ context }) => consignmentInput(context),
            onDone: { actions: "forgetTries", target: "#fulfillment.shipped.awaiting" },
            onError: { actions: "countFailure", target: "consignment_failed" },
          },
        },
        consignment_failed: {
          meta: fulfillmentTexts["shipping.consignment_failed"],
          after: { retryDelay: { guard: "hasTriesLeft", target: "consigning" } },
          on: { retry: { target: "consigning" } },
        },
      },
    },
    shipped: {
      meta: transitTexts.shipped,
      entry: "emitShipped",
      always: [
        { guard: "wasDelivered", target: "delivered" },
        { guard: "wasDisputed", target: "disputed" },
        { guard: "wasLost", target: "writing_off" },
        { guard: "wasSentBack", target: "returning" },
      ],
      on: {
        ...inTransit,
        "carrier.delivered": [
          { guard: { type: "isDelivery", params: ({ event }) => event }, target: "delivered" },
          {
            guard: { type: "isThisParcel", params: ({ event }) => event },
            actions: { type: "keepDispute", params: ({ event }) => event },
            target: "disputed",
          },
        ],
      },
      initial: "awaiting",
      states: {
        pausing: {
          meta: transitTexts["shipped.pausing"],
          after: { stepDelay: { target: "#fulfillment.delivered" } },
        },
        awaiting: {
          meta: transitTexts["shipped.awaiting"],
          on: {
            deliver: {
              guard: { type: "collectsExactly", params: ({ event }) => event },
              target: "#fulfillment.delivered",
            },
          },
        },
      },
    },
    disputed,
    delivered: { meta: transitTexts.delivered, type: "final", entry: "emitDelivered" },

    returning,
    restocking,
    writing_off: writingOff,
    returned: { meta: transitTexts.returned, on: credited },

    releasing: {
      meta: fulfillmentTexts.releasing,
      entry: "forgetTries",
      on: credited,
      initial: "giving_back",
      states: {
        giving_back: {
          meta: fulfillmentTexts["releasing.giving_back"],
          invoke: {
            id: "releaseInventory",
            src: "releaseInventory",
            input: ({ context }) => ({ orderId: context.orderId }),
            onDone: { target: "#fulfillment.released" },
            onError: { actions: "countFailure", target: "release_failed" },
          },
        },
        release_failed: {
          meta: fulfillmentTexts["releasing.release_failed"],
          after: { retryDelay: { guard: "hasTriesLeft", target: "giving_back" } },
          on: { retry: { target: "giving_back" } },
        },
      },
    },
    released: { meta: fulfillmentTexts.released, on: credited },
  },
});
