/** A server in memory for one application, with the options of a host. For tests of programs that host actors. */
import type { Clock } from "../../runtime/ports.ts";
import { type SubjectNames, subjectsOf } from "../../runtime/subjects.ts";
import { systemClock } from "../local/system-clock.ts";
import { MemoryServer } from "./server.ts";

/** What a server in memory is made of. Every option may be left out. */
export type ApplicationServerOptions = Partial<SubjectNames> & {
  /** The machine's clock when absent. A virtual one makes hours pass at once: `orderly/virtual-clock`. */
  readonly clock?: Clock;
  /** 4 when absent: a test needs no more. */
  readonly partitions?: number;
  /** 1 when absent. */
  readonly streams?: number;
  /** Life of a node's presence, ms. As the hosts have it; 3000 when absent. */
  readonly presenceTtlMs?: number;
};

/**
 * A server that several hosts of one process share: `hostActors({ definition, memory: server })`. What it stores lives
 * as long as the object: a host that is stopped and started again goes on.
 * @throws RangeError for a name that cannot be part of a subject
 * @example
 * const server = memoryServer();
 * const host = await hostActors({ definition, memory: server });
 */
export function memoryServer(options: ApplicationServerOptions = {}): MemoryServer {
  const { clock = systemClock, partitions = 4, streams = 1, presenceTtlMs = 3_000 } = options;
  const subjects = subjectsOf({ ...options, prefix: options.prefix ?? "actors" });
  return new MemoryServer({
    clock,
    subjects,
    layout: { partitions, streams },
    bucketAgeMs: { [subjects.buckets.nodes]: presenceTtlMs },
  });
}
