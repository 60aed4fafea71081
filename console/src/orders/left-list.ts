/** The list that was left last: kept as long as the tab of the browser. */
import type { LeftList } from "./list-place.ts";

const KEY = "orderly.list";

let shown: LeftList | undefined;

/** The list as it is shown now: an order that is opened from it is shown before the list is gone. */
export function showList(list: LeftList): void {
  shown = list;
}

/** Keeps the list that is left, for a page that is loaded again. Without storage, orders have no place in it then. */
export function keepList(list: LeftList): void {
  try {
    window.sessionStorage.setItem(KEY, JSON.stringify(list));
  } catch {
    // Storage is forbidden, or full.
  }
}

/** The list that was left last. */
export function leftList(): LeftList | undefined {
  if (shown) return shown;
  try {
    const stored = window.sessionStorage.getItem(KEY);
    return stored === null ? undefined : (JSON.parse(stored) as LeftList);
  } catch {
    return undefined;
  }
}
