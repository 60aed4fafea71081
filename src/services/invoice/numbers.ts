/**
 * Invoice numbers: one per order permanently, without gaps within a year.
 *
 * Two kinds of entries in one bucket, changed by compare-and-set only: `year.2026`, the counter (number-counter.ts),
 * and `order.<id>`, the order's number or the decision that it gets none, written once. A process updates the counter
 * with a block of orders, then records each order's number. The process that updates the counter next first records the
 * block of the previous entry, so a crash between the two steps leaves nothing open. An order that has a number already
 * keeps it, and the new number is allocated to another order.
 *
 * A new year begins when the previous year's counter is closed. Closing is an ordinary compare-and-set on the counter,
 * so a concurrent allocation fails; a closed counter never changes. A counter can be closed when its last block is
 * recorded and no number is spare; while one is spare, the first orders of the new year get it, with the date of that
 * day. A node whose clock lags follows the others into the new year.
 *
 * Credit notes have a separate series of numbers, with separate keys in the same bucket.
 *
 * Owns: both kinds of entries, and the orders waiting here.  Does not own: the layout of an invoice.
 * Invariants
 *   invoice-numbers.N1. A number is recorded for one order only, and an order has one number only.
 *   invoice-numbers.N2. When the counter is at n, every number below its latest block is recorded or will be allocated
 *       again.
 *   invoice-numbers.N3. At most one round of this process is in flight; it serves all waiting orders, `BLOCK_MAX` at a
 *       time.
 *   invoice-numbers.N5. A counter that cannot be read is made anew from the numbers that its orders have. An order
 *       whose entry cannot be read gets no number, and the number that it may have goes to no other order.
 *   invoice-numbers.N4. Once a number of a year is allocated, every number of the year before is recorded.
 * Known limits: a number whose order had another one stays spare until the next invoice is made. No process repairs the
 * last block before a calendar year without any invoice.
 * Proved by: test/unit/services/invoice-numbers.test.ts, test/integration/services/invoice.test.ts
 */
import type { IssuedInvoice as InvoiceNumber } from "../../../machines/types.ts";
import { token } from "../../runtime/subjects.ts";
import { type Failpoints, failpoint } from "../../runtime/failpoints.ts";
import { type Bucket, type BucketEntry, type Clock, Unavailable } from "../../runtime/ports.ts";
import type { UnreadableEntries } from "../../runtime/unreadable.ts";
import { WorkRefused } from "../../runtime/workers/worker.ts";
import { parseObject } from "../../runtime/json.ts";
import {
  allocate,
  closed,
  type Counter,
  derivedCounter,
  emptyCounter,
  numberIn,
  numberText,
  readCounter,
  spareNumbers,
} from "./number-counter.ts";

/** The number of an invoice or credit note, and the time of its allocation. */
export type { IssuedInvoice as InvoiceNumber } from "../../../machines/types.ts";

/** A counter with up to `places` numbers to allocate. */
type Open = {
  readonly year: number;
  readonly counter: Counter;
  /** Unused numbers of its latest block, which is recorded. */
  readonly unused: readonly number[];
  /** 0: it does not exist yet. */
  readonly revision: number;
  readonly places: number;
};

/** The keys and the text form of one series of numbers. */
export type Series = {
  readonly keys: "" | "credit-";
  readonly text: (year: number, number: number) => string;
};

/** The series of invoices: `2026-000007`. */
export const invoiceSeries: Series = { keys: "", text: numberText };
/** The series of credit notes: `CN-2026-000007`. */
export const creditNoteSeries: Series = {
  keys: "credit-",
  text: (year, number) => `CN-${numberText(year, number)}`,
};

/** The order permanently gets no number: it ended before it had one. Not retryable. */
export class NumberRefused extends Error {
  override readonly name = "NumberRefused";
}

/** The entry of an order. */
type Recorded = InvoiceNumber | { readonly refused: true } | { readonly unreadable: true };

type Waiting = { readonly order: string; readonly answer: PromiseWithResolvers<InvoiceNumber> };

const BLOCK_MAX = 64;
const ROUND_TRIES = 40;
const ROUND_PAUSE_MS = 5;
const RECORD_TRIES = 5;
const RECORD_PAUSE_MS = 50;
/** Longer than a process records the block of the counter that it has moved. */
const SETTLE_MS = 5_000;
const READS_AT_ONCE = 64;

/** Takes numbers; one instance per process, so that waiting orders share their writes. */
export class InvoiceNumbers {
  private readonly series: Series;
  private readonly bucket: Bucket;
  private readonly clock: Clock;
  private readonly failpoints: Failpoints | undefined;
  private readonly waiting = new Map<string, Waiting>();
  private running = false;
  /** The counter's entry that this process wrote and recorded completely: it needs no repair. */
  private recorded: { readonly key: string; readonly revision: number } | undefined;

  private readonly unreadable: UnreadableEntries | undefined;

