/** Whether the window is as narrow as a phone's. */
import { useSyncExternalStore } from "react";

const query = window.matchMedia("(max-width: 720px)");

function subscribe(listener: () => void): () => void {
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

/** True at 720 px and below, as in the style sheets. */
export const useNarrow = (): boolean => useSyncExternalStore(subscribe, () => query.matches);
