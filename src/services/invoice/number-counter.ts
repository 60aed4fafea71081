/**
 * Allocates the invoice numbers of a year to orders: the counter's entry, and its next value. Pure.
 *
 * The entry names the orders of the latest allocated numbers, so that the next process can record them when the
 * allocating one did not. A number counts once its order's own entry holds it.
 */

import { isCount, isObject, parseObject } from "../../runtime/json.ts";

/** One number and the order it was allocated to. */
export type Allocated = { readonly number: number; readonly order: string };

/** The entry of a year. */
export type Counter = {
  /** Highest number allocated in the year; 0 for none. */
  readonly last: number;
  /** The latest block. Every earlier number is recorded with its order, or is in `free`. */
  readonly given: readonly Allocated[];
  /** Allocated once to orders that had another number already: allocated again before any new number. */
  readonly free: readonly number[];
  /** Date of the latest block, RFC 3339 UTC. Never decreases, so that new numbers and dates ascend together. */
  readonly issuedAt: string;
  /** The year is over: no number is allocated any more, and none is left to be recorded or allocated again. */
  readonly closed?: true;
};

/** The counter of a year without invoices: its dates begin with the year, whatever a clock shows. */
export const emptyCounter = (year: number): Counter => ({
  last: 0,
  given: [],
  free: [],
  issuedAt: `${year}-01-01T00:00:00.000Z`,
});

/** Numbers to allocate again: free before, or in the block of `counter` and found unused. Lowest first. */
export function spareNumbers(counter: Counter, unused: readonly number[]): number[] {
  return [...counter.free, ...unused].toSorted((a, b) => a - b);
}

/**
 * The counter after the next block.
 * @param unused numbers of the block in `counter` that their orders did not need
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

/** The year's last entry. Requires that its latest block is recorded completely, and that no number is spare. */
export const closed = (counter: Counter): Counter => ({ ...counter, closed: true });

/** `2026-000042`; more digits from the millionth invoice of a year on. */
export function numberText(year: number, number: number): string {
  return `${year}-${String(number).padStart(6, "0")}`;
}

/** More numbers than that are not missing in a year: an entry with such a number is damaged. */
const MISSING_MAX = 100_000;

/** Reads a counter's entry; `undefined` when it is none, or contradicts itself. */
export function readCounter(value: string): Counter | undefined {
  const counter = parseObject(value);
  if (counter === undefined) return undefined;
  const { last, given, free, issuedAt, closed: isClosed } = counter;
  if (!isCount(last) || !Array.isArray(given) || !Array.isArray(free)) return undefined;
  const isNumber = (number: unknown): boolean => isCount(number) && number >= 1 && number <= last;
  const isAllocated = (one: unknown): boolean =>
    isObject(one) && isNumber(one["number"]) && typeof one["order"] === "string";
  if (!given.every(isAllocated) || !free.every(isNumber)) return undefined;
  if (typeof issuedAt !== "string" || Number.isNaN(Date.parse(issuedAt))) return undefined;
  return isClosed === undefined || isClosed === true ? (counter as Counter) : undefined;
}

/**
 * The counter of a year from the numbers that its orders have: the greatest is the last one, and those that are missing
 * below it are allocated again.
 * A number far above the count of all is absurd, and left out.
 * @param isClosed whether the next year has begun
 */
export function derivedCounter(
  year: number,
  recorded: readonly { readonly number: number; readonly issuedAt: string }[],
  isClosed: boolean,
): Counter {
  const most = recorded.length + MISSING_MAX;
  const has = new Set(recorded.map(({ number }) => number).filter((number) => number <= most));
  const last = [...has].reduce((a, b) => Math.max(a, b), 0);
  const free = Array.from({ length: last }, (_, n) => n + 1).filter((number) => !has.has(number));
  const dates = recorded.map(({ issuedAt }) => issuedAt);
  const issuedAt = dates.reduce((a, b) => (a > b ? a : b), emptyCounter(year).issuedAt);
  return {
    last,
    given: [],
    free,
    issuedAt,
    ...(isClosed && free.length === 0 ? { closed: true as const } : {}),
  };
}

/** The number in a text of `numberText`, of a series or of another; `undefined` when it is of another year or none. */
export function numberIn(text: string, year: number): number | undefined {
  const found = /^(?:[A-Z]+-)?([0-9]{4})-([0-9]{6,12})$/u.exec(text);
  return found !== null && Number(found[1]) === year ? Number(found[2]) : undefined;
}
