/** What the process uses of its machine. */

/** All threads together; the utilization is of the main thread alone. */
export type ProcessUse = {
  /** ms since the epoch, by the machine's clock. */
  readonly startedAt: number;
  readonly cpuMs: number;
  readonly memoryBytes: number;
  /** Share of the time since the start in which the main thread was busy, 0 to 1. */
  readonly utilization: number;
};

/** As it is now. */
export function processUse(): ProcessUse {
  const { system, user } = process.cpuUsage();
  return {
    startedAt: performance.timeOrigin,
    cpuMs: (system + user) / 1000,
    memoryBytes: process.memoryUsage.rss(),
    utilization: performance.eventLoopUtilization().utilization,
  };
}
