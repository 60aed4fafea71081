/** The outbox without a disk: for the simulator. It survives a simulated crash, as a file would. */
import { type Outbox, StoreUnavailable } from "../../runtime/ports.ts";

/** An outbox whose disk can be made to fail. */
export interface MemoryOutbox extends Outbox {
  /** From now on every write fails with this reason; `undefined` repairs it. */
  failWith(reason: string | undefined): void;
}

/** An empty outbox. */
export function memoryOutbox(): MemoryOutbox {
  const rows = new Set<string>();
  let failure: string | undefined;
  const check = () => {
    if (failure !== undefined) throw new StoreUnavailable(failure);
  };
  return {
    write(added) {
      check();
      // Checked first, so that a repeated commit id leaves no row, as in a transaction.
      const fresh = new Set<string>();
      for (const { commit } of added) {
        if (rows.has(commit) || fresh.has(commit))
          throw new Error(`commit ${commit} is in the outbox already`);
        fresh.add(commit);
      }
      for (const commit of fresh) rows.add(commit);
    },
    remove(commits) {
      check();
      for (const commit of commits) rows.delete(commit);
    },
    leftover: () => [...rows],
    depth: () => rows.size,
    close() {},
    failWith(reason) {
      failure = reason;
    },
  };
}
