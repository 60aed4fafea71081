/** The list that was left last: kept as long as the tab of the browser. */
import type { LeftList } from "./list-place.ts";

const KEY = "orderly.list";

/** Keeps the list that is left. Without storage, orders have no place in it. */
export function keepList(list: LeftList): void {
  try {
    window.sessionStorage.setItem(KEY, JSON.stringify(list));
  } catch {
    // Storage is forbidden, or full.
  }
}

/** The list that was left last. */
export function leftList(): LeftList | undefined {
  try {
    const stored = window.sessionStorage.getItem(KEY);
    return stored === null ? undefined : (JSON.parse(stored) as LeftList);
  } catch {
    return undefined;
  }
}
