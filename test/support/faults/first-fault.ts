/** Faults of the server in memory, as a list to which tests add. */
import type { Fault, Operation } from "../../../src/adapters/memory/server.ts";

/** One rule: the fault of an operation, if it has one. */
export type FaultRule = (operation: Operation) => Fault | undefined;

/** The first fault that a rule of the list returns; the list may change at any time. */
export function firstOf(rules: readonly FaultRule[]): FaultRule {
  return (operation) => {
    for (const rule of rules) {
      const found = rule(operation);
      if (found) return found;
    }
    return undefined;
  };
}
