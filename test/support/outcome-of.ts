/** Waiting in virtual time. */
import type { VirtualClock } from "../../src/adapters/memory/virtual-clock.ts";

const LIMIT_MS = 60_000;

/**
 * Drives the clock until the promise ends.
 * @returns its error; undefined when it was fulfilled
 * @throws Error when it has not ended after a minute
 */
export async function outcomeOf(clock: VirtualClock, promise: Promise<unknown>): Promise<Error | undefined> {
  let ended: { readonly error?: Error } | undefined;
  promise.then(
    () => (ended = {}),
    (error: unknown) => (ended = { error: error as Error }),
  );
  if (!(await clock.advanceUntil(() => ended !== undefined, LIMIT_MS))) throw new Error("never ended");
  return ended?.error;
}
