import * as fc from "fast-check";
import t from "tap";
import { VirtualClock } from "../../../src/adapters/memory/virtual-clock.ts";
import {
  allocate,
  type Counter,
  emptyCounter,
  numberText,
} from "../../../src/services/invoice/number-counter.ts";
import type { Bucket } from "../../../src/runtime/ports.ts";
import { type InvoiceNumber, InvoiceNumbers } from "../../../src/services/invoice/numbers.ts";
import { faultyBucket, type WriteFault } from "../../support/faults/faulty-bucket.ts";

const newYearsEve = Date.UTC(2026, 11, 31, 23, 59, 50);

/** Lets time pass until the promise has a result. */
async function within<T>(clock: VirtualClock, promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  let result: PromiseSettledResult<T> | undefined;
  const settled = Promise.allSettled([promise]);
  const done = settled.then(([first]) => {
    result = first;
    return first;
  });
  await clock.advanceUntil(() => result !== undefined, 600_000);
  return done;
}

const numberOf = (result: PromiseSettledResult<InvoiceNumber>): string =>
  result.status === "fulfilled" ? result.value.number : String(result.reason);

t.test("numbers ascend from one, an order keeps its own", async (t) => {
  const clock = new VirtualClock();
  const { bucket } = faultyBucket();
  const numbers = new InvoiceNumbers(bucket, clock);
  const take = async (order: string) => numberOf(await within(clock, numbers.take(order)));
  t.same(
    [await take("a"), await take("b"), await take("a"), await take("c")],
    ["2026-000001", "2026-000002", "2026-000001", "2026-000003"],
  );
  const other = new InvoiceNumbers(bucket, clock);
  t.equal(numberOf(await within(clock, other.take("b"))), "2026-000002", "on every node");
});

t.test("orders that wait at the same time share one write of the counter", async (t) => {
  const clock = new VirtualClock();
  const { bucket, entries } = faultyBucket();
  const numbers = new InvoiceNumbers(bucket, clock);
  const orders = Array.from({ length: 100 }, (_, n) => `ord_${n}`);
  const all = Promise.all(orders.map((order) => numbers.take(order)));
  const result = await within(clock, all);
  const taken = result.status === "fulfilled" ? result.value : [];
  t.same(
    taken.map((one) => one.number),
    orders.map((_, n) => numberText(2026, n + 1)),
  );
  t.ok(
    (entries.get("year.2026")?.revision ?? Infinity) <= 67,
    "the year before is closed, two blocks, and one entry per order",
  );
});

t.test("the next process repairs a crash between allocation and recording", async (t) => {
  const clock = new VirtualClock();
  const { bucket, entries } = faultyBucket();
  const given: Counter = {
    last: 7,
    given: [{ number: 7, order: "crashed" }],
    free: [],
    issuedAt: "2026-01-01T00:00:00.000Z",
  };
  entries.set("year.2026", { value: JSON.stringify(given), revision: 500 });
  const numbers = new InvoiceNumbers(bucket, clock);
  t.equal(numberOf(await within(clock, numbers.take("next"))), "2026-000008");
  t.same(await within(clock, numbers.take("crashed")), {
    status: "fulfilled",
    value: { number: "2026-000007", issuedAt: "2026-01-01T00:00:00.000Z" },
  });
});

t.test("a number whose order has another one is allocated to the next order", async (t) => {
  const clock = new VirtualClock();
  const { bucket, entries } = faultyBucket();
  const own = { number: "2026-000003", issuedAt: "2026-01-01T00:00:00.000Z" };
  entries.set("order.twice", { value: JSON.stringify(own), revision: 1 });
  const given: Counter = { ...emptyCounter(2026), last: 7, given: [{ number: 7, order: "twice" }] };
  entries.set("year.2026", { value: JSON.stringify(given), revision: 500 });
  const numbers = new InvoiceNumbers(bucket, clock);
  t.equal(numberOf(await within(clock, numbers.take("next"))), "2026-000007");
  t.equal(numberOf(await within(clock, numbers.take("twice"))), "2026-000003");
  t.equal(numberOf(await within(clock, numbers.take("third"))), "2026-000008");
});

