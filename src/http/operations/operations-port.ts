/** What the HTTP layer needs of the node besides the services. The composition of the node implements it. */
import type { UnavailableResult } from "../../services/unavailable.ts";

/** One check of `GET /health/ready`. */
export type HealthCheck = { readonly name: string; readonly ok: boolean; readonly detail: string };

/** `ready` is false when the node should get no traffic; it is not the conjunction of all checks. */
export type Health = { readonly ready: boolean; readonly checks: readonly HealthCheck[] };

/** One node of the cluster. */
export type ClusterNode = {
  readonly id: string;
  /** RFC 3339, UTC */
  readonly startedAt: string;
  readonly roles: readonly string[];
  /** Partitions that the node owns, ascending. */
  readonly partitions: readonly number[];
  readonly outboxDepth: number;
  /** How far its clock is ahead of the NATS server's, ms; negative when slow. Null: its program does not say. */
  readonly clockOffsetMs: number | null;
  /** Without a slash at the end. */
  readonly url: string;
  /** Version of its program; absent when the node does not say, as in version 0.1.0. So are the next two. */
  readonly version?: string;
  /** Version of its definition of an order. */
  readonly definition?: number;
  /** Commit that its program is of. */
  readonly commit?: string;
  /** An operator has drained it: it gives everything away and takes nothing. Null: it takes part. */
  readonly draining: { readonly reason: string | null; readonly since: string } | null;
  /** Of its commits of the last minute, ms; null without one. */
  readonly commitMs: { readonly p50: number | null; readonly p99: number | null };
  /** The limiters of its calls to providers. */
  readonly lanes: readonly {
    readonly provider: string;
    readonly inUse: number;
    readonly limit: number;
    readonly waiting: number;
    readonly breaker: string;
  }[];
  /** Shown in development only. */
  readonly pid?: number;
};

/** The cluster as this node sees it. A partition without an owner has `node: null`. */
export type ClusterView = {
  readonly nodes: readonly ClusterNode[];
  readonly partitions: readonly {
    readonly partition: number;
    readonly node: string | null;
    readonly epoch: number;
    readonly lag: number;
    /** Whether the partition has answered the newest probe of this node; null when there is no result. */
    readonly answers: boolean | null;
  }[];
  /** What waits for each worker of this node, all nodes together; null while the server cannot be asked. */
  readonly workers: readonly {
    readonly worker: string;
    readonly pending: number | null;
    /** Age of the oldest event that waits; 0 when none does. */
    readonly oldestMs: number | null;
    readonly deadLetters: number | null;
  }[];
};

/** One ownership of one partition. Times are RFC 3339, UTC. */
export type PartitionSpan = {
  readonly partition: number;
  readonly node: string;
  readonly epoch: number;
  readonly from: string;
  /** Null: it has not ended. */
  readonly to: string | null;
  /** How long no node held the lock before; null after an owner that did not release it. */
  readonly gapMs: number | null;
};

/** The ownerships that had not ended at a moment (ms since the epoch), newest first; at most 1000. */
export type Ownerships = (since: number) => Promise<readonly PartitionSpan[] | UnavailableResult>;

/** The cluster at one moment, as a node saw it. */
export type ClusterSample = {
  /** RFC 3339, UTC */
  readonly at: string;
  /** Present nodes by id. */
  readonly nodes: readonly {
    readonly id: string;
    readonly partitions: number;
    readonly outboxDepth: number;
    /** Inputs that its partitions have not evaluated yet. */
    readonly lag: number;
    /** Null: its process is new, or does not say. */
    readonly commitsPerSecond: number | null;
    readonly commitP99Ms: number | null;
  }[];
};

/** Oldest first. A node that started lately has fewer. */
export type ClusterSamples = { readonly everyMs: number; readonly samples: readonly ClusterSample[] };

/** The cluster of the last `windowMs`, a quarter of an hour at most, as this node saw it. */
export type SamplesOf = (windowMs: number) => ClusterSamples;

/** The node itself, for load balancers, monitoring and operators. */
export interface Operations {
  /** Why this node can answer nothing about the cluster's data now; `undefined` when it can. Called per request. */
  isolation(): string | undefined;
  /** Cheap: load balancers call it every second or so. */
  health(): Health | Promise<Health>;
  cluster(): Promise<ClusterView | UnavailableResult>;
  /** Prometheus text exposition, version 0.0.4. */
  metrics(): string | Promise<string>;
}