  constructor(
    bucket: Bucket,
    clock: Clock,
    failpoints?: Failpoints,
    series: Series = invoiceSeries,
    unreadable?: UnreadableEntries,
  ) {
    this.series = series;
    this.unreadable = unreadable;
    this.bucket = bucket;
    this.clock = clock;
    this.failpoints = failpoints;
  }

  /** The order's number, taken now if it has none. Idempotent. @throws Unavailable (retryable), NumberRefused */
  take(order: string): Promise<InvoiceNumber> {
    let waiting = this.waiting.get(order);
    if (waiting === undefined) {
      waiting = { order, answer: Promise.withResolvers() };
      this.waiting.set(order, waiting);
      if (!this.running) void this.run();
    }
    return waiting.answer.promise;
  }

  /**
   * The order's number; undefined when it has none, and then it never gets one. Idempotent. @throws Unavailable
   * (retryable)
   */
  async refuse(order: string): Promise<InvoiceNumber | undefined> {
    const has = await this.record(order, { refused: true });
    if ("unreadable" in has) throw this.unknown(order);
    return "refused" in has ? undefined : has;
  }

  private async run(): Promise<void> {
    this.running = true;
    // Orders that arrive in the same moment share the round.
    await Promise.resolve();
    while (this.waiting.size > 0) {
      const block = [...this.waiting.values()].slice(0, BLOCK_MAX);
      try {
        await this.serve(block.map((one) => one.order));
      } catch (error) {
        for (const { order, answer } of block) {
          if (this.waiting.delete(order)) answer.reject(error);
        }
      }
    }
    this.running = false;
  }

  /** Gives every order of the block its number. @throws Unavailable */
  private async serve(block: readonly string[]): Promise<void> {
    for (let tried = 0; tried < ROUND_TRIES; tried++) {
      await Promise.all(
        block.map(async (order) => {
          if (!this.waiting.has(order)) return;
          const entry = await failpoint(this.failpoints, "allocation.read_order", () =>
            this.bucket.get(this.orderKey(order)),
          );
          if (entry !== undefined) this.answer(order, this.recordedIn(entry));
        }),
      );
      const left = () => block.filter((order) => this.waiting.has(order));
      if (left().length === 0) return;
      const now = new Date(this.clock.now());
      const open = await this.open(now.getUTCFullYear());
      const orders = open === undefined ? [] : left().slice(0, open.places);
      if (open !== undefined && orders.length > 0) {
        const next = allocate(open.counter, open.unused, orders, now.toISOString());
        const revision = await this.move(open.year, next, open.revision);
        if (revision !== undefined) await this.recordBlock(open.year, next, revision);
      }
      if (left().length === 0) return;
      // Another node was faster, or the answer got lost: the entry shows which. Or the new year is open now.
      await this.clock.sleep(ROUND_PAUSE_MS * (tried + 1));
    }
    throw new Unavailable(`no invoice number after ${ROUND_TRIES} tries`);
  }

  /** The counter to allocate from; undefined when it has to be read again. @throws Unavailable */
  private async open(year: number): Promise<Open | undefined> {
    const stored = await failpoint(this.failpoints, "allocation.read_counter", () =>
      this.bucket.get(this.yearKey(year)),
    );
    if (stored === undefined) return this.first(year);
    const counter = await this.counterIn(year, stored);
    // Closed by a node whose clock is ahead.
    if (counter.closed) return this.open(year + 1);
    const unused = await this.recordBlock(year, counter, stored.revision);
    return { year, counter, unused, revision: stored.revision, places: BLOCK_MAX };
  }

  /** A year without a counter: it begins when the year before is closed. @throws Unavailable */
  private async first(year: number): Promise<Open | undefined> {
    const last = year - 1;
    const stored = await failpoint(this.failpoints, "allocation.read_last_counter", () =>
      this.bucket.get(this.yearKey(last)),
    );
    const counter = stored === undefined ? emptyCounter(last) : await this.counterIn(last, stored);
    const revision = stored?.revision ?? 0;
    const fresh = { year, counter: emptyCounter(year), unused: [], revision: 0, places: BLOCK_MAX };
    if (counter.closed) return fresh;
    const unused = await this.recordBlock(last, counter, revision);
    const spare = spareNumbers(counter, unused).length;
    if (spare > 0) return { year: last, counter, unused, revision, places: spare };
    return (await this.move(last, closed(counter), revision)) === undefined ? undefined : fresh;
  }

  /** Updates the counter. @returns the entry's revision; undefined when it was not updated, or that is unknown */
  private async move(year: number, next: Counter, revision: number): Promise<number | undefined> {
    const moved = await failpoint(this.failpoints, "allocation.update_counter", () =>
      this.bucket.update(this.yearKey(year), JSON.stringify(next), revision),
    );
    return moved.status === "stored" ? moved.revision : undefined;
  }

