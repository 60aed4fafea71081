/** Views of the list that the user has saved in this browser: a name, and the query of an address. */

/** One view. The query is what is shared: a link has all of it. */
export type SavedView = { readonly name: string; readonly search: string };

/** Views that are kept, and characters of a name. */
export const viewLimits = { views: 12, name: 32 } as const;

/** Views with one more, or with another query for the same name; those with the oldest names go. */
export const withView = (views: readonly SavedView[], view: SavedView): readonly SavedView[] =>
  [...views.filter(({ name }) => name !== view.name), view].slice(-viewLimits.views);

/** Views in a stored text; what cannot be read is left out. */
export function viewsIn(text: string | null): readonly SavedView[] {
  try {
    const read: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(read) ? read.filter(isView).slice(-viewLimits.views) : [];
  } catch {
    return [];
  }
}

const isView = (value: unknown): value is SavedView => {
  const { name, search } = (value ?? {}) as Partial<Record<string, unknown>>;
  return typeof name === "string" && typeof search === "string" && name.length <= viewLimits.name;
};
