/** What the states of the order machine mean, wait for and say. */
import type { StateTexts } from "./state-meta.ts";

/** `meta` of the order machine's states. */
export const orderTexts = {
  reserving: {
    meaning: "moving",
    awaits: "effect",
    waitsFor: "The inventory's answer: whether all lines can be reserved.",
    says: "We are reserving the items of this order.",
  },
  awaiting_inventory: {
    meaning: "held",
    awaits: "timer",
    waitsFor: "The next try to reach the inventory.",
    says: "The inventory does not answer; we are about to try again.",
  },
  turned_down: {
    meaning: "failed",
    awaits: "nothing",
    waitsFor: "Nothing; the rejection is stored in the same commit.",
    says: "This order is being turned down.",
  },
  rejected: {
    meaning: "failed",
    awaits: "nothing",
    waitsFor: "Nothing; a rejected order is over.",
    says: "This order was not accepted: its items could not be reserved as ordered.",
  },
  created: {
    meaning: "moving",
    awaits: "nothing",
    waitsFor: "Nothing; the payment method decides the next state in the same commit.",
    says: "The items are reserved, and the order exists.",
  },
  authorizing: {
    meaning: "moving",
    awaits: "event",
    waitsFor: "The payment machine: the card has to be authorized.",
    says: "The payment of this order is being checked.",
  },
  awaiting_payment: {
    meaning: "person",
    awaits: "customer",
    waitsFor: "The customer, who has to pay on the gateway's page before its deadline.",
    says: "We are waiting for the customer's payment.",
  },
  payment_failed: {
    meaning: "failed",
    awaits: "nothing",
    waitsFor: "Nothing; an order that was not paid is over.",
    says: "The payment was refused, so this order has ended.",
  },
  payment_expired: {
    meaning: "failed",
    awaits: "nothing",
    waitsFor: "Nothing; an order that was not paid in time is over.",
    says: "The payment did not arrive in time, so this order has ended.",
  },
  confirmed: {
    meaning: "moving",
    awaits: "event",
    waitsFor: "The warehouse: the order has to be picked, checked, packed and labeled.",
    says: "This order is confirmed and is being prepared.",
  },
  ready: {
    meaning: "moving",
    awaits: "event",
    waitsFor: "Its invoice, and the start of the shipment.",
    says: "This order is packed and ready to be shipped.",
  },
  shipping: {
    meaning: "moving",
    awaits: "event",
    waitsFor: "The end of the hand-over to the carrier; it can no longer be canceled.",
    says: "The parcel is being handed to the carrier.",
  },
  shipped: {
    meaning: "moving",
    awaits: "event",
    waitsFor: "The delivery of the parcel, or its return.",
    says: "The parcel has been shipped.",
  },
  returning: {
    meaning: "moving",
    awaits: "event",
    waitsFor: "The parcel's arrival at the warehouse, or a late delivery.",
    says: "The parcel could not be delivered and is coming back to us.",
  },
  delivered: {
    meaning: "moving",
    awaits: "event",
    waitsFor: "The payment machine: what was collected at the door has to be recorded.",
    says: "The parcel has been delivered.",
  },
  completed: {
    meaning: "done",
    awaits: "nothing",
    waitsFor: "Nothing; a completed order is delivered and paid.",
    says: "This order is complete.",
  },
  returned: {
    meaning: "ended",
    awaits: "nothing",
    waitsFor:
      "Nothing; the customer has no goods of it, and what was paid is refunded by the payment machine.",
    says: "The parcel did not reach the customer; this order has ended, and what was paid is refunded.",
  },
  cancelled: {
    meaning: "ended",
    awaits: "nothing",
    waitsFor: "Nothing; stock and money are returned by the other two machines.",
    says: "This order was canceled.",
  },
} as const satisfies StateTexts;
