/**
 * Which order gets which invoice number of a year: the counter's entry, and how it moves on. Pure.
 *
 * The entry names the orders of the numbers that were given last, so that whoever comes next can record them when
 * their taker has not. A number counts once its order's own entry says so.
 */

/** One number and the order it was given to. */
export type Allocated = { readonly number: number; readonly order: string };

/** The entry of a year. */
export type Counter = {
  /** Highest number given in the year; 0 for none. */
  readonly last: number;
  /** The latest block. Every earlier number is recorded with its order, or stands in `free`. */
  readonly given: readonly Allocated[];
  /** Given once, but the order had another number already: given again before a new one is taken. */
  readonly free: readonly number[];
  /** Date of the latest block, RFC 3339 UTC. Never goes back, so that new numbers and dates ascend together. */
  readonly issuedAt: string;
  /** The year is over: nothing is given any more, and nothing is left to be recorded or given again. */
  readonly closed?: true;
};

/** Of a year in which no invoice was made yet: its dates begin with it, whatever a clock says. */
export const emptyCounter = (year: number): Counter => ({
  last: 0,
  given: [],
  free: [],
  issuedAt: `${year}-01-01T00:00:00.000Z`,
});

/** What can be given again: free before, or in the block of `counter` and found to be unused. Lowest first. */
export function spareNumbers(counter: Counter, unused: readonly number[]): number[] {
  return [...counter.free, ...unused].toSorted((a, b) => a - b);
}

/**
 * The counter after the next block.
 * @param unused numbers of the block in `counter` that turned out to be free
 * @param orders distinct, at least one
 * @param now RFC 3339 UTC
 */
export function allocate(
  counter: Counter,
  unused: readonly number[],
  orders: readonly string[],
  now: string,
): Counter {
  const free = spareNumbers(counter, unused);
  let { last } = counter;
  const given = orders.map((order) => ({ number: free.shift() ?? ++last, order }));
  return { last, given, free, issuedAt: now > counter.issuedAt ? now : counter.issuedAt };
}

/** The year's last entry: its latest block is recorded whole, and it has no spare number. */
export const closed = (counter: Counter): Counter => ({ ...counter, closed: true });

/** `2026-000042`; more digits from the millionth invoice of a year on. */
export function numberText(year: number, number: number): string {
  return `${year}-${String(number).padStart(6, "0")}`;
}
