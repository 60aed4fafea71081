/** What the present nodes can read. */
import type { NodeEntry } from "../../src/runtime/cluster/presence.ts";
import type { Clock } from "../../src/runtime/ports.ts";
import { DEFINITION_VERSION } from "../../src/services/orders/definition.ts";
import { areOpening, PERSONAL_FORM } from "../../src/services/personal/sealed-form.ts";

/** A node that has joined is noticed within this time. */
const READ_EVERY_MS = 1_000;

/** Reads the present nodes at most once a second. A node of version 0.1.0 does not say its definition. */
export function earlierNodes(
  entries: () => readonly NodeEntry[],
  clock: Pick<Clock, "monotonic">,
): () => boolean {
  return onceASecond(clock, () =>
    entries().some(({ definition = 1 }) => Number(definition) < DEFINITION_VERSION),
  );
}

/** Whether every present node opens sealed personal data; read at most once a second. */
export function sealedFormOpened(
  entries: () => readonly NodeEntry[],
  clock: Pick<Clock, "monotonic">,
): () => boolean {
  return onceASecond(clock, () => areOpening(entries(), PERSONAL_FORM));
}

function onceASecond(clock: Pick<Clock, "monotonic">, read: () => boolean): () => boolean {
  let readAt = Number.NEGATIVE_INFINITY;
  let found = false;
  return () => {
    const now = clock.monotonic();
    if (now - readAt >= READ_EVERY_MS) {
      readAt = now;
      found = read();
    }
    return found;
  };
}
