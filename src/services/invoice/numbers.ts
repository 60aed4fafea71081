/**
 * Invoice numbers: one per order for ever, without gaps within a year.
 *
 * Two kinds of entries in one bucket, changed by compare-and-set only: `year.2026`, the counter (allotment.ts), and
 * `order.<id>`, the number that an order has, written once. A taker moves the counter, which names its orders, then
 * records each order's number. Whoever moves the counter next records first what the entry before says: a crash
 * between the two leaves nothing open. An order that has a number already keeps it, and the new one is given to
 * somebody else.
 *
 * Owns: both kinds of entries, and the orders waiting here.  Does not own: what an invoice looks like.
 * Invariants
 *   N1. A number is recorded for one order only, and an order has one number only.
 *   N2. When the counter says n, every number below its latest block is recorded or will be given again.
 *   N3. At most one round of this process is under way; it serves all orders that wait, `BLOCK_MAX` at a time.
 * What is left: a number that turns out to be unused in a year's very last block stays unused.
 * Proved by: test/unit/invoice-numbers.test.ts, test/integration/invoice.test.ts
 */
import { token } from "../../../config/subjects.ts";
import type { Crash } from "../../runtime/crash-points.ts";
import { pause } from "../../runtime/pause.ts";
import { type Bucket, type Clock, Unavailable } from "../../runtime/ports.ts";
import { allot, type Counter, emptyCounter, numberText } from "./allotment.ts";

/** What an order is told: `2026-000042`, and since when; `issuedAt` is RFC 3339, UTC. */
export type InvoiceNumber = { readonly number: string; readonly issuedAt: string };

type Waiting = { readonly order: string; readonly answer: PromiseWithResolvers<InvoiceNumber> };

const BLOCK_MAX = 64;
const ROUND_TRIES = 40;
const ROUND_PAUSE_MS = 5;
const RECORD_TRIES = 5;
const RECORD_PAUSE_MS = 50;

/** Takes numbers; one per process, so that those who wait share their writes. */
export class InvoiceNumbers {
  readonly #bucket: Bucket;
  readonly #clock: Clock;
  readonly #crash: Crash | undefined;
  readonly #waiting = new Map<string, Waiting>();
  #running = false;
  /** The counter's entry that this process wrote and has recorded whole: nothing to repair behind it. */
  #recorded: { readonly key: string; readonly revision: number } | undefined;

  constructor(bucket: Bucket, clock: Clock, crash?: Crash) {
    this.#bucket = bucket;
    this.#clock = clock;
    this.#crash = crash;
  }

  /** The order's number, taken now if it has none. Idempotent. @throws Unavailable (retryable) */
  take(order: string): Promise<InvoiceNumber> {
    let waiting = this.#waiting.get(order);
    if (waiting === undefined) {
      waiting = { order, answer: Promise.withResolvers() };
      this.#waiting.set(order, waiting);
      if (!this.#running) void this.#run();
    }
    return waiting.answer.promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Whoever asks in the same moment shares the round.
    await Promise.resolve();
    while (this.#waiting.size > 0) {
      const block = [...this.#waiting.values()].slice(0, BLOCK_MAX);
      try {
        await this.#serve(block.map((one) => one.order));
      } catch (error) {
        for (const { order, answer } of block) {
          if (this.#waiting.delete(order)) answer.reject(error);
        }
      }
    }
    this.#running = false;
  }

  /** Gives every order of the block its number. @throws Unavailable */
  async #serve(block: readonly string[]): Promise<void> {
    for (let tried = 0; tried < ROUND_TRIES; tried++) {
      await Promise.all(
        block.map(async (order) => {
          if (!this.#waiting.has(order)) return;
          this.#crash?.("numbers.read_order", "before");
          const entry = await this.#bucket.get(orderKey(order));
          this.#crash?.("numbers.read_order", "after");
          if (entry !== undefined) this.#answer(order, readNumber(entry.value));
        }),
      );
      const left = () => block.filter((order) => this.#waiting.has(order));
      if (left().length === 0) return;
      const now = new Date(this.#clock.now());
      const year = now.getUTCFullYear();
      this.#crash?.("numbers.read_year", "before");
      const stored = await this.#bucket.get(yearKey(year));
      this.#crash?.("numbers.read_year", "after");
      if (stored === undefined) await this.#close(year - 1);
      const counter = stored === undefined ? emptyCounter : (JSON.parse(stored.value) as Counter);
      const unused = await this.#settle(year, counter, stored?.revision ?? 0);
      const orders = left();
      if (orders.length === 0) return;
      const next = allot(counter, unused, orders, now.toISOString());
      this.#crash?.("numbers.move", "before");
      const moved = await this.#bucket.update(yearKey(year), JSON.stringify(next), stored?.revision ?? 0);
      this.#crash?.("numbers.move", "after");
      if (moved.status === "stored") {
        await this.#settle(year, next, moved.revision);
        if (left().length === 0) return;
      }
      // Another node was faster, or the answer is missing: the entry tells.
      await pause(this.#clock, ROUND_PAUSE_MS * (tried + 1));
    }
    throw new Unavailable(`no invoice number after ${ROUND_TRIES} tries`);
  }

  /** Records a block. Answers the numbers whose orders had others already. @throws Unavailable */
  async #settle(year: number, counter: Counter, revision: number): Promise<number[]> {
    const key = yearKey(year);
    if (this.#recorded?.key === key && this.#recorded.revision === revision) return [];
    const unused: number[] = [];
    await Promise.all(
      counter.given.map(async ({ number, order }) => {
        const wanted = { number: numberText(year, number), issuedAt: counter.issuedAt };
        const has = await this.#record(order, wanted);
        if (has.number !== wanted.number) unused.push(number);
        this.#answer(order, has);
      }),
    );
    if (unused.length === 0) this.#recorded = { key, revision };
    return unused;
  }

  /** A year's counter is never looked at again once the next year has begun: its last block is recorded first. */
  async #close(year: number): Promise<void> {
    this.#crash?.("numbers.read_last_year", "before");
    const stored = await this.#bucket.get(yearKey(year));
    this.#crash?.("numbers.read_last_year", "after");
    if (stored !== undefined) await this.#settle(year, JSON.parse(stored.value) as Counter, stored.revision);
  }

  /** Writes the order's number unless it has one; answers the one it has. @throws Unavailable */
  async #record(order: string, wanted: InvoiceNumber): Promise<InvoiceNumber> {
    for (let tried = 1; tried <= RECORD_TRIES; tried++) {
      this.#crash?.("numbers.record", "before");
      const result = await this.#bucket.update(orderKey(order), JSON.stringify(wanted), 0);
      this.#crash?.("numbers.record", "after");
      if (result.status === "stored") return wanted;
      if (result.status === "conflict") {
        // A replica may not have it yet. Entries are written once, so what it shows is right.
        this.#crash?.("numbers.read_recorded", "before");
        const entry = await this.#bucket.get(orderKey(order));
        this.#crash?.("numbers.read_recorded", "after");
        if (entry !== undefined) return readNumber(entry.value);
      }
      await pause(this.#clock, RECORD_PAUSE_MS);
    }
    throw new Unavailable(`the invoice number of ${order} could not be recorded`);
  }

  #answer(order: string, number: InvoiceNumber): void {
    const waiting = this.#waiting.get(order);
    this.#waiting.delete(order);
    waiting?.answer.resolve(number);
  }
}

const yearKey = (year: number): string => `year.${year}`;
const orderKey = (order: string): string => `order.${token(order)}`;
const readNumber = (value: string): InvoiceNumber => JSON.parse(value) as InvoiceNumber;
