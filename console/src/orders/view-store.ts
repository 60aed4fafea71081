/** Saved views in the storage of this browser. */
import { type SavedView, viewsIn } from "./saved-views.ts";

const KEY = "orderly.views";

/** The views of this browser. */
export function readViews(): readonly SavedView[] {
  try {
    return viewsIn(window.localStorage.getItem(KEY));
  } catch {
    return [];
  }
}

/** Keeps them; without storage they last until the page closes. */
export function storeViews(views: readonly SavedView[]): void {
  try {
    window.localStorage.setItem(KEY, JSON.stringify(views));
  } catch {
    // Storage is forbidden, or full.
  }
}
