/** The names under which the order application stores and serves. They are formats: stored orders depend on them. */
import { type Subjects, subjectsOf } from "../runtime/subjects.ts";

/** Subjects, buckets and streams of the order application. */
export const subjects: Subjects = subjectsOf({
  prefix: "orders",
  bucket: "ORDERS",
  nodes: "NODES",
  floors: "FLOORS",
  definitions: "DEFINITIONS",
  settings: "SETTINGS",
  processed: "PROCESSED",
  deadStream: "DEAD",
  dead: "dead",
  commands: "cmd",
  pings: "node",
  source: "/orderly",
  // Reservations and the marks of the inventory's lock (src/services/inventory/subjects.ts).
  extra: ["holds.*", "fence.inventory.*"],
});
