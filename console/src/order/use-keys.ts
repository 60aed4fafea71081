/** Single keys of a page, beside those that work everywhere. */
import { useEffect, useRef } from "react";
import { readStored } from "../app/stored.ts";

/** What keys do. Not while the user types or a dialog is open, and not when shortcuts are switched off. */
export function useKeys(keys: Readonly<Record<string, () => unknown>>): void {
  const newest = useRef(keys);
  useEffect(() => {
    newest.current = keys;
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const act = newest.current[event.key];
      if (!act || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const { target } = event;
      if (target instanceof Element && target.closest("input:not([type=range]), textarea, select")) return;
      if (document.querySelector("dialog[open]") || readStored("shortcuts", ["on", "off"]) === "off") return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);
}
