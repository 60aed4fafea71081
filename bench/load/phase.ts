/** The condition under which a phase of load is valid. */
import type { Phase } from "./load-plan.ts";

/**
 * Number of orders of a phase in which all were confirmed.
 * @param explain the end of the node's log
 * @throws Error with the first other answer
 */
export function confirmedOnly(phase: Phase, explain: () => string): number {
  const { confirmed = 0, ...others } = phase.answers;
  if (Object.keys(others).length === 0 && confirmed > 0) return confirmed;
  throw new Error(
    `answers other than "confirmed": ${JSON.stringify(others)} beside ${confirmed}; the first: ` +
      `${phase.firstOther}\nthe end of the node's log:\n${explain().slice(-2000)}`,
  );
}
