/** Asks again and again, within a bound, until something is as it should be. */
import { setTimeout as pause } from "node:timers/promises";

const INTERVAL_MS = 100;

export type MaxWait = {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** False: what is waited for cannot come any more. */
  readonly hope?: () => boolean;
};

/**
 * Resolves once `look` answers `true`; whatever else it answers (or throws) says what is missing.
 * @throws Error naming what was missing last, or the abort
 */
export async function withMaxWait(look: () => Promise<true | string>, options: MaxWait): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    const answer = await look().catch(reasonOf);
    if (answer === true) return;
    if (options.hope?.() === false) throw new Error(answer);
    if (performance.now() >= deadline) throw new Error(`${answer} (waited ${options.timeoutMs / 1000} s)`);
    await pause(INTERVAL_MS, undefined, { signal: options.signal });
  }
}

/** The words of an error; those of its cause, where `fetch` hides it there. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
