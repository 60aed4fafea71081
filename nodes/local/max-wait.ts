/** Repeats a check, within a bound, until it succeeds. */
import { setTimeout as pause } from "node:timers/promises";

const INTERVAL_MS = 100;

/** The bounds of a wait. */
export type MaxWait = {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Returns false when the awaited condition can no longer become true. */
  readonly stillPossible?: () => boolean;
};

/**
 * Resolves when `check` returns `true`. Any other value, or an error, says what is missing.
 * @throws Error with what was missing last, or the abort
 */
export async function withMaxWait(check: () => Promise<true | string>, options: MaxWait): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    const answer = await check().catch(reasonOf);
    if (answer === true) return;
    if (options.stillPossible?.() === false) throw new Error(answer);
    if (performance.now() >= deadline) throw new Error(`${answer} (waited ${options.timeoutMs / 1000} s)`);
    await pause(INTERVAL_MS, undefined, { signal: options.signal });
  }
}

/** The message of an error, or of its cause, in which `fetch` hides it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
