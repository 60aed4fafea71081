/** Callers within this process, in a closed loop: each starts its next call when its last one is done. */
import { percentile } from "./result.ts";

/** Figures of one run. */
export type Calls = {
  readonly done: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

/**
 * Runs `callers` callers until the time is over and the last of them is done.
 * @param work rejects when a result is wrong; the run is then void
 */
export async function runCallers(
  callers: number,
  durationMs: number,
  work: (caller: number) => Promise<void>,
): Promise<Calls> {
  const latencies: number[] = [];
  const from = performance.now();
  const deadline = from + durationMs;
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      for (let startedAt = from; startedAt < deadline; ) {
        await work(caller);
        const now = performance.now();
        latencies.push(now - startedAt);
        startedAt = now;
      }
    }),
  );
  return {
    done: latencies.length,
    elapsedMs: performance.now() - from,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  };
}
