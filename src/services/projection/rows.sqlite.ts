/** Rows of the table `orders`, as SQL: which of them, led to by which index, in which order. Pure. */
import type { Sort } from "./contract.ts";
import type { Cursor } from "./cursor.ts";
import { type Conditions, conditionsOf, type Selection, type Source, type Sql } from "./selection.ts";
import { asksForShape, fitsShape, type Shape } from "./shape.ts";

/** What a selection means for a file as it is now. */
export type Plan = {
  readonly conditions: Conditions;
  /** Ids of the shapes that fit and that some order has. */
  readonly shapes: readonly number[];
  /** Every shape fits. */
  readonly all: boolean;
  /** Orders of these shapes. */
  readonly count: number;
};

/** See {@link Plan}. Shapes and numbers of orders by the id of the shape. */
export function planOf(selection: Selection, shapes: readonly Shape[], counts: readonly number[]): Plan {
  const filter = selection.stuckSince === undefined ? selection : { ...selection, stuckFor: 0 };
  const present = shapes.flatMap((_, id) => ((counts[id] ?? 0) > 0 ? id : []));
  const fitting = present.filter((id) => fitsShape(shapes[id]!, filter));
  return {
    conditions: conditionsOf(selection),
    shapes: fitting,
    all: !asksForShape(filter) || fitting.length === present.length,
    count: fitting.reduce((sum, id) => sum + (counts[id] ?? 0), 0),
  };
}

/** Only the shapes decide. */
export const isByShape = ({ conditions: { checks, places, updated } }: Plan): boolean =>
  checks.length + updated.length === 0 && places.from === undefined && places.until === undefined;

/** Only shapes, the last change and the place decide: one index has all of it. */
export const isByUpdate = ({ conditions: { checks, updated } }: Plan): boolean =>
  checks.length === 0 && updated.length > 0;

/** Rows `o` of the table `orders`. */
export type Rows = { readonly from: Sql; readonly where: readonly Sql[] };

const plain = (text: string): Sql => ({ text, values: [] });

/** A query of rows. @param rest what follows the conditions */
export function select(columns: string, { from, where }: Rows, rest: Sql = plain("")): Sql {
  const conditions = where.length === 0 ? "" : ` WHERE ${where.map(({ text }) => text).join(" AND ")}`;
  return {
    text: `SELECT ${columns} FROM ${from.text}${conditions} ${rest.text}`,
    values: [...from.values, ...where.flatMap(({ values }) => values), ...rest.values],
  };
}

/** What rows are sorted by: their place, their last change or their total. */
export type Column = "n" | "updated" | "total";

/** The column of a sort. */
export function columnOf(sort: Sort): Column {
  if (sort.endsWith("createdAt")) return "n";
  return sort.endsWith("total") ? "total" : "updated";
}

/** How a list reads rows. */
export type Order = {
  readonly column: Column;
  readonly direction: "ASC" | "DESC";
  readonly limit: number;
  /** After this row. */
  readonly cursor: Pick<Cursor, "key" | "place"> | undefined;
};

/** Rows in the order of a list, as pairs of place and what they are sorted by. */
export function inOrder({ from, where }: Rows, { column, cursor, direction, limit }: Order): Sql {
  const sign = direction === "ASC" ? ">" : "<";
  const after: Sql[] = [];
  if (cursor && column === "n") after.push({ text: `o.n ${sign} ?`, values: [cursor.place] });
  if (cursor && column !== "n")
    after.push({ text: `(o.${column}, o.n) ${sign} (?, ?)`, values: [cursor.key, cursor.place] });
  const by = column === "n" ? `o.n ${direction}` : `o.${column} ${direction}, o.n ${direction}`;
  return select(
    `o.n, o.${column}`,
    { from, where: [...where, ...after] },
    plain(`ORDER BY ${by} LIMIT ${limit}`),
  );
}

function places({ conditions }: Plan): Sql[] {
  const { from, until } = conditions.places;
  return [
    ...(from === undefined ? [] : [{ text: "o.n >= ?", values: [from] }]),
    ...(until === undefined ? [] : [{ text: "o.n < ?", values: [until] }]),
  ];
}

const inShapes = ({ shapes }: Plan): string => `o.shape IN (${shapes.join(", ")})`;

/** Everything except the shape. A plus before a column: it chooses no index. @param but holds already */
function checked(plan: Plan, but?: Sql): Sql[] {
  const { checks, updated } = plan.conditions;
  return [
    ...places(plan),
    ...checks.filter((check) => check !== but),
    ...updated.map(({ text, values }) => ({ text: `+${text}`, values })),
  ];
}

const everything = (plan: Plan, but?: Sql): Sql[] => [
  ...checked(plan, but),
  ...(plan.all ? [] : [plain(`+${inShapes(plan)}`)]),
];

/** All rows that fit, read by their places. */
export const byPlace = (plan: Plan): Rows => ({
  from: plain("orders o NOT INDEXED"),
  where: everything(plan),
});

/** The rows of a source that fit. @param source a query of places, each at most once */
export const bySource = (source: Source, plan: Plan): Rows => ({
  from: { text: `(${source.text}) s CROSS JOIN orders o ON o.n = s.n`, values: source.values },
  where: everything(plan, source.check),
});

const INDEXES = { n: "orders_shape", updated: "orders_updated", total: "orders_total" } as const;

/** The rows of one shape that fit, read in the order of a column. */
export const byShape = (shape: number, column: Column, plan: Plan): Rows => ({
  from: plain(`orders o INDEXED BY ${INDEXES[column]}`),
  where: [{ text: "o.shape = ?", values: [shape] }, ...checked(plan)],
});

/** The rows with a shape and a last change that fit. */
export const byUpdate = (plan: Plan): Rows => ({
  from: plain("orders o INDEXED BY orders_updated"),
  where: [plain(inShapes(plan)), ...plan.conditions.updated, ...places(plan)],
});

/** The places of the rows with a shape that fits. */
export const placesOfShapes = (plan: Plan): Sql =>
  select("o.n", { from: plain("orders o INDEXED BY orders_shape"), where: [plain(inShapes(plan))] });

/** The places of the rows that were made at a time that fits. */
export const placesOfTime = (plan: Plan): Sql =>
  select("o.n", { from: plain("orders o NOT INDEXED"), where: places(plan) });
