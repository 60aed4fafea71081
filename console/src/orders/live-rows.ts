/** How live changes get into a list that is shown: nothing moves under the reader's eyes. Pure. */
import type { OrderList, OrderRow } from "../api/types.ts";
import { fits, type ListFilter } from "./list-filter.ts";

/** What changed in a list since it was read. */
export type Freshness = {
  /** Ids of rows that have changed, with their versions: they flash once. */
  readonly changed: ReadonlyMap<string, number>;
  /** Ids of rows that do not fit the filter any more; they stay until the list is read again. */
  readonly gone: ReadonlySet<string>;
  /** Ids of orders that fit and are not shown. */
  readonly newer: ReadonlySet<string>;
  /** Some changes did not arrive: only reading again shows all. */
  readonly unsure: boolean;
};

/** Of a list that was just read. */
export const fresh: Freshness = { changed: new Map(), gone: new Set(), newer: new Set(), unsure: false };

/** Ids of orders that wait to be shown, at most: more are "many". */
export const MOST_NEWER = 999;

/** A list after a frame of changes: rows are replaced in their place. */
export function applyChanges(
  pages: readonly OrderList[],
  before: Freshness,
  frame: { readonly items: readonly OrderRow[]; readonly more: boolean },
  filter: ListFilter,
): { readonly pages: readonly OrderList[]; readonly freshness: Freshness } {
  const shown = new Map(pages.flatMap(({ items }) => items.map((row) => [row.id, row] as const)));
  const changed = new Map(before.changed);
  const gone = new Set(before.gone);
  const newer = new Set(before.newer);
  const replaced = new Map<string, OrderRow>();
  for (const row of frame.items) {
    const known = shown.get(row.id);
    const fitting = fits(row, filter);
    if (known === undefined) {
      if (fitting === false) newer.delete(row.id);
      else if (isNews(row, filter) && newer.size < MOST_NEWER) newer.add(row.id);
    } else if (known.version < row.version) {
      replaced.set(row.id, row);
      changed.set(row.id, row.version);
      if (fitting === false) gone.add(row.id);
      else gone.delete(row.id);
    }
  }
  const freshness = { changed, gone, newer, unsure: before.unsure || frame.more };
  if (replaced.size === 0) return { pages, freshness };
  const next = pages.map((page) =>
    page.items.some(({ id }) => replaced.has(id))
      ? { ...page, items: page.items.map((row) => replaced.get(row.id) ?? row) }
      : page,
  );
  return { pages: next, freshness };
}

/**
 * Whether an order that is not shown is news, rather than one of a page that was not read. A plain list has news when
 * orders are made; a filtered one also when an order begins to fit.
 */
function isNews(row: OrderRow, filter: ListFilter): boolean {
  const isPlain = filter.status.length + filter.payment.length + filter.fulfillment.length === 0;
  return row.version <= 2 || !isPlain || filter.waitsFor.length > 0 || filter.parked;
}
