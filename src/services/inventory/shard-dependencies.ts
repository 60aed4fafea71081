/** What a shard needs from the runtime, and the bounds of its work on one node. */
import type { Failpoints } from "../../runtime/failpoints.ts";
import type { Clock, Ids, Journal } from "../../runtime/ports.ts";
import type { Unverified } from "../../runtime/cluster/owned-resource.ts";
import type { WriteSetSink } from "../../runtime/commit/write-set.ts";

/** Bounds of one node's work for the shard; each 1 or more. */
export type ShardLimits = {
  /** Orders whose hold is remembered, 2 or more; others are read when needed. */
  readonly recentHolds: number;
  /** Decisions in flight to the log. */
  readonly unresolved: number;
  /** Callers that wait for an earlier decision about the same order or SKU. */
  readonly waiting: number;
  /** Attempts of one call: it fails when other writes overtook all of them. */
  readonly attempts: number;
};

/** For a node in production: about 25 MB when every remembered hold is reserved. */
export const SHARD_LIMITS: ShardLimits = {
  recentHolds: 50_000,
  unresolved: 20_000,
  waiting: 20_000,
  attempts: 5,
};

/** The runtime's ports as the shard uses them. */
export type ShardDependencies = {
  readonly journal: Journal;
  readonly sink: WriteSetSink;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly limits: ShardLimits;
  readonly unverified: Unverified;
  readonly failpoints?: Failpoints | undefined;
};
