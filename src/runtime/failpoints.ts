/**
 * The failpoints: a test ends a process directly before or directly after a call that reads or changes something
 * outside this process. docs/crash-points.md says for each failpoint what a crash leaves and why that is right.
 * In production there is no hook, and a failpoint costs one comparison.
 * Proved by: test/architecture/failpoints.test.ts (list and code agree), test/unit/failpoints/crash-*.test.ts
 */

/** All failpoints, each named `<area>.<step>`. Each occurs once in the code. */
export const failpointNames = [
  // A commit.
  "relay.append",
  "relay.diagnose",
  // Locks.
  "ownership.read",
  "ownership.watch",
  "ownership.claim",
  "ownership.read_back",
  "ownership.acquire",
  "ownership.drain",
  "ownership.release",
  "ownership.verify",
  "ownership.read_lock",
  // Taking over a partition, serving it, handing it over.
  "partition.replay",
  "partition.resume",
  "partition.read_inbox",
  "partition.follow",
  "partition.serve",
  "partition.flush",
  "partition.stop_serving",
  "partition.drain",
  "checkpoint.read",
  "checkpoint.write",
  "checkpoint.refresh",
  "loader.read",
  // Parking an actor, and ending a parking.
  "partition.read_parkings",
  "parking.read",
  "parking.store",
  "parking.skip",
  // What the versions of the definition stand for.
  "definitions.read",
  "definitions.create",
  // Presence.
  "presence.refresh",
  "presence.watch",
  "presence.delete",
  "identity.read",
  "identity.ask",
  "identity.claim",
  "settings.read",
  "settings.write",
  // Time.
  "clock.read",
  // Outside calls, and inputs for an inbox.
  "effect.query_status",
  "effect.run",
  "effect.query_status_last",
  "inbox.deliver",
  "unmatched.store",
  "router.request",
  "router.list",
  "router.find",
  "router.unreadable",
  // Workers.
  "worker.consume",
  "worker.work",
  "worker.bury",
  "processed.lock",
  "processed.read",
  "processed.lock_again",
  "processed.mark",
  "processed.check_mark",
  "processed.fail",
  "worker.read_facts",
  "email.send",
  "invoice.read_order",
  "invoice.number",
  "invoice.find",
  "invoice.store",
  "invoice.deliver",
  "credit.refuse",
  "credit.number",
  "credit.find",
  "credit.store",
  "credit.deliver",
  "allocation.read_order",
  "allocation.read_counter",
  "allocation.read_last_counter",
  "allocation.update_counter",
  "allocation.record",
  "allocation.read_recorded",
  // Keys of sealed data.
  "personal.read",
  "personal.store",
  // Inventory.
  "inventory.load",
  "inventory.verify",
  "inventory.serve",
  "inventory.flush",
  "inventory.drain",
  "inventory.read_hold",
  "inventory.read_item",
  "inventory.store",
  "inventory.put",
  "inventory.adjust",
  "inventory.request",
] as const;

/** The name of a failpoint. */
export type Failpoint = (typeof failpointNames)[number];

/** The hook: called when a failpoint is reached. It ends the process, or it does nothing and returns at once. */
export type Failpoints = (point: Failpoint, when: "before" | "after") => void;

/**
 * Makes a call that reads or changes something outside this process, between the two sides of its failpoint. Without a
 * hook, as in production, this is the call and nothing else. Await it at once: `await failpoint(...)`.
 * @throws what the call throws; then the side `after` is not reached
 */
export function failpoint<T>(
  hook: Failpoints | undefined,
  point: Failpoint,
  call: () => Promise<T>,
): Promise<T> {
  return hook === undefined ? call() : between(hook, point, call);
}

async function between<T>(hook: Failpoints, point: Failpoint, call: () => Promise<T>): Promise<T> {
  hook(point, "before");
  const result = await call();
  hook(point, "after");
  return result;
}
