/** A bucket in memory that fails as a real one can: lost answers, lost requests, replicas that lag. */
import type { Bucket, CasResult } from "../../../src/runtime/ports.ts";

/**
 * The fault of a write: its answer is lost though it is stored, it never arrives, or a server refuses it that has just
 * become leader and lacks the newest entry.
 */
export type WriteFault = "lose-answer" | "lose-request" | "behind";

/**
 * A bucket in memory that tests can share, read, and make fail. `fault` is called before every write and takes the next
 * of `faults` by default. Only `get`, `update` and `keys` are there.
 */
export function faultyBucket(fault?: () => WriteFault | undefined) {
  const entries = new Map<string, { value: string; revision: number; at?: number }>();
  const faults: WriteFault[] = [];
  /** Keys whose next read a replica answers that does not have them yet. */
  const stale = new Set<string>();
  let revision = 0;
  const bucket: Pick<Bucket, "get" | "update" | "keys"> = {
    keys: async () => [...entries.keys()],
    get: async (key) => {
      const entry = stale.delete(key) ? undefined : entries.get(key);
      return entry && { key, at: 0, ...entry };
    },
    update: async (key, value, expected): Promise<CasResult> => {
      const wrong = fault === undefined ? faults.shift() : fault();
      if (wrong === "lose-request") return { status: "unanswered", reason: "lost" };
      if (wrong === "behind") return { status: "conflict" };
      if ((entries.get(key)?.revision ?? 0) !== expected) return { status: "conflict" };
      entries.set(key, { value, revision: ++revision });
      if (wrong === "lose-answer") return { status: "unanswered", reason: "lost" };
      return { status: "stored", revision };
    },
  };
  return { bucket: bucket as Bucket, entries, faults, stale };
}
