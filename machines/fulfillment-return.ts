/**
 * What happens to a parcel in transit that does not stay with its receiver (refused, unclaimed, lost, back at the
 * sender), and to one for which the carrier collected another amount than the one due. The machine learns both from the
 * carrier or from an operator.
 *
 * A parcel that comes back (`returning`) may still be delivered. Its goods go back into stock (`restocking`) when the
 * warehouse receives them or, in `auto` mode, after a pause; those of a lost or damaged parcel are written off. At
 * that moment the order is returned, and payment gives the money back without waiting for the stock.
 */
import { fulfillmentRules } from "./fulfillment-rules.ts";
import { transitTexts } from "./fulfillment-transit-texts.ts";

type On = Parameters<typeof fulfillmentRules.createStateConfig>[0]["on"];

/** The parcel does not stay with its receiver: the carrier's words, and an operator's in their place. */
const sentBack = {
  "carrier.refused": {
    guard: { type: "isThisParcel", params: ({ event }) => event },
    actions: { type: "keepCause", params: ({ event }) => event },
    target: "#fulfillment.returning",
  },
  "carrier.unclaimed": {
    guard: { type: "isThisParcel", params: ({ event }) => event },
    actions: { type: "keepCause", params: ({ event }) => event },
    target: "#fulfillment.returning",
  },
  "report-refused": {
    actions: { type: "keepCause", params: ({ event }) => event },
    target: "#fulfillment.returning",
  },
  "report-unclaimed": {
    actions: { type: "keepCause", params: ({ event }) => event },
    target: "#fulfillment.returning",
  },
} as const satisfies On;

/** The carrier has brought the parcel back to the sender. */
const arrived = {
  "carrier.returned": {
    guard: { type: "isThisParcel", params: ({ event }) => event },
    actions: { type: "keepCause", params: ({ event }) => event },
    target: "#fulfillment.returning.arrived",
  },
} as const satisfies On;

/** Ends of a parcel in transit, out or back. */
const lostOrReceived = {
  "carrier.lost": {
    guard: { type: "isThisParcel", params: ({ event }) => event },
    actions: { type: "keepCause", params: ({ event }) => event },
    target: "#fulfillment.writing_off",
  },
  "report-lost": {
    actions: { type: "keepCause", params: ({ event }) => event },
    target: "#fulfillment.writing_off",
  },
  receive: [
    {
      guard: { type: "isFit", params: ({ event }) => event },
      actions: { type: "keepCause", params: ({ event }) => event },
      target: "#fulfillment.restocking",
    },
    { actions: { type: "keepCause", params: ({ event }) => event }, target: "#fulfillment.writing_off" },
  ],
} as const satisfies On;

/** Every word that sends a parcel in transit back. */
export const inTransit = { ...sentBack, ...arrived, ...lostOrReceived } as const satisfies On;

/** The delivery that ends a transit after all, with exactly the amount due. */
const deliveredAfterAll = {
  "carrier.delivered": {
    guard: { type: "isDelivery", params: ({ event }) => event },
    actions: "forgetSentBack",
    target: "#fulfillment.delivered",
  },
  deliver: {
    guard: { type: "collectsExactly", params: ({ event }) => event },
    actions: "forgetSentBack",
    target: "#fulfillment.delivered",
  },
} as const satisfies On;

/** The credit note about the invoice of an order that has ended; it is made once. */
export const credited = {
  "credit_note.issued": {
    guard: "isUncredited",
    actions: [
      { type: "keepCreditNote", params: ({ event }) => event },
      { type: "emitCreditNoteCreated", params: ({ event }) => event },
    ],
  },
} as const satisfies On;

/** Delivered, with another amount collected than the one due: an operator decides. The API shows it as `shipped`. */
export const disputed = fulfillmentRules.createStateConfig({
  meta: transitTexts.disputed,
  entry: "emitAmountDiffers",
  on: {
    ...inTransit,
    ...deliveredAfterAll,
    settle: {
      actions: { type: "keepSettlement", params: ({ event }) => event },
      target: "#fulfillment.delivered",
    },
  },
});

/** The parcel comes back. */
export const returning = fulfillmentRules.createStateConfig({
  meta: transitTexts.returning,
  entry: "emitReturning",
  on: { ...deliveredAfterAll, ...lostOrReceived },
  initial: "leaving",
  states: {
    leaving: {
      meta: transitTexts["returning.leaving"],
      always: [{ guard: "isAuto", target: "pausing" }, { target: "awaiting" }],
    },
    pausing: {
      meta: transitTexts["returning.pausing"],
      after: { stepDelay: { target: "#fulfillment.restocking" } },
    },
    awaiting: { meta: transitTexts["returning.awaiting"], on: arrived },
    // The warehouse checks the goods before they are sold again.
    arrived: { meta: transitTexts["returning.arrived"], always: { guard: "isAuto", target: "pausing" } },
  },
});

/** The goods are fit to be sold: they go back into stock, once. */
export const restocking = fulfillmentRules.createStateConfig({
  meta: transitTexts.restocking,
  entry: ["forgetTries", { type: "keepGoods", params: "restocked" }, "emitReturned"],
  on: credited,
  initial: "putting_back",
  states: {
    putting_back: {
      meta: transitTexts["restocking.putting_back"],
      invoke: {
        id: "returnInventory",
        src: "returnInventory",
        input: ({ context }) => ({ orderId: context.orderId }),
        onDone: { actions: "forgetTries", target: "#fulfillment.returned" },
        onError: { actions: "countFailure", target: "restock_failed" },
      },
    },
    restock_failed: {
      meta: transitTexts["restocking.restock_failed"],
      after: { retryDelay: { guard: "hasTriesLeft", target: "putting_back" } },
      on: { retry: { target: "putting_back" } },
    },
  },
});

/** The goods are gone or damaged: the stock, which they left when they were shipped, stays as it is. */
export const writingOff = fulfillmentRules.createStateConfig({
  meta: transitTexts.writing_off,
  entry: [{ type: "keepGoods", params: "written_off" }, "emitReturned"],
  always: { target: "#fulfillment.returned" },
});