t.test(
  "an order that a stale read shows without a number keeps its number and frees the new one",
  async (t) => {
    const clock = new VirtualClock();
    const { bucket, entries, stale } = faultyBucket();
    const numbers = new InvoiceNumbers(bucket, clock);
    t.equal(numberOf(await within(clock, numbers.take("first"))), "2026-000001");
    const own = { number: "2025-000003", issuedAt: "2025-01-01T00:00:00.000Z" };
    entries.set("order.twice", { value: JSON.stringify(own), revision: 900 });
    stale.add("order.twice");
    t.equal(numberOf(await within(clock, numbers.take("twice"))), "2025-000003");
    t.equal(numberOf(await within(clock, numbers.take("next"))), "2026-000002");
    t.equal(numberOf(await within(clock, numbers.take("third"))), "2026-000003");
  },
);

t.test("a year starts at one, and its predecessor's last block is recorded first", async (t) => {
  const clock = new VirtualClock(newYearsEve);
  const { bucket, entries } = faultyBucket();
  const numbers = new InvoiceNumbers(bucket, clock);
  t.equal(numberOf(await within(clock, numbers.take("old"))), "2026-000001");
  const given: Counter = {
    last: 2,
    given: [{ number: 2, order: "crashed" }],
    free: [],
    issuedAt: "2026-12-31T23:59:55.000Z",
  };
  entries.set("year.2026", { value: JSON.stringify(given), revision: 500 });
  await clock.advance(20_000);
  t.equal(numberOf(await within(clock, numbers.take("new"))), "2027-000001");
  t.equal(numberOf(await within(clock, numbers.take("crashed"))), "2026-000002");
});

t.test("a bucket that never answers fails the taker, and a later one is served", async (t) => {
  const clock = new VirtualClock();
  let away = true;
  const { bucket } = faultyBucket(() => (away ? "lose-request" : undefined));
  const numbers = new InvoiceNumbers(bucket, clock);
  t.match(await within(clock, numbers.take("a")), { status: "rejected", reason: { name: "Unavailable" } });
  away = false;
  t.equal(numberOf(await within(clock, numbers.take("a"))), "2026-000001");
});

t.test("a failed block fails its own orders only, and those after it are served", async (t) => {
  const clock = new VirtualClock();
  let away = true;
  const { bucket } = faultyBucket(() => (away ? "lose-request" : undefined));
  const numbers = new InvoiceNumbers(bucket, clock);
  const results: (string | undefined)[] = Array.from({ length: 66 }, () => undefined);
  for (const n of results.keys()) {
    const end = (text: string): void => {
      results[n] = text;
      // The bucket answers again as soon as the first block has failed.
      away = false;
    };
    numbers.take(`ord_${n}`).then(
      ({ number }) => end(number),
      ({ name }: Error) => end(name),
    );
  }
  await clock.advanceUntil(() => !results.includes(undefined), 600_000);
  t.strictSame(new Set(results.slice(0, 64)), new Set(["Unavailable"]));
  t.strictSame(results.slice(64), ["2026-000001", "2026-000002"]);
});

t.test("dates never decrease, even when a node's clock does", async (t) => {
  const first = allocate(emptyCounter(2026), [], ["a"], "2026-03-02T00:00:00.000Z");
  const second = allocate(first, [], ["b"], "2026-03-01T00:00:00.000Z");
  t.equal(second.issuedAt, "2026-03-02T00:00:00.000Z");
});

t.test("freed numbers are allocated lowest first, and kept when there are too many", async (t) => {
  const counter: Counter = { last: 9, given: [], free: [3], issuedAt: "" };
  t.match(allocate(counter, [5, 4], ["a", "b"], "x"), {
    last: 9,
    given: [
      { number: 3, order: "a" },
      { number: 4, order: "b" },
    ],
    free: [5],
  });
  t.match(allocate({ ...counter, last: 12, free: [10] }, [9], ["a", "b", "c"], "x").given, [
    { number: 9 },
    { number: 10 },
    { number: 13 },
  ]);
});

