/** A cluster in which nothing happens, for tests of what shows it. */
import type { Placements } from "../../src/services/placement/contract.ts";

/** Of a cluster without nodes. */
export const noPlacements: Placements = {
  move: async () => ({ status: "partition_not_found" }),
  drain: async () => ({ status: "node_not_found" }),
  undrain: async () => ({ status: "node_not_found" }),
};

/** What a node shows that was never drained and has committed nothing. */
export const quietNode = {
  draining: null,
  commitMs: { p50: null, p99: null },
  lanes: [],
} as const;
