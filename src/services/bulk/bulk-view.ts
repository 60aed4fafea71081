/** A bulk operation as the API shows it, from its acknowledged snapshot. Pure. */
import type { BulkContext } from "../../../machines/bulk.ts";
import type { Snapshot } from "../../runtime/actor/snapshot.ts";
import { before } from "./chunks.ts";
import type { BulkStatus, BulkView } from "./contract.ts";

/** What an operation remembers. @throws Error when its machine is missing: programmer fault */
export function bulkContextOf({ machines }: Pick<Snapshot, "machines">): BulkContext {
  const state = machines["bulk"];
  if (!state) throw new Error("the record of a bulk operation lacks its machine");
  return state.context as BulkContext;
}

/** See the top of the file. */
export function bulkView(id: string, snapshot: Snapshot): BulkView {
  const context = bulkContextOf(snapshot);
  const { action, count, next, outcomes, reason } = context;
  return {
    id,
    action,
    reason,
    status: statusOf(snapshot.machines["bulk"]?.value, context),
    count,
    processed: before(next, count),
    outcomes: Object.entries(outcomes)
      .map(([code, orders]) => ({ code, count: orders }))
      .toSorted((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1)),
    startedAt: new Date(snapshot.createdAt).toISOString(),
    updatedAt: new Date(snapshot.updatedAt).toISOString(),
  };
}

function statusOf(value: unknown, { isStopping }: BulkContext): BulkStatus {
  switch (value) {
    case "completed":
    case "stopped":
    case "failed":
      return value;
    default:
      return isStopping ? "stopping" : "running";
  }
}
