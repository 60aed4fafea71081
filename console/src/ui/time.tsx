/** Instants: one switch decides for all of them whether they are relative, local or UTC. */
import { createContext, useContext, useSyncExternalStore } from "react";
import { formatTime, formatUtc, type TimeMode } from "./format.ts";

/** How instants are shown on this page. */
export const TimeModeContext = createContext<TimeMode>("relative");

const EVERY_MS = 1000;
const listeners = new Set<() => void>();
let timer: number | undefined;

/** One timer for all instants of the page. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= window.setInterval(() => {
    for (const one of listeners) one();
  }, EVERY_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    window.clearInterval(timer);
    timer = undefined;
  };
}

/** A text that depends on the time; the component is drawn again only when the text changes. */
export const useTimedText = (text: (now: number) => string): string =>
  useSyncExternalStore(subscribe, () => text(Date.now()));

/** An instant. @param at RFC 3339 */
export function Time({ at }: { readonly at: string }) {
  const mode = useContext(TimeModeContext);
  const instant = Date.parse(at);
  const text = useTimedText((now) => formatTime(instant, mode, now));
  return (
    <time dateTime={at} title={formatUtc(instant)}>
      {text}
    </time>
  );
}
