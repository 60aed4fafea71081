/** Waiting for a condition instead of sleeping. */
import { setTimeout as pause } from "node:timers/promises";

export type WaitOptions = {
  /** Fails after this time. Default 30 s: a machine may be busy, and servers take up to 12 s to elect a leader. */
  readonly timeoutMs?: number;
  /** Pause between two polls. Default 20 ms. */
  readonly intervalMs?: number;
};

type Truthy<T> = Exclude<T, undefined | null | false | 0 | "">;

/** The condition did not come true in time. Has the last error of the condition, if it threw, as cause. */
export class NeverHappened extends Error {
  override readonly name = "NeverHappened";
}

/**
 * Polls `condition` until its value is truthy, and resolves with that value. A condition that throws or rejects has not
 * come true yet.
 * @param reason what is waited for, as the failure names it: "node-2 owns partition 7"
 * @throws NeverHappened
 */
export async function waitUntil<T>(
  reason: string,
  condition: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Truthy<T>> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (isTruthy(value)) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) {
      const detail = lastError instanceof Error ? ` (${lastError.message})` : "";
      throw new NeverHappened(`waited ${timeoutMs} ms without success: ${reason}${detail}`, {
        cause: lastError,
      });
    }
    await pause(options.intervalMs ?? 20);
  }
}

function isTruthy<T>(value: T): value is Truthy<T> {
  return Boolean(value);
}
