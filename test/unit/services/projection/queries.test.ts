/** Random filters on random orders: a projection answers what a plain filter over all orders answers. */
import t from "tap";
import { countKeys, sorts } from "../../../../src/services/projection/contract.ts";
import { openFile } from "../../../../src/services/projection/schema.sqlite.ts";
import { OrderQueries } from "../../../../src/services/projection/queries.sqlite.ts";
import { OrderStore } from "../../../../src/services/projection/store.sqlite.ts";
import {
  countsOf,
  fits,
  idsOf,
  keyOf,
  type ModelOrder,
  plainFold,
  randomChanges,
  randomOf,
  randomSelection,
} from "./order-model.ts";

const ORDERS = 300;
const LIMIT = 7;
const ROUNDS = 70;

function filled(seed: number): { readonly store: OrderStore; readonly model: readonly ModelOrder[] } {
  const random = randomOf(seed);
  const changes = randomChanges(random, ORDERS, 3 * ORDERS);
  const store = new OrderStore(openFile(":memory:"));
  for (let at = 0; at < changes.length; at += 50)
    store.apply(0, changes.slice(at, at + 50), { sequence: at + 50, log: null, mark: 0, markedAt: 0 });
  return { store, model: plainFold(changes) };
}

const small = { source: 12, covered: 20, total: 1000 };
const runs = [
  { seed: 1, bounds: undefined, way: "by sources" },
  { seed: 2, bounds: small, way: "by walks" },
  { seed: 3, bounds: small, way: "by walks" },
];

for (const { bounds, seed, way } of runs) {
  t.test(`lists, totals and counts are those of a plain filter, ${way} (seed ${seed})`, async (t) => {
    const { model, store } = filled(seed);
    const byId = new Map(model.map((order) => [order.id, order]));
    const queries = new OrderQueries(store, bounds);
    const random = randomOf(1000 + seed);
    for (let round = 0; round < ROUNDS; round++) {
      const selection = randomSelection(random);
      const sort = sorts[random(sorts.length)]!;
      const expected = model.filter((order) => fits(order, selection));
      const what = `${JSON.stringify(selection)} ${sort}`;
      const found: string[] = [];
      const keys: number[] = [];
      let page = queries.page(selection, sort, LIMIT);
      for (;;) {
        found.push(...idsOf(queries.orders(page.listed)));
        keys.push(...page.listed.map(({ key }) => key));
        const last = page.listed.at(-1);
        if (!page.more || !last) break;
        const next = queries.page(selection, sort, LIMIT, {
          sort,
          key: last.key,
          place: last.n,
          side: "next",
        });
        const [first] = next.listed;
        if (!first) throw new Error(`${what}: the next page is empty`);
        const back = queries.page(selection, sort, LIMIT, {
          sort,
          key: first.key,
          place: first.n,
          side: "previous",
        });
        t.strictSame(back.listed, page.listed, `${what}: the page before the next one is this one`);
        page = next;
      }
      t.strictSame(found.toSorted(), expected.map(({ id }) => id).toSorted(), what);
      const values = found.map((id) => keyOf(byId.get(id)!, sort));
      const sign = sort.startsWith("-") ? -1 : 1;
      t.strictSame(
        values,
        values.toSorted((a, b) => sign * (a - b)),
        `${what}: in order`,
      );
      const total = queries.total(selection);
      if (total.exact) t.equal(total.value, expected.length, `${what}: total`);
      else t.ok(total.value < expected.length && total.value === bounds?.source, `${what}: bounded total`);
      const by = countKeys[random(countKeys.length)]!;
      const counts = new Map(queries.counts(selection, by).map(({ key, value }) => [key, value]));
      t.strictSame(counts, countsOf(expected, by), `${what}: by ${by}`);
    }
  });
}

t.test("kept counts are those of the rows", async (t) => {
  const { model, store } = filled(9);
  const counted = store.database
    .prepare(
      "SELECT created / 3600000 AS hour, shape, count(*) AS orders FROM orders GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .all();
  const kept = store.database.prepare("SELECT hour, shape, orders FROM hourly ORDER BY 1, 2").all();
  t.strictSame(kept, counted);
  t.equal(store.size(), model.length);
});
