/** What each status means for the reader of a page: one of eight meanings, which give it color and glyph. */
import type { StateMeaning } from "../../../machines/state-meta.ts";
import type { OrderStatus } from "../api/types.ts";

/** One of eight; machines say the same of their states. */
export type Meaning = StateMeaning;

/** A sign for each, so that color never is the only difference. */
export const glyphs: Readonly<Record<Meaning, string>> = {
  moving: "●",
  person: "◐",
  time: "◷",
  held: "▲",
  failed: "✕",
  unknown: "?",
  done: "✓",
  ended: "–",
};

/** Of the order. The compiler finds a status without one. */
export const orderMeanings: Readonly<Record<OrderStatus, Meaning>> = {
  reserving: "moving",
  rejected: "failed",
  created: "moving",
  authorizing: "moving",
  awaiting_payment: "person",
  payment_failed: "failed",
  payment_expired: "failed",
  confirmed: "moving",
  ready: "moving",
  shipped: "moving",
  delivered: "done",
  completed: "done",
  returning: "person",
  returned: "ended",
  cancelled: "ended",
};

const paymentMeanings = {
  none: "ended",
  authorizing: "moving",
  authorized: "done",
  failed: "failed",
  expired: "failed",
  pending: "person",
  captured: "done",
  capture_failed: "held",
  collected: "done",
  voided: "ended",
  refunded: "ended",
} as const satisfies Record<string, Meaning>;

const fulfillmentMeanings = {
  none: "ended",
  stored: "person",
  picked: "person",
  quality_checked: "person",
  packed: "moving",
  ready: "person",
  shipped: "moving",
  delivered: "done",
  returning: "person",
  returned: "ended",
  cancelled: "ended",
} as const satisfies Record<string, Meaning>;

const keysOf = <Key extends string>(meanings: Readonly<Record<Key, Meaning>>) =>
  Object.keys(meanings) as Key[];

/** All values of `payment.status`. */
export const paymentStatuses = keysOf(paymentMeanings);
/** All values of `fulfillment.status`. */
export const fulfillmentStatuses = keysOf(fulfillmentMeanings);

/** Of `payment.status`; a status of a later version moves. */
export const paymentMeaning = (status: string): Meaning =>
  (paymentMeanings as Readonly<Record<string, Meaning>>)[status] ?? "moving";
/** Of `fulfillment.status`. */
export const fulfillmentMeaning = (status: string): Meaning =>
  (fulfillmentMeanings as Readonly<Record<string, Meaning>>)[status] ?? "moving";
