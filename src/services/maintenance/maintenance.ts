/**
 * Whether the cluster takes new orders: one entry of the bucket of shared settings, followed by every node.
 * Owns: what this node knows of the entry.  Does not own: orders, which ask it before they are placed.
 * Invariants
 *   maintenance.M1. The entry with the highest revision counts, however answers and changes arrive.
 *   maintenance.M2. An entry that cannot be read counts as none: orders are taken.
 * Proved by: test/unit/services/maintenance.test.ts, test/integration/nodes/maintenance.test.ts
 */
import { parseObject } from "../../runtime/json.ts";
import { type Bucket, type Clock, type Log, type Subscription, Unavailable } from "../../runtime/ports.ts";
import { unavailable } from "../unavailable.ts";
import type { Maintenance, MaintenanceState } from "./contract.ts";

/** Key of the entry. */
const KEY = "maintenance";
const TAKING: MaintenanceState = { takingOrders: true, reason: null, since: null };

/** See {@link Maintenance}. */
export class ClusterMaintenance implements Maintenance {
  private readonly bucket: Pick<Bucket, "put" | "watch">;
  private readonly clock: Pick<Clock, "now">;
  private readonly log: Log;
  private known: { readonly revision: number; readonly state: MaintenanceState } = {
    revision: 0,
    state: TAKING,
  };

  /** @param clock the server's time */
  constructor(bucket: Pick<Bucket, "put" | "watch">, clock: Pick<Clock, "now">, log: Log) {
    this.bucket = bucket;
    this.clock = clock;
    this.log = log;
  }

  /** Resolves when the present entry is known. @throws Unavailable (retryable) */
  async start(): Promise<Subscription> {
    return await this.bucket.watch(({ key, value, revision }) => {
      if (key === KEY) this.learn(revision, value === undefined ? TAKING : this.read(value));
    });
  }

  state(): MaintenanceState {
    return this.known.state;
  }

  async set({ reason, takingOrders }: Parameters<Maintenance["set"]>[0]): ReturnType<Maintenance["set"]> {
    const state = { takingOrders, reason, since: new Date(this.clock.now()).toISOString() };
    try {
      this.learn(await this.bucket.put(KEY, JSON.stringify(state)), state);
    } catch (error) {
      if (error instanceof Unavailable) return unavailable(error.message);
      throw error;
    }
    return { status: "set", state };
  }

  private learn(revision: number, state: MaintenanceState): void {
    if (revision <= this.known.revision) return;
    if (state.takingOrders !== this.known.state.takingOrders)
      this.log.warn({ ...state }, state.takingOrders ? "new orders are taken" : "no new orders are taken");
    this.known = { revision, state };
  }

  private read(value: string): MaintenanceState {
    const { reason, since, takingOrders } = parseObject(value) ?? {};
    if (typeof takingOrders === "boolean" && typeof reason === "string" && typeof since === "string")
      return { takingOrders, reason, since };
    this.log.error({ key: KEY }, "a stored entry cannot be read: new orders are taken");
    return TAKING;
  }
}
