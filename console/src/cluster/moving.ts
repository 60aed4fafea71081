/** Lets elements that change their place move there, so that the reader sees from where they came. */
import { type RefObject, useLayoutEffect, useRef } from "react";

const MOVE_MS = 400;

/** Moves the descendants with `data-moves`, by that name, from their former place. None with reduced motion. */
export function useMoving(container: RefObject<HTMLElement | null>): void {
  const places = useRef(
    new Map<string, { readonly x: number; readonly y: number; readonly parent: Element | null }>(),
  );
  useLayoutEffect(() => {
    const { current } = container;
    if (!current) return;
    const origin = current.getBoundingClientRect();
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const next: typeof places.current = new Map();
    for (const element of current.querySelectorAll<HTMLElement>("[data-moves]")) {
      const name = element.dataset["moves"] ?? "";
      const box = element.getBoundingClientRect();
      const place = { x: box.x - origin.x, y: box.y - origin.y, parent: element.parentElement };
      const before = places.current.get(name);
      next.set(name, place);
      if (still || !before || before.parent === place.parent) continue;
      const from = `translate(${before.x - place.x}px, ${before.y - place.y}px)`;
      element.animate([{ transform: from, zIndex: 1 }, { transform: "none" }], {
        duration: MOVE_MS,
        easing: "cubic-bezier(.2,.7,.2,1)",
      });
    }
    places.current = next;
  });
}
