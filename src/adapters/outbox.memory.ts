/** The outbox without a disk: for the simulator. Outlives a simulated crash, as a file would. */
import { StoreUnavailable } from "../runtime/ports.ts";
import type { Outbox, OutboxRow } from "../runtime/ports.ts";

/** An outbox whose disk can be made to fail. */
export interface MemoryOutbox extends Outbox {
  /** From now on every write fails with this reason; `undefined` repairs it. */
  failWith(reason: string | undefined): void;
  /** The cached record of an actor. For tests. */
  snapshotOf(actor: string): { readonly version: number; readonly record: string } | undefined;
}

/** An empty outbox. */
export function memoryOutbox(): MemoryOutbox {
  const rows = new Map<string, string>();
  const snapshots = new Map<string, { version: number; record: string }>();
  let failure: string | undefined;
  const check = () => {
    if (failure !== undefined) throw new StoreUnavailable(failure);
  };
  return {
    write(added) {
      check();
      // Checked first, so that a repeated commit id leaves nothing behind, as in a transaction.
      const fresh = new Set<string>();
      for (const { commit } of added) {
        if (rows.has(commit) || fresh.has(commit))
          throw new Error(`commit ${commit} is in the outbox already`);
        fresh.add(commit);
      }
      for (const row of added) {
        rows.set(row.commit, JSON.stringify(row));
        if (row.snapshot === undefined) continue;
        const { actor, version, record } = row.snapshot;
        snapshots.set(actor, { version, record });
      }
    },
    settle(commits, dropSnapshotsOf) {
      check();
      for (const commit of commits) rows.delete(commit);
      for (const actor of dropSnapshotsOf) snapshots.delete(actor);
    },
    leftover: () => [...rows.values()].map((row) => JSON.parse(row) as OutboxRow),
    depth: () => rows.size,
    close() {},
    failWith(reason) {
      failure = reason;
    },
    snapshotOf: (actor) => snapshots.get(actor),
  };
}
