/** The list of orders: its filters, and what live changes do to it. */
import t from "tap";
import type { OrderList, OrderRow } from "../../../console/src/api/types.ts";
import {
  fits,
  isUnfiltered,
  type ListFilter,
  listCodec,
  noFilter,
  queryOf,
  queryWithout,
  setFilters,
} from "../../../console/src/orders/list-filter.ts";
import { applyChanges, fresh, MOST_NEWER } from "../../../console/src/orders/live-rows.ts";
import { newest } from "../../../console/src/orders/merge-rows.ts";

const row = (id: string, change: Partial<OrderRow> = {}): OrderRow => ({
  id,
  version: 3,
  sequence: 1,
  status: "confirmed",
  customer: { id: "cus_1" },
  lines: [{ sku: "MUG-BLUE", quantity: 1 }],
  total: { amount: 100, currency: "EUR" },
  payment: { method: "credit_card", status: "authorized" },
  fulfillment: { status: "stored", trackingNumber: null },
  invoice: null,
  waitsFor: ["person"],
  parked: false,
  partition: 4,
  createdAt: "2026-11-30T10:00:00.000Z",
  updatedAt: "2026-11-30T10:00:01.000Z",
  ...change,
});

const page = (...items: OrderRow[]): OrderList => ({
  items,
  nextCursor: null,
  previousCursor: null,
  total: { value: items.length, exact: true },
  asOf: { sequence: 1, at: "2026-11-30T10:00:00.000Z", behindMs: 0 },
});
const filter = (search: string): ListFilter => listCodec.read(search);
const frame = (...items: OrderRow[]) => ({ items, more: false });

const at = (second: number) => `2026-11-30T10:00:0${second}.000Z`;

t.test("a filter asks the server for what its address says", async (t) => {
  const set = filter("?status=ready,confirmed&stuckFor=15m&parked=true&sort=-total&q=ada");
  t.strictSame(queryOf(set), {
    status: "confirmed,ready",
    stuckFor: "15m",
    parked: "true",
    q: "ada",
    sort: "-total",
  });
  t.strictSame(queryWithout(set, "status", "sort"), { stuckFor: "15m", parked: "true", q: "ada" });
  t.equal(isUnfiltered(filter("?sort=total")), true);
  t.equal(isUnfiltered(set), false);
});

t.test("an order fits when each filter has its value", async (t) => {
  for (const [search, expected] of [
    ["", true],
    ["?status=confirmed,ready", true],
    ["?status=ready", false],
    ["?payment=captured", false],
    ["?fulfillment=stored", true],
    ["?method=async", false],
    ["?waitsFor=person,timer", true],
    ["?waitsFor=customer", false],
    ["?parked=true", false],
    ["?stuckFor=15m", false],
    ["?sku=MUG-RED,MUG-BLUE", true],
    ["?sku=MUG-RED", false],
    ["?customerId=cus_2", false],
    ["?partition=3,4", true],
    ["?partition=3", false],
    ["?createdAfter=2026-11-30T10:00:00Z", true],
    ["?createdBefore=2026-11-30T10:00:00Z", false],
    ["?q=ada", undefined],
    ["?in=payment:authorized", undefined],
    ["?node=node-1&status=ready", false],
  ] as const)
    t.equal(fits(row("ord_1"), filter(search)), expected, search);
});

t.test("each filter that is set can be removed alone", async (t) => {
  const search =
    "payment=pending&fulfillment=stored&method=async&in=payment:pending&waitsFor=customer&stuckFor=5m" +
    "&parked=true&sku=A&customerId=c&createdAfter=2026-01-01T00:00:00Z&createdBefore=2027-01-01T00:00:00Z" +
    "&node=node-1&partition=3";
  const all = filter(`?${search}`);
  t.equal(listCodec.write(all), search);
  const set = setFilters(all);
  t.equal(set.length, 13);
  const left = set.reduce((values, { without }) => ({ ...values, ...without }), all);
  t.strictSame(left, noFilter);
  t.equal(new Set(set.map(({ text }) => text)).size, 13);
});

t.test("a changed order is replaced in its place, and an older version of it is not taken", async (t) => {
  const pages = [page(row("ord_2"), row("ord_1")), page(row("ord_0"))];
  const { freshness, pages: next } = applyChanges(
    pages,
    fresh,
    frame(row("ord_1", { version: 4, status: "ready" }), row("ord_0", { version: 2 })),
    noFilter,
  );
  t.same(
    next.flatMap(({ items }) => items.map(({ id, status }) => `${id} ${status}`)),
    ["ord_2 confirmed", "ord_1 ready", "ord_0 confirmed"],
  );
  t.equal(next[1], pages[1], "a page without a change stays the same object");
  t.strictSame([...freshness.changed], [["ord_1", 4]]);
  t.equal(freshness.newer.size, 0);
});

t.test("an order that no longer fits stays, and says so until it fits again", async (t) => {
  const only = filter("?status=confirmed");
  const pages = [page(row("ord_1"))];
  const gone = applyChanges(pages, fresh, frame(row("ord_1", { version: 4, status: "ready" })), only);
  t.strictSame([...gone.freshness.gone], ["ord_1"]);
  t.equal(gone.pages[0]?.items.length, 1);
  const back = applyChanges(gone.pages, gone.freshness, frame(row("ord_1", { version: 5 })), only);
  t.strictSame([...back.freshness.gone], []);
});

t.test("new orders wait, and those that cease to fit meanwhile do not", async (t) => {
  const only = filter("?status=confirmed");
  const pages = [page(row("ord_1"))];
  const one = applyChanges(pages, fresh, frame(row("ord_2"), row("ord_3", { status: "ready" })), only);
  t.equal(one.pages, pages);
  t.strictSame([...one.freshness.newer], ["ord_2"]);
  const two = applyChanges(pages, one.freshness, frame(row("ord_2", { version: 4, status: "ready" })), only);
  t.equal(two.freshness.newer.size, 0);
});

t.test("in a plain list an old order of a page that was not read is no news", async (t) => {
  const pages = [page(row("ord_9"))];
  const { freshness } = applyChanges(
    pages,
    fresh,
    frame(row("ord_1", { version: 8 }), row("ord_10", { version: 1 })),
    noFilter,
  );
  t.strictSame([...freshness.newer], ["ord_10"]);
});

t.test("what waits is bounded, and a frame that is not whole leaves the list unsure", async (t) => {
  const many = Array.from({ length: MOST_NEWER + 5 }, (_, at) => row(`ord_${at}`, { version: 1 }));
  const { freshness } = applyChanges([page()], fresh, { items: many, more: true }, noFilter);
  t.equal(freshness.newer.size, MOST_NEWER);
  t.equal(freshness.unsure, true);
});

t.test("the orders that changed last are each shown once, in their newest version", async (t) => {
  const merged = newest(
    [row("ord_2", { version: 5, updatedAt: at(5) }), row("ord_3", { version: 1, updatedAt: at(4) })],
    [row("ord_1", { updatedAt: at(3) }), row("ord_2", { version: 4, updatedAt: at(2) })],
    2,
  );
  t.strictSame(
    merged.map(({ id, version }) => [id, version]),
    [
      ["ord_2", 5],
      ["ord_3", 1],
    ],
  );
});
