/** Whether nodes with an earlier definition are present. */
import type { NodeEntry } from "../../src/runtime/cluster/presence.ts";
import type { Clock } from "../../src/runtime/ports.ts";
import { DEFINITION_VERSION } from "../../src/services/orders/definition.ts";

/** A node that has joined is noticed within this time. */
const ASK_EVERY_MS = 1_000;

/** Asks for the present nodes at most once a second. A node of version 0.1.0 does not say its definition. */
export function earlierNodes(
  entries: () => readonly NodeEntry[],
  clock: Pick<Clock, "monotonic">,
): () => boolean {
  let askedAt = Number.NEGATIVE_INFINITY;
  let found = false;
  return () => {
    const now = clock.monotonic();
    if (now - askedAt >= ASK_EVERY_MS) {
      askedAt = now;
      found = entries().some(({ definition = 1 }) => Number(definition) < DEFINITION_VERSION);
    }
    return found;
  };
}
