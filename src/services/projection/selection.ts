/**
 * The conditions of a filter on rows, as SQL: what is left of it once its shapes are chosen. Values are parameters.
 * Pure.
 */
import type { OrderFilter } from "./contract.ts";
import { firstPlaceAt } from "./place.ts";
import { searchOf } from "./words.ts";

/** A filter as a projection takes it: every node says the same with it. */
export type Selection = Omit<OrderFilter, "node" | "stuckFor"> & {
  /** Not final, and without a change since then, ms since the epoch. */
  readonly stuckSince?: number;
  /** Customers by the tokens that their orders share. Empty: no order fits. */
  readonly persons?: readonly string[];
};

/** SQL and its parameters, in order. */
export type Sql = { readonly text: string; readonly values: readonly (string | number)[] };

/** A query of places, and the check that says the same of one row. */
export type Source = Sql & { readonly check?: Sql };

/** Conditions about a row `o` that a filter has besides its shapes. */
export type Conditions = {
  /** Each names few orders as a rule: `SELECT n` of all that fit it. */
  readonly sources: readonly Source[];
  /** All of them, sources included, to be checked row by row. */
  readonly checks: readonly Sql[];
  /** The bounds on `updated` alone, which an index has. */
  readonly updated: readonly Sql[];
  /** Bounds on the place. */
  readonly places: { readonly from?: number; readonly until?: number };
};

const marks = (values: readonly unknown[]): string => values.map(() => "?").join(", ");

/** See {@link Conditions}. */
export function conditionsOf(selection: Selection): Conditions {
  const sources: Source[] = [];
  const checks: Sql[] = [];
  // A plus before a column: the check of a row chooses no index.
  const either = (source: Sql, check: Sql): void => {
    sources.push({ ...source, check });
    checks.push(check);
  };
  const among = (column: string, values: readonly (string | number)[]): void =>
    either(
      { text: `SELECT n FROM orders WHERE ${column} IN (${marks(values)})`, values },
      { text: `+o.${column} IN (${marks(values)})`, values },
    );
  const {
    customerId,
    externalReference,
    invoiceNumber,
    partition,
    persons,
    placedBy,
    q,
    sku,
    trackingNumber,
  } = selection;
  if (customerId !== undefined) among("customer", [customerId]);
  if (placedBy !== undefined) among("placer", [placedBy]);
  if (persons !== undefined) among("person", persons);
  if (trackingNumber !== undefined) among("tracking", [trackingNumber]);
  if (invoiceNumber !== undefined) among("invoice", [invoiceNumber]);
  if (externalReference !== undefined) among("reference", [externalReference]);
  if (sku !== undefined) {
    const found = `FROM line WHERE sku IN (${marks(sku)})`;
    either(
      { text: `SELECT ${sku.length > 1 ? "DISTINCT " : ""}n ${found}`, values: sku },
      { text: `EXISTS (SELECT 1 ${found} AND n = o.n)`, values: sku },
    );
  }
  const search = q === undefined ? undefined : searchOf(q);
  if (search === "") either({ text: "SELECT n FROM orders WHERE 0", values: [] }, { text: "0", values: [] });
  else if (search !== undefined) {
    const found = { text: "SELECT rowid AS n FROM words WHERE words MATCH ?", values: [search] };
    // Found once for all rows: to search for each row alone takes ms.
    either(found, { text: `+o.n IN (${found.text})`, values: found.values });
  }
  if (partition !== undefined)
    checks.push({ text: `+o.partition IN (${marks(partition)})`, values: partition });
  const updated = updatedBounds(selection);
  const { createdAfter, createdBefore, maxTotal, minTotal } = selection;
  if (minTotal !== undefined) checks.push({ text: "+o.total >= ?", values: [minTotal] });
  if (maxTotal !== undefined) checks.push({ text: "+o.total BETWEEN 0 AND ?", values: [maxTotal] });
  return {
    sources,
    checks,
    updated,
    places: {
      ...(createdAfter === undefined ? {} : { from: firstPlaceAt(createdAfter) }),
      ...(createdBefore === undefined ? {} : { until: firstPlaceAt(createdBefore) }),
    },
  };
}

function updatedBounds({ stuckSince, updatedAfter, updatedBefore }: Selection): Sql[] {
  const bounds: Sql[] = [];
  if (updatedAfter !== undefined) bounds.push({ text: "o.updated >= ?", values: [updatedAfter] });
  if (updatedBefore !== undefined) bounds.push({ text: "o.updated < ?", values: [updatedBefore] });
  if (stuckSince !== undefined) bounds.push({ text: "o.updated <= ?", values: [stuckSince] });
  return bounds;
}
