/** Calls that come often, and are done seldom. */
import { useCallback, useEffect, useRef } from "react";

/** A function that calls `act` at most once in `everyMs`: a while after the first of several calls. */
export function useThrottled(act: () => void, everyMs: number): () => void {
  const newest = useRef(act);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => {
    newest.current = act;
  });
  useEffect(
    () => () => {
      window.clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  return useCallback(() => {
    timer.current ??= window.setTimeout(() => {
      timer.current = undefined;
      newest.current();
    }, everyMs);
  }, [everyMs]);
}
