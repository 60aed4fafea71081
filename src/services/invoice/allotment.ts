/**
 * Which order gets which invoice number of a year: the counter's entry, and how it moves on. Pure.
 *
 * The entry names the orders of the numbers that were given last, so that whoever comes next can record them when
 * their taker has not. A number counts once its order's own entry says so.
 */

/** One number and the order it was given to. */
export type Given = { readonly number: number; readonly order: string };

/** The entry of a year. */
export type Counter = {
  /** Highest number given in the year; 0 for none. */
  readonly last: number;
  /** The latest block. Every earlier number is recorded with its order, or stands in `free`. */
  readonly given: readonly Given[];
  /** Given once, but the order had another number already: given again before a new one is taken. */
  readonly free: readonly number[];
  /** Date of the latest block, RFC 3339 UTC. Never goes back, so that numbers and dates ascend together. */
  readonly issuedAt: string;
};

/** Of a year in which no invoice was made yet. */
export const emptyCounter: Counter = { last: 0, given: [], free: [], issuedAt: "" };

/**
 * The counter after the next block.
 * @param unused numbers of the block in `counter` that turned out to be free
 * @param orders distinct, at least one
 * @param now RFC 3339 UTC
 */
export function allot(
  counter: Counter,
  unused: readonly number[],
  orders: readonly string[],
  now: string,
): Counter {
  const free = [...counter.free, ...unused].toSorted((a, b) => a - b);
  let { last } = counter;
  const given = orders.map((order) => ({ number: free.shift() ?? ++last, order }));
  return { last, given, free, issuedAt: now > counter.issuedAt ? now : counter.issuedAt };
}

/** `2026-000042`; more digits from the millionth invoice of a year on. */
export function numberText(year: number, number: number): string {
  return `${year}-${String(number).padStart(6, "0")}`;
}
