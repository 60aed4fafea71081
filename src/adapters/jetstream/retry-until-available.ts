/** Bounded retries of set-up work. */
import { setTimeout as pause } from "node:timers/promises";
import { Unavailable } from "../../runtime/ports.ts";

const PAUSE_MS = 200;

/**
 * Repeats `work` while it throws Unavailable, for `deadlineMs` at most: a cluster that has just started has no leader
 * yet, or too few servers.
 * @throws Unavailable after the deadline; any other error at once
 */
export async function untilAvailable<T>(deadlineMs: number, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Unavailable) || performance.now() >= deadline) throw error;
      await pause(PAUSE_MS);
    }
  }
}
