/**
 * Answers about the orders of a projection: pages, totals, counts. Reads only.
 *
 * Two ways lead to a page. A condition that few orders fit (a customer, a number, a rare word) is a *source*: its
 * orders are read, checked and sorted. Otherwise the orders are *walked* in the order of the list, each shape by its
 * index, and the shapes are merged. How many orders have a shape is known; those of a source are counted up to a bound.
 */
import type Database from "better-sqlite3";
import type { CountKey, OrderSummary, Sort } from "./contract.ts";
import type { Cursor } from "./cursor.ts";
import {
  byPlace,
  byShape,
  bySource,
  byUpdate,
  columnOf,
  inOrder,
  isByShape,
  isByUpdate,
  type Order,
  type Plan,
  placesOfShapes,
  placesOfTime,
  planOf,
  type Rows,
  select,
} from "./rows.sqlite.ts";
import type { Selection, Source, Sql } from "./selection.ts";
import { type Shape, waitsOf } from "./shape.ts";
import { linesOf, type OrderStore, type StoredOrder } from "./store.sqlite.ts";

/** Numbers of orders. */
export type QueryBounds = {
  /** A source with more is not read as a whole. */
  readonly source: number;
  /** The same where one index has all that is asked for. */
  readonly covered: number;
  /** A total that has to be counted row by row is exact up to this. */
  readonly total: number;
};

const BOUNDS: QueryBounds = { source: 3_000, covered: 100_000, total: 1_000 };
/** Days or hours of one answer. */
const TIMES_MAX = 10_000;
/** Statements that are kept prepared. */
const STATEMENTS_MAX = 200;
const HOUR_MS = 3_600_000;

/** An order at its place in a list, with what it is sorted by. */
export type Listed = { readonly n: number; readonly key: number };

/** Some orders in the order of the list; `more`: others follow in the direction of the cursor. */
export type Page = { readonly listed: readonly Listed[]; readonly more: boolean };

type Count = { readonly key: string; readonly value: number };

/** See the top of the file. */
export class OrderQueries {
  private readonly store: OrderStore;
  private readonly bounds: QueryBounds;
  /** By their text: to prepare one takes longer than to run it. */
  private readonly statements = new Map<string, Database.Statement>();

  /** @param bounds tests only: smaller ones */
  constructor(store: OrderStore, bounds: QueryBounds = BOUNDS) {
    this.store = store;
    this.bounds = bounds;
  }

  /** The page at a cursor, or the first one, in the order of `sort`. */
  page(selection: Selection, sort: Sort, limit: number, cursor?: Cursor): Page {
    const isBack = cursor?.side === "previous";
    const direction = sort.startsWith("-") === isBack ? "ASC" : "DESC";
    const order = { column: columnOf(sort), direction, limit: limit + 1, cursor } as const;
    const found = this.read(this.planOf(selection), order);
    const listed = found.slice(0, limit);
    return { listed: isBack ? listed.toReversed() : listed, more: found.length > limit };
  }

  /** How many orders fit; `exact` false: at least as many. */
  total(selection: Selection): { readonly value: number; readonly exact: boolean } {
    const plan = this.planOf(selection);
    if (isByShape(plan)) return { value: plan.count, exact: true };
    const source = this.sourceOf(plan);
    const max = source || isByUpdate(plan) ? this.bounds.source : this.bounds.total;
    const value = this.countOf(select("o.n", this.matching(plan, source)), max + 1);
    return value > max ? { value: max, exact: false } : { value, exact: true };
  }

  /** How many orders fit, by a key; keys without orders are left out. */
  counts(selection: Selection, by: CountKey): readonly Count[] {
    const plan = this.planOf(selection);
    if (by === "day" || by === "hour") return this.countsByTime(plan, by);
    const counts = new Map<string, number>();
    for (const [id, orders] of this.countsByShape(plan)) {
      const shape = this.store.shapes[id]!;
      for (const key of by === "state" ? shape.states : [shape[by]])
        counts.set(key, (counts.get(key) ?? 0) + orders);
    }
    const found = [...counts].map(([key, value]) => ({ key, value }));
    return found.toSorted((a, b) => b.value - a.value || (a.key < b.key ? -1 : 1));
  }

  /** Orders by their places. */
  orders(listed: readonly Listed[]): OrderSummary[] {
    const statement = this.store.database.prepare<[number], StoredOrder>("SELECT * FROM orders WHERE n = ?");
    return listed.flatMap(({ n }) => {
      const row = statement.get(n);
      return row ? summaryOf(row, this.store.shapes[row.shape]!) : [];
    });
  }

  private planOf(selection: Selection): Plan {
    return planOf(selection, this.store.shapes, this.store.counts);
  }

  private read(plan: Plan, order: Order): Listed[] {
    if (plan.shapes.length === 0) return [];
    const { column } = order;
    if (isByUpdate(plan) && column !== "total") {
      const covered = byUpdate(plan);
      const most = this.bounds.covered;
      if (this.countOf(select("o.n", covered), most + 1) <= most) return this.listed(covered, order);
    }
    const source = this.sourceOf(plan);
    if (source) return this.listed(bySource(source, plan), order);
    if (column === "n" && plan.all) return this.listed(byPlace(plan), order);
    return this.merged(plan, order);
  }

