/** What is written on arrows. Conditions, delays and calls show their names. Pure. */
import type { ChartIndex, ChartTransition } from "./machine-chart.ts";

/** An event as people read it: `after retryDelay`, `done`, `error`, `always`, or its own name. */
export function eventText(event: string, after?: string | number): string {
  if (event === "") return "always";
  if (event === "xstate.init") return "start";
  if (typeof after === "number") return `after ${after} ms`;
  if (after !== undefined) return `after ${after}`;
  const delay = /^xstate\.after\.([^.]+)/u.exec(event)?.[1];
  if (delay !== undefined) return `after ${delay}`;
  if (event.startsWith("xstate.done.")) return "done";
  if (event.startsWith("xstate.error.")) return "error";
  return event;
}

/** The condition of a transition in brackets; empty: it has none. */
export function guardText(index: ChartIndex, transition: ChartTransition): string {
  if (transition.guard !== undefined) return `[${transition.guard}]`;
  return index.isElse(transition) ? "[else]" : "";
}

/** A transition on one line: `order.closed [isHeld]`. */
export function transitionText(index: ChartIndex, transition: ChartTransition): string {
  const guard = guardText(index, transition);
  const event = eventText(transition.event, transition.after);
  return guard === "" ? event : `${event} ${guard}`;
}
