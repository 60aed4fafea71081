/** What the HTTP layer asks of the node besides the services. Implemented where the node is composed. */
import type { UnavailableResult } from "../../services/unavailable.ts";

export type HealthCheck = { readonly name: string; readonly ok: boolean; readonly detail: string };

/** `ready` is false when the node should get no traffic; it is not the conjunction of all checks. */
export type Health = { readonly ready: boolean; readonly checks: readonly HealthCheck[] };

export type ClusterNode = {
  readonly id: string;
  /** RFC 3339, UTC */
  readonly startedAt: string;
  readonly roles: readonly string[];
  /** Partitions that the node owns, ascending. */
  readonly partitions: readonly number[];
  readonly outboxDepth: number;
  /** Without a slash at the end. */
  readonly url: string;
  /** Answered in development only, whatever is given here. */
  readonly pid?: number;
};

export type ClusterView = {
  readonly nodes: readonly ClusterNode[];
  readonly partitions: readonly {
    readonly partition: number;
    readonly node: string | null;
    readonly epoch: number;
    readonly lag: number;
  }[];
};

export interface Operations {
  /** Why this node can answer nothing of the cluster's data right now; `undefined` when it can. Called per request. */
  isolation(): string | undefined;
  /** Cheap: called by load balancers every second or so. */
  health(): Health | Promise<Health>;
  cluster(): Promise<ClusterView | UnavailableResult>;
  /** Prometheus text exposition, version 0.0.4. */
  metrics(): string | Promise<string>;
}
