/** Listens for shortcuts. */
import { useEffect, useRef } from "react";
import { type KeyAction, type Places, readKey, type Waiting } from "./shortcuts.ts";

const takesText = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/u.test(target.tagName)) &&
  !/^(?:checkbox|radio|button|submit)$/u.test((target as HTMLInputElement).type);

/** Calls `act` for each shortcut. @param on false: only the palette's chord counts */
export function useShortcuts(places: Places, on: boolean, act: (action: KeyAction) => void): void {
  const newest = useRef(act);
  const waiting = useRef<Waiting>(undefined);
  useEffect(() => {
    newest.current = act;
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const busy = !on || takesText(event.target) || document.querySelector("dialog[open]") !== null;
      const { altKey, ctrlKey, key, metaKey } = event;
      const pressed = { altKey, at: event.timeStamp, ctrlKey, key, metaKey };
      const { action, waiting: next } = readKey(waiting.current, pressed, places, busy);
      waiting.current = next;
      if (!action) return;
      event.preventDefault();
      newest.current(action);
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [places, on]);
}
