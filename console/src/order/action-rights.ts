/** Which permission a command to an order needs, by its path. Pure. */
import type { Permission } from "../api/types.ts";

/** The permission. */
export function permissionFor(path: string): Permission {
  if (path === "cancel") return "orders:cancel";
  if (path === "retry") return "orders:retry";
  if (path === "resume" || path === "skip") return "parked:resolve";
  return path === "fulfillment/settle" ? "orders:settle" : "orders:fulfill";
}