  /** The source with the fewest orders, if it is small enough to be read as a whole. */
  private sourceOf(plan: Plan): Source | undefined {
    const { checks, places, sources, updated } = plan.conditions;
    if (checks.length + updated.length === 0 || plan.shapes.length === 0) return undefined;
    let best: Source | undefined;
    let fewest = this.bounds.source + 1;
    if (!plan.all && plan.count < fewest) [best, fewest] = [placesOfShapes(plan), plan.count];
    const named: Source[] = updated.length > 0 ? [...sources, select("o.n", byUpdate(plan))] : [...sources];
    if (places.from !== undefined || places.until !== undefined) named.push(placesOfTime(plan));
    for (const source of named) {
      const found = this.countOf(source, fewest);
      if (found < fewest) [best, fewest] = [source, found];
    }
    return best;
  }

  /** All orders that fit, in no order. */
  private matching(plan: Plan, source = this.sourceOf(plan)): Rows {
    if (plan.shapes.length > 0 && isByUpdate(plan)) return byUpdate(plan);
    return source ? bySource(source, plan) : byPlace(plan);
  }

  /** The orders of each shape in the order of the list, merged. */
  private merged(plan: Plan, order: Order): Listed[] {
    const { column, direction, limit } = order;
    const batch = Math.min(limit, Math.max(4, Math.ceil((2 * limit) / plan.shapes.length)));
    const comesFirst = (a: Listed, b: Listed): boolean => {
      const difference = a.key - b.key || a.n - b.n;
      return direction === "ASC" ? difference < 0 : difference > 0;
    };
    const read = (shape: number, after?: Listed): Listed[] => {
      const cursor = after ? { key: after.key, place: after.n } : order.cursor;
      return this.listed(byShape(shape, column, plan), { ...order, limit: batch, cursor });
    };
    const heads = plan.shapes.map((shape) => ({ shape, rows: read(shape), at: 0 }));
    const found: Listed[] = [];
    while (found.length < limit) {
      let first: (typeof heads)[number] | undefined;
      for (const head of heads) {
        if (head.at === batch) Object.assign(head, { rows: read(head.shape, head.rows.at(-1)), at: 0 });
        const row = head.rows[head.at];
        if (row && (!first || comesFirst(row, first.rows[first.at]!))) first = head;
      }
      if (!first) break;
      found.push(first.rows[first.at++]!);
    }
    return found;
  }

  private countsByShape(plan: Plan): readonly (readonly [shape: number, orders: number])[] {
    const { counts } = this.store;
    if (isByShape(plan)) return plan.shapes.map((id) => [id, counts[id] ?? 0]);
    const group = { text: "GROUP BY o.shape", values: [] };
    return this.pairs(select("o.shape, count(*)", this.matching(plan), group));
  }

  private countsByTime(plan: Plan, by: "day" | "hour"): readonly Count[] {
    const hours = by === "day" ? 24 : 1;
    const last = { text: `GROUP BY 1 ORDER BY 1 DESC LIMIT ${TIMES_MAX}`, values: [] };
    const kept: Rows = {
      from: { text: "hourly o", values: [] },
      where: plan.all ? [] : [{ text: `o.shape IN (${plan.shapes.join(", ")})`, values: [] }],
    };
    const counted = isByShape(plan)
      ? select(`o.hour / ${hours}, sum(o.orders)`, kept, last)
      : select(`o.created / ${HOUR_MS * hours}, count(*)`, this.matching(plan), last);
    return this.pairs(counted)
      .map(([time, value]) => ({ key: timeOf(time * hours * HOUR_MS, by), value }))
      .toReversed();
  }

  private countOf({ text, values }: Sql, most: number): number {
    const counted = this.store.database.prepare<unknown[], number>(
      `SELECT count(*) FROM (${text} LIMIT ${most})`,
    );
    return counted.pluck().get(...values) ?? 0;
  }

  private listed(rows: Rows, order: Order): Listed[] {
    return this.pairs(inOrder(rows, order)).map(([n, key]) => ({ n, key }));
  }

  private pairs({ text, values }: Sql): (readonly [number, number])[] {
    let statement = this.statements.get(text);
    if (!statement) {
      if (this.statements.size === STATEMENTS_MAX) this.statements.clear();
      statement = this.store.database.prepare(text).raw();
      this.statements.set(text, statement);
    }
    return statement.all(...values) as [number, number][];
  }
}

function timeOf(ms: number, by: "day" | "hour"): string {
  const text = new Date(ms).toISOString();
  return by === "day" ? text.slice(0, 10) : `${text.slice(0, 13)}:00Z`;
}

/** An order as lists show it. */
export function summaryOf(row: StoredOrder, shape: Shape): OrderSummary {
  return {
    id: row.id,
    version: row.version,
    sequence: row.sequence,
    status: shape.status,
    customer: { id: row.customer },
    lines: linesOf(row).map(({ quantity, sku }) => ({ sku, quantity })),
    total: row.currency === null ? null : { amount: row.total, currency: row.currency },
    payment: { method: shape.method, status: shape.payment },
    fulfillment: { status: shape.fulfillment, trackingNumber: row.tracking },
    invoice: row.invoice === null ? null : { number: row.invoice },
    ...(row.reference === null ? {} : { externalReference: row.reference }),
    waitsFor: waitsOf(shape),
    parked: shape.parked,
    partition: row.partition,
    createdAt: new Date(row.created).toISOString(),
    updatedAt: new Date(row.updated).toISOString(),
  };
}
