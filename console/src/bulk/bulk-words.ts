/** What a command to many orders is called, and what its numbers mean. Pure. */
import type { BulkAction, BulkOperation, BulkPreview } from "../api/types.ts";
import type { Meaning } from "../orders/meanings.ts";

/** What is done to each order, in words. `danger`: it cannot be undone. */
export type ActionWords = { readonly title: string; readonly danger?: true };

/** All actions, the one that is asked for most often first. */
export const bulkActions: Readonly<Record<BulkAction, ActionWords>> = {
  cancel: { title: "Cancel", danger: true },
  retry: { title: "Try the failed step again" },
  resume: { title: "Resume parked" },
  pick: { title: "Record as picked" },
  "quality-check": { title: "Record the quality check as passed" },
  pack: { title: "Record as packed" },
  ship: { title: "Hand to the carrier" },
  deliver: { title: "Record as delivered", danger: true },
  "report-refused": { title: "Report as refused by the customer", danger: true },
  "report-unclaimed": { title: "Report as not picked up", danger: true },
  "report-lost": { title: "Report as lost", danger: true },
  settle: { title: "Settle by hand", danger: true },
};

/** The words of an action; a later version of the node may have others. */
export const actionWords = (action: string): ActionWords =>
  (bulkActions as Readonly<Record<string, ActionWords>>)[action] ?? { title: action };

/** Orders of a preview that take the action now, and those that will refuse it. */
export function splitOf({ count, eligible }: Pick<BulkPreview, "count" | "eligible">): {
  readonly takes: number;
  readonly refuses: number;
} {
  const takes = eligible.reduce((sum, one) => sum + one.count, 0);
  return { takes, refuses: Math.max(0, count - takes) };
}

/** Whether an operation goes on. */
export const goesOn = ({ status }: Pick<BulkOperation, "status">): boolean =>
  status === "running" || status === "stopping";

/** What the status of an operation means. */
export const bulkMeanings: Readonly<Record<BulkOperation["status"], Meaning>> = {
  running: "moving",
  stopping: "held",
  completed: "done",
  stopped: "ended",
  failed: "failed",
};

/** Whether an outcome is that of an order that was reached. */
export const isDone = (outcome: string): boolean => outcome === "done";

/** How many orders got no answer, or refused. */
export const failedOf = ({ outcomes }: Pick<BulkOperation, "outcomes">): number =>
  outcomes.filter(({ code }) => !isDone(code)).reduce((sum, { count }) => sum + count, 0);

/** Time that the rest takes at the pace so far, ms; undefined before there is a pace. */
export function remainingMs({
  count,
  processed,
  startedAt,
  updatedAt,
}: Pick<BulkOperation, "count" | "processed" | "startedAt" | "updatedAt">): number | undefined {
  const took = Date.parse(updatedAt) - Date.parse(startedAt);
  return processed === 0 || took <= 0 ? undefined : Math.round((took / processed) * (count - processed));
}
