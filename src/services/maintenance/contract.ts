/** Whether the cluster takes new orders, as HTTP sees it. Outcomes are values. */
import type { UnavailableResult } from "../unavailable.ts";

/** `reason`, `since` (RFC 3339): of the newest change; null when there was none. */
export type MaintenanceState = {
  readonly takingOrders: boolean;
  readonly reason: string | null;
  readonly since: string | null;
};

/** Stops and resumes the taking of new orders on all nodes. Open orders go on. */
export interface Maintenance {
  /** As this node knows it: a change at another node arrives within moments. Cheap. */
  state(): MaintenanceState;
  /** Takes effect here before it returns, on other nodes moments later, and stays over restarts. Idempotent. */
  set(wanted: {
    readonly takingOrders: boolean;
    readonly reason: string;
  }): Promise<{ readonly status: "set"; readonly state: MaintenanceState } | UnavailableResult>;
}
