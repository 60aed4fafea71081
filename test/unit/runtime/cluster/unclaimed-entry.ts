/** Writes a presence entry without claiming the id of its node: for tests with one process for each id. */
import type { EntryWriter } from "../../../../src/runtime/cluster/presence.ts";
import type { Bucket } from "../../../../src/runtime/ports.ts";

export function unclaimedEntry(node: string, nodes: Pick<Bucket, "put" | "delete">): EntryWriter {
  const put = async (entry: string): Promise<void> => {
    await nodes.put(node, entry);
  };
  return {
    claim: put,
    renew: put,
    release: () => nodes.delete(node),
    saw: () => {},
    isTaken: () => false,
  };
}