t.test("whatever is lost, repeated or crashes: one number per order, no number twice, no gap", async () => {
  const fault = fc.constantFrom<(WriteFault | undefined)[]>(
    undefined,
    undefined,
    undefined,
    "lose-answer",
    "lose-request",
  );
  const step = fc.record({
    node: fc.nat({ max: 2 }),
    orders: fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 4 }),
    crash: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.array(fault, { maxLength: 60 }),
      async (steps, faults) => {
        const clock = new VirtualClock();
        const { bucket, entries } = faultyBucket(() => faults.shift());
        const nodes = [0, 1, 2].map(() => new InvoiceNumbers(bucket, clock));
        const seen = new Map<string, string>();
        const open: Promise<unknown>[] = [];
        for (const { node, orders, crash } of steps) {
          for (const n of orders) {
            const order = `ord_${n}`;
            const taking = nodes[node]?.take(order).then((taken) => {
              const before = seen.get(order);
              if (before !== undefined && before !== taken.number)
                throw new Error(`${order} has two numbers`);
              seen.set(order, taken.number);
              return taken;
            });
            if (taking !== undefined) open.push(Promise.allSettled([taking]));
          }
          // A node that crashes forgets its state; the writes that it sent may happen or not.
          if (crash) nodes[node] = new InvoiceNumbers(bucket, clock);
        }
        await within(clock, Promise.all(open));
        faults.length = 0;
        // A later order repairs everything.
        const last = await within(clock, new InvoiceNumbers(bucket, clock).take("last"));
        if (last.status !== "fulfilled") throw last.reason;
        const counter = JSON.parse(entries.get("year.2026")?.value ?? "") as Counter;
        const recorded = [...entries]
          .filter(([key]) => key.startsWith("order."))
          .map(([, { value }]) => (JSON.parse(value) as InvoiceNumber).number);
        const all = [...recorded, ...counter.free.map((number) => numberText(2026, number))].toSorted();
        const expected = Array.from({ length: counter.last }, (_, n) => numberText(2026, n + 1));
        if (all.join() !== expected.join()) throw new Error(`${all.join()} instead of ${expected.join()}`);
        for (const [order, number] of seen) {
          const entry = entries.get(`order.${order}`);
          if (!entry?.value.includes(number)) throw new Error(`${order} got ${number}`);
        }
      },
    ),
    { numRuns: 200 },
  );
});

const dead = () => new Promise<never>(() => {});

/** A node whose writes can each be delayed in flight, and that can crash at any point. */
function fragileNode(bucket: Bucket, clock: VirtualClock) {
  let alive = true;
  const slow: number[] = [];
  const fragile: Pick<Bucket, "get" | "update"> = {
    get: (key) => (alive ? bucket.get(key) : dead()),
    update: async (key, value, revision) => {
      if (!alive) return dead();
      // A write in flight arrives even if its sender crashes.
      const delayMs = slow.shift() ?? 0;
      if (delayMs > 0) await clock.sleep(delayMs);
      const result = await bucket.update(key, value, revision);
      return alive ? result : dead();
    },
  };
  return {
    numbers: new InvoiceNumbers(fragile as Bucket, clock),
    slow,
    die: () => {
      alive = false;
    },
  };
}

/** The entries of a year: its counter, and the numbers that are recorded or free. */
function bookOf(entries: ReadonlyMap<string, { value: string }>, year: number) {
  const stored = entries.get(`year.${year}`);
  const counter = stored === undefined ? emptyCounter(year) : (JSON.parse(stored.value) as Counter);
  const recorded = [...entries]
    .filter(([key]) => key.startsWith("order."))
    .map(([, { value }]) => (JSON.parse(value) as InvoiceNumber).number)
    .filter((number) => number.startsWith(`${year}-`));
  const given = Array.from({ length: counter.last }, (_, n) => numberText(year, n + 1));
  return { counter, recorded: recorded.toSorted(), given };
}

t.test(
  "a node that moves the old year's counter after another has opened the new year leaves no gap",
  async (t) => {
    const clock = new VirtualClock(newYearsEve);
    const { bucket, entries } = faultyBucket();
    t.equal(numberOf(await within(clock, new InvoiceNumbers(bucket, clock).take("old"))), "2026-000001");
    const stalled = fragileNode(bucket, clock);
    // It records "old" once more; its counter, sent before midnight, is stored after that and never recorded.
    stalled.slow.push(0, 15_000);
    void stalled.numbers.take("late");
    await clock.advance(5_000);
    stalled.die();
    await clock.advance(6_000);
    t.equal(numberOf(await within(clock, new InvoiceNumbers(bucket, clock).take("new"))), "2027-000001");
    await clock.advance(20_000);
    t.equal(numberOf(await within(clock, new InvoiceNumbers(bucket, clock).take("late"))), "2027-000002");
    const { recorded, given } = bookOf(entries, 2026);
    t.same(recorded, given);
  },
);

