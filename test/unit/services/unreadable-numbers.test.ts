/** Invoice numbers of a bucket with damaged entries: no number twice, no gap, and the other orders go on. */
import t from "tap";
import { VirtualClock } from "../../../src/adapters/memory/virtual-clock.ts";
import { UnreadableEntries } from "../../../src/runtime/unreadable.ts";
import { WorkRefused } from "../../../src/runtime/workers/worker.ts";
import { derivedCounter, readCounter } from "../../../src/services/invoice/number-counter.ts";
import { creditNoteSeries, InvoiceNumbers, invoiceSeries } from "../../../src/services/invoice/numbers.ts";
import { faultyBucket } from "../../support/faults/faulty-bucket.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";

const counter = {
  last: 3,
  given: [{ number: 3, order: "c" }],
  free: [2],
  issuedAt: "2026-01-02T00:00:00.000Z",
};
const garbage: readonly string[] = [
  "",
  "{",
  "7",
  "null",
  "[]",
  "{}",
  JSON.stringify({ ...counter, last: "3" }),
  JSON.stringify({ ...counter, last: -1 }),
  JSON.stringify({ ...counter, last: 1e300 }),
  JSON.stringify({ ...counter, last: 2.5 }),
  JSON.stringify({ ...counter, given: {} }),
  JSON.stringify({ ...counter, given: [{ number: 9, order: "c" }] }),
  JSON.stringify({ ...counter, given: [{ number: 3 }] }),
  JSON.stringify({ ...counter, given: [null] }),
  JSON.stringify({ ...counter, free: ["2"] }),
  JSON.stringify({ ...counter, free: [0] }),
  JSON.stringify({ ...counter, issuedAt: "soon" }),
  JSON.stringify({ ...counter, issuedAt: 7 }),
  JSON.stringify({ ...counter, closed: "yes" }),
];

function stage(series = invoiceSeries) {
  const clock = new VirtualClock();
  const { bucket, entries } = faultyBucket();
  const lines: string[] = [];
  const log = { ...quietLog, error: (_fields: object, message: string) => void lines.push(message) };
  const unreadable = new UnreadableEntries(log);
  const numbers = () => new InvoiceNumbers(bucket, clock, undefined, series, unreadable);
  const outcome = async (promise: Promise<unknown>): Promise<unknown> => {
    let result: unknown;
    promise.then(
      (value) => (result = value ?? "none"),
      (error: unknown) => (result = error),
    );
    await clock.advanceUntil(() => result !== undefined, 600_000);
    return result;
  };
  const take = async (order: string): Promise<unknown> => {
    const found = await outcome(numbers().take(order));
    return found instanceof Error ? found : (found as { number: string }).number;
  };
  const damage = (key: string, value: string): void => {
    entries.set(key, { value, revision: 10_000 });
  };
  return { clock, numbers, outcome, take, damage, entries, unreadable, lines };
}

t.test("a counter that cannot be read is made anew from the greatest number that is recorded", async (t) => {
  t.match(readCounter(JSON.stringify(counter)), counter);
  for (const value of garbage) {
    t.equal(readCounter(value), undefined, value);
    const s = stage();
    for (const order of ["a", "b", "c"]) await s.take(order);
    s.damage("year.2026", value);
    t.same(
      [await s.take("d"), await s.take("e"), await s.take("a")],
      ["2026-000004", "2026-000005", "2026-000001"],
    );
    t.same(s.unreadable.counts(), { invoice_counter: 1 }, "counted once");
    t.equal(s.lines.length, 1, "and named once");
  }
});

t.test("the counter of credit notes is made anew from their own numbers", async (t) => {
  const s = stage(creditNoteSeries);
  for (const order of ["a", "b"]) await s.take(order);
  s.damage("order.x", JSON.stringify({ number: "2026-000900", issuedAt: "2026-01-02T00:00:00.000Z" }));
  s.damage("credit-year.2026", "{");
  t.equal(await s.take("c"), "CN-2026-000003");
});

t.test("numbers that are missing below the greatest are allocated first: no gap stays", async (t) => {
  const s = stage();
  for (const order of ["a", "b", "c", "d"]) await s.take(order);
  s.entries.delete("order.b");
  s.damage("year.2026", "{");
  t.same([await s.take("e"), await s.take("f")], ["2026-000002", "2026-000005"]);
});

t.test("an order with an absurd number does not move the counter to it", async (t) => {
  const s = stage();
  for (const order of ["a", "b"]) await s.take(order);
  s.damage("order.x", JSON.stringify({ number: "2026-999999999999", issuedAt: "2026-01-02T00:00:00.000Z" }));
  s.damage("year.2026", "{");
  t.equal(await s.take("c"), "2026-000003");
});

t.test("a year whose counter cannot be read stays closed when the next one has begun", async (t) => {
  const issuedAt = "2026-05-01T00:00:00.000Z";
  t.equal(derivedCounter(2026, [{ number: 1, issuedAt }], true).closed, true);
  t.equal(derivedCounter(2026, [{ number: 2, issuedAt }], true).closed, undefined, "a number is missing");
  t.same(derivedCounter(2026, [], false), {
    last: 0,
    given: [],
    free: [],
    issuedAt: "2026-01-01T00:00:00.000Z",
  });
  const s = stage();
  await s.take("a");
  s.damage("year.2026", "{");
  s.damage(
    "year.2027",
    JSON.stringify({ last: 0, given: [], free: [], issuedAt: "2027-01-01T00:00:00.000Z" }),
  );
  t.equal(await s.take("b"), "2027-000001");
});

t.test(
  "no number is taken while another process may be recording the block of the lost counter",
  async (t) => {
    const s = stage();
    for (const order of ["a", "b"]) await s.take(order);
    s.damage("year.2026", "{");
    let result: unknown;
    s.numbers()
      .take("late")
      .then(
        (value) => (result = value),
        (error: unknown) => (result = error),
      );
    await s.clock.advance(1_000);
    s.damage("order.c", JSON.stringify({ number: "2026-000003", issuedAt: "2026-01-02T00:00:00.000Z" }));
    await s.clock.advanceUntil(() => result !== undefined, 600_000);
    t.match(result, { name: "Unavailable" });
    t.equal(await s.take("late"), "2026-000004");
  },
);

t.test(
  "an order whose number cannot be read is refused, and its number goes to no other order",
  async (t) => {
    for (const value of [
      "{",
      "[]",
      "{}",
      '{"number":7,"issuedAt":"2026-01-01"}',
      '{"number":"2026-000002","issuedAt":"x"}',
    ]) {
      const s = stage();
      for (const order of ["a", "b"]) await s.take(order);
      // The block of the counter names b: its number is 2, or was another one.
      s.damage("order.b", value);
      const refused = await s.take("b");
      t.ok(refused instanceof WorkRefused, "a dead letter, without further attempts");
      t.match(String(refused), /order\.b in INVOICES_NUMBERS cannot be read/u);
      t.ok((await s.outcome(s.numbers().refuse("b"))) instanceof WorkRefused);
      t.same([await s.take("c"), await s.take("d")], ["2026-000003", "2026-000004"], value);
      t.same(s.unreadable.counts(), { invoice_number: 1 });
    }
  },
);
