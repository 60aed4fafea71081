/** Opens all that a host needs on a server in memory. */
import type { Place } from "../../runtime/host-options.ts";
import { keepAlive } from "../local/keep-alive.ts";
import { randomIds } from "../local/random-ids.ts";
import { memoryNode } from "./connection.ts";
import { memoryOutbox } from "./outbox.ts";
import type { MemoryServer } from "./server.ts";

/** The ports of one node. Until `close`, the process does not end by itself. */
export function memoryPlace(server: MemoryServer, nodeId: string): Place {
  const { clock, subjects } = server.options;
  const { link, journals, bus, nodes, checkpoints, definitions, settings } = memoryNode(server, nodeId);
  // The clock's timers keep no process alive, and there is no connection that does.
  const release = keepAlive();
  return {
    ports: {
      journals,
      bus,
      nodes,
      checkpoints,
      definitions,
      settings,
      outbox: memoryOutbox(),
      clock,
      ids: randomIds(),
    },
    subjects,
    partitions: server.layout.partitions,
    close: async () => {
      release();
      link.disconnect();
    },
  };
}