t.test("a free number of the old year's last block is allocated before the new year begins", async (t) => {
  const clock = new VirtualClock(newYearsEve + 20_000);
  const { bucket, entries } = faultyBucket();
  const own = { number: "2026-000001", issuedAt: "2026-12-31T23:59:00.000Z" };
  entries.set("order.twice", { value: JSON.stringify(own), revision: 1 });
  const given: Counter = {
    last: 4,
    given: [{ number: 4, order: "twice" }],
    free: [2],
    issuedAt: "2026-12-31T23:59:58.000Z",
  };
  entries.set("year.2026", { value: JSON.stringify(given), revision: 500 });
  const numbers = new InvoiceNumbers(bucket, clock);
  const taken = await within(clock, Promise.all(["a", "b", "c"].map((order) => numbers.take(order))));
  t.match(taken, {
    value: [
      { number: "2026-000002", issuedAt: "2027-01-01T00:00:10.000Z" },
      { number: "2026-000004" },
      { number: "2027-000001" },
    ],
  });
});

t.test("a node whose clock lags follows the others into the new year, with a date in it", async (t) => {
  const { bucket } = faultyBucket();
  const ahead = new VirtualClock(newYearsEve + 20_000);
  const behind = new VirtualClock(newYearsEve);
  t.equal(numberOf(await within(behind, new InvoiceNumbers(bucket, behind).take("old"))), "2026-000001");
  t.equal(numberOf(await within(ahead, new InvoiceNumbers(bucket, ahead).take("a"))), "2027-000001");
  const late = new InvoiceNumbers(bucket, behind);
  t.match(await within(behind, late.take("b")), {
    value: { number: "2027-000002", issuedAt: "2027-01-01T00:00:10.000Z" },
  });
});

t.test(
  "the old year has no gap once the new one is open, whatever writes are late and whatever nodes crash",
  async () => {
    const step = fc.record({
      node: fc.nat({ max: 2 }),
      orders: fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 4 }),
      slow: fc.array(fc.constantFrom(0, 0, 0, 3_000, 15_000), { maxLength: 3 }),
      stale: fc.boolean(),
      dies: fc.boolean(),
      waitMs: fc.constantFrom(0, 1, 2_000, 6_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async (steps) => {
        const clock = new VirtualClock(newYearsEve);
        const { bucket, entries, stale } = faultyBucket();
        const nodes = [0, 1, 2].map(() => fragileNode(bucket, clock));
        const answers: [string, Promise<string | undefined>][] = [];
        for (const { node: index, orders, slow, stale: isStale, dies, waitMs } of steps) {
          const node = nodes[index]!;
          node.slow.push(...slow);
          for (const n of orders) {
            const order = `ord_${n}`;
            if (isStale) stale.add(`order.${order}`).add("year.2026");
            answers.push([
              order,
              node.numbers.take(order).then(
                ({ number }) => number,
                () => undefined,
              ),
            ]);
          }
          await clock.advance(waitMs);
          if (dies) {
            node.die();
            nodes[index] = fragileNode(bucket, clock);
          }
        }
        await clock.advance(60_000);
        stale.clear();
        // Orders of the new year; they get the free numbers of the old one.
        for (let n = 0; n < 12; n++) {
          const last = await within(clock, new InvoiceNumbers(bucket, clock).take(`last_${n}`));
          if (last.status !== "fulfilled") throw last.reason;
        }
        // And the orders that crashed nodes left without an answer: their events are delivered again.
        for (let n = 0; n < 10; n++) await within(clock, new InvoiceNumbers(bucket, clock).take(`ord_${n}`));
        const [old, present] = [2026, 2027].map((year) => bookOf(entries, year));
        if (old!.recorded.join() !== old!.given.join())
          throw new Error(`2026 has ${old!.recorded.join()} of ${old!.given.join()}`);
        const free = present!.counter.free.map((number) => numberText(2027, number));
        const all = [...present!.recorded, ...free].toSorted();
        if (all.join() !== present!.given.join())
          throw new Error(`2027 has ${all.join()} of ${present!.given.join()}`);
        for (const [order, answer] of answers) {
          // Orders of a crashed node have none.
          const number = await Promise.race([answer, Promise.resolve(undefined)]);
          if (number !== undefined && !entries.get(`order.${order}`)?.value.includes(number))
            throw new Error(`${order} got ${number}`);
        }
      }),
      { numRuns: 300 },
    );
  },
);