  /** Records a block. @returns the numbers whose orders had others already @throws Unavailable */
  private async recordBlock(year: number, counter: Counter, revision: number): Promise<number[]> {
    const key = this.yearKey(year);
    if (this.recorded?.key === key && this.recorded.revision === revision) return [];
    const unused: number[] = [];
    await Promise.all(
      counter.given.map(async ({ number, order }) => {
        const wanted = { number: this.series.text(year, number), issuedAt: counter.issuedAt };
        const has = await this.record(order, wanted);
        const isOther = "number" in has && has.number !== wanted.number;
        if ("refused" in has || isOther) unused.push(number);
        this.answer(order, has);
      }),
    );
    if (unused.length === 0) this.recorded = { key, revision };
    return unused;
  }

  /** Writes the order's entry unless there is one. @returns the entry that is stored @throws Unavailable */
  private async record(order: string, wanted: Recorded): Promise<Recorded> {
    for (let tried = 1; tried <= RECORD_TRIES; tried++) {
      const result = await failpoint(this.failpoints, "allocation.record", () =>
        this.bucket.update(this.orderKey(order), JSON.stringify(wanted), 0),
      );
      if (result.status === "stored") return wanted;
      if (result.status === "conflict") {
        // A replica may not have it yet. Entries are written once, so what it shows is right.
        const entry = await failpoint(this.failpoints, "allocation.read_recorded", () =>
          this.bucket.get(this.orderKey(order)),
        );
        if (entry !== undefined) return this.recordedIn(entry);
      }
      await this.clock.sleep(RECORD_PAUSE_MS);
    }
    throw new Unavailable(`the invoice number of ${order} could not be recorded`);
  }

  private answer(order: string, recorded: Recorded): void {
    const waiting = this.waiting.get(order);
    this.waiting.delete(order);
    if ("refused" in recorded)
      waiting?.answer.reject(new NumberRefused(`${order} has ended without a number`));
    else if ("unreadable" in recorded) waiting?.answer.reject(this.unknown(order));
    else waiting?.answer.resolve(recorded);
  }

  private unknown(order: string): WorkRefused {
    return new WorkRefused(
      `the entry ${this.orderKey(order)} in INVOICES_NUMBERS cannot be read, so that its number is not known; ` +
        "put the number of its document there, then replay this",
    );
  }

  /** @throws Unavailable */
  private async counterIn(year: number, stored: BucketEntry): Promise<Counter> {
    return readCounter(stored.value) ?? (await this.derived(year, stored));
  }

  /** The counter from the entries of its orders, when no other process is recording any. @throws Unavailable */
  private async derived(year: number, { key, revision }: BucketEntry): Promise<Counter> {
    this.unreadable?.passed("invoice_counter", key, revision, "it is made anew from the recorded numbers");
    const before = await this.recordedOf(year);
    await this.clock.sleep(SETTLE_MS);
    const recorded = await this.recordedOf(year);
    if (recorded.length !== before.length)
      throw new Unavailable(`${key} cannot be read, and numbers are being recorded`);
    const next = await this.bucket.get(this.yearKey(year + 1));
    return derivedCounter(year, recorded, next !== undefined);
  }

  /** @throws Unavailable */
  private async recordedOf(year: number): Promise<{ readonly number: number; readonly issuedAt: string }[]> {
    const prefix = `${this.series.keys}order.`;
    const keys = (await this.bucket.keys()).filter((key) => key.startsWith(prefix));
    const found: { readonly number: number; readonly issuedAt: string }[] = [];
    for (let at = 0; at < keys.length; at += READS_AT_ONCE) {
      const entries = await Promise.all(
        keys.slice(at, at + READS_AT_ONCE).map((key) => this.bucket.get(key)),
      );
      for (const entry of entries) {
        const has = entry === undefined ? undefined : this.recordedIn(entry);
        if (has === undefined || !("number" in has)) continue;
        const number = numberIn(has.number, year);
        if (number !== undefined) found.push({ number, issuedAt: has.issuedAt });
      }
    }
    return found;
  }

  private recordedIn({ key, value, revision }: BucketEntry): Recorded {
    const recorded = readRecorded(value);
    if ("unreadable" in recorded)
      this.unreadable?.passed(
        "invoice_number",
        key,
        revision,
        "its order gets no number until it is repaired",
      );
    return recorded;
  }

  private yearKey(year: number): string {
    return `${this.series.keys}year.${year}`;
  }

  private orderKey(order: string): string {
    return `${this.series.keys}order.${token(order)}`;
  }
}

function readRecorded(value: string): Recorded {
  const { refused, number, issuedAt } = parseObject(value) ?? {};
  if (refused === true) return { refused };
  if (typeof number !== "string" || typeof issuedAt !== "string") return { unreadable: true };
  if (number === "" || Number.isNaN(Date.parse(issuedAt))) return { unreadable: true };
  return { number, issuedAt };
}
