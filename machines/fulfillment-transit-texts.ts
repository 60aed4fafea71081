/** What the states of the fulfillment machine mean, wait for and say, once the parcel is with the carrier. */
import type { StateTexts } from "./state-meta.ts";

/** `meta` of the states of a parcel in transit, delivered or returned. */
export const transitTexts = {
  shipped: {
    meaning: "moving",
    awaits: "event",
    waitsFor: "The carrier's report: delivered, refused, unclaimed or lost.",
    says: "The parcel is with the carrier.",
  },
  "shipped.pausing": {
    meaning: "time",
    awaits: "timer",
    waitsFor: "The pause that represents the transport, or the carrier's report.",
    says: "The parcel is in transit.",
  },
  "shipped.awaiting": {
    meaning: "person",
    awaits: "event",
    waitsFor: "The carrier's report, or a person who records the delivery.",
    says: "The parcel is in transit; its delivery has not been reported.",
  },
  disputed: {
    meaning: "held",
    awaits: "person",
    waitsFor: "An operator: the carrier collected another amount than the one due.",
    says: "The parcel is delivered, and the amount that was collected is being examined.",
  },
  delivered: {
    meaning: "done",
    awaits: "nothing",
    waitsFor: "Nothing; the parcel is with the customer.",
    says: "The parcel has been delivered.",
  },
  returning: {
    meaning: "moving",
    awaits: "event",
    waitsFor: "The arrival of the parcel at the warehouse.",
    says: "The parcel is coming back to us.",
  },
  "returning.leaving": {
    meaning: "moving",
    awaits: "nothing",
    waitsFor: "Nothing; the mode of fulfillment decides the next state in the same commit.",
    says: "The parcel was not delivered.",
  },
  "returning.pausing": {
    meaning: "time",
    awaits: "timer",
    waitsFor: "The pause that represents the transport to the sender.",
    says: "The parcel is in transit to us.",
  },
  "returning.awaiting": {
    meaning: "person",
    awaits: "event",
    waitsFor: "The carrier's report that the parcel is back, or the warehouse that receives it.",
    says: "The parcel is coming back; its arrival has not been reported.",
  },
  "returning.arrived": {
    meaning: "person",
    awaits: "person",
    waitsFor: "The warehouse: check the goods, and restock them or write them off.",
    says: "The parcel is back, and its items have to be checked.",
  },
  restocking: {
    meaning: "moving",
    awaits: "effect",
    waitsFor: "The inventory, which takes the returned goods into stock.",
    says: "The returned items go back on sale.",
  },
  "restocking.putting_back": {
    meaning: "moving",
    awaits: "effect",
    waitsFor: "The inventory's answer: whether the goods are in stock again.",
    says: "The returned items are being put into stock.",
  },
  "restocking.restock_failed": {
    meaning: "held",
    awaits: "timer",
    waitsFor: "The next try to restock the goods, or an operator's retry.",
    says: "The returned items could not be put into stock yet; we try again.",
  },
  writing_off: {
    meaning: "ended",
    awaits: "nothing",
    waitsFor: "Nothing; the loss is stored in the same commit.",
    says: "The items are lost or damaged.",
  },
  returned: {
    meaning: "ended",
    awaits: "nothing",
    waitsFor: "Nothing; only a credit note may follow, where there is an invoice.",
    says: "The parcel did not stay with the customer, and its return is settled.",
  },
} as const satisfies StateTexts;
