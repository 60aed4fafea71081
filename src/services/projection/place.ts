/**
 * The place of an order among all orders: a number that grows with the time at which the order was made, and that no
 * other order has. It is the order's row in the file of a projection, so every index is in this order. Pure.
 */

/** 2020-01-01: places stay below 2^53 for two hundred years. */
const BEGIN_MS = 1_577_836_800_000;
/** Places of one millisecond. */
const PER_MS = 1024;

/** The first place of a moment, in ms since the epoch. */
export const firstPlaceAt = (ms: number): number => (Math.trunc(ms) - BEGIN_MS) * PER_MS;

/**
 * The place that an order takes if it is free, else the next one. It follows from the id, so that every node gives an
 * order the same place; of two orders with the same one, the first in the stream has it.
 */
export function placeOf(createdAt: number, id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  // The low bits decide the partition of an order: orders of one partition would share places.
  return firstPlaceAt(createdAt) + ((hash >>> 16) % PER_MS);
}

/** The hour of a moment: hours since the epoch, in UTC. */
export const hourOf = (ms: number): number => Math.floor(ms / 3_600_000);
