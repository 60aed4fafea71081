/** The status of a node on which nothing happens. */
import type { NodeStatus } from "../../../src/runtime/node.ts";

export const quietStatus: NodeStatus = {
  connected: true,
  present: true,
  held: [],
  owners: [],
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
  clock: { offsetMs: 0, uncertaintyMs: 0.5, fault: undefined },
  definition: 4,
  effects: 0,
  providers: [],
  partitions: [],
};
