/** The status of a node on which nothing happens. */
import type { MetricsSource } from "../../../nodes/order/metrics.ts";
import { DurationHistogram } from "../../../src/runtime/duration-histogram.ts";
import type { NodeStatus } from "../../../src/runtime/node-status.ts";
import { noProjection, noWebhooks } from "../../support/http-services.ts";

export const quietStatus: NodeStatus = {
  connected: true,
  present: true,
  logLost: undefined,
  unreadable: {},
  taken: undefined,
  settings: undefined,
  held: [],
  owners: [],
  unclaimed: { complete: true, resources: [], forMs: 0 },
  takeovers: { first: 0, released: 0, failover: 0, own: 0, lost: 0 },
  drained: undefined,
  entries: [],
  relay: {
    answered: true,
    depth: 0,
    oldestMs: 0,
    batches: 0,
    writeSets: 0,
    storeRefuses: false,
    noRoom: undefined,
  },
  commitDurations: new DurationHistogram().state(),
  effectDurations: [],
  clock: { offsetMs: 0, uncertaintyMs: 0.5, fault: undefined },
  definition: 4,
  effects: 0,
  providers: [],
  partitions: [],
};

/** The metrics of such a node, whose workers have reported nothing. */
export const quietSource: MetricsSource = {
  node: "node-1",
  status: quietStatus,
  workers: [],
  program: { version: "0.2.0" },
  webhooks: noWebhooks,
  probes: [],
  projection: noProjection,
  orders: undefined,
  outgoing: {
    endpoints: { closed: 0, half_open: 0, open: 0 },
    pending: 0,
    tries: { delivered: 0, retried: 0, failed: 0 },
  },
  bulk: { chunks: 0, parked: 0, orders: {} },
  requests: [],
  process: { startedAt: 0, cpuMs: 0, memoryBytes: 0, utilization: 0 },
  takingOrders: true,
};
