/** The local cluster stops in this order, each group within its time, ms; all of it within `promisedMs`. */
export const clusterStopping = {
  nodesMs: 5_200,
  servicesMs: 1_000,
  /** A nats-server; the process that keeps it has the time below. */
  natsServerMs: 2_500,
  natsMs: 3_000,
  /** The launcher. After this time it ends with exit code 1. */
  launcherMs: 9_700,
  promisedMs: 10_000,
} as const;
