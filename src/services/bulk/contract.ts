/** Bulk operations as HTTP sees them: one command to many orders. Outcomes are values; only programmer faults throw. */
import type { Requester } from "../orders/contract.ts";
import type { AsOf, Known, NoAnswer, OrderFilter } from "../projection/contract.ts";
import type { UnavailableResult } from "../unavailable.ts";

/**
 * What can be done to many orders: the commands that need no fields, and `resume` of parked orders. `quality-check`
 * reports that the check was passed.
 */
export const bulkActions = [
  "cancel",
  "retry",
  "resume",
  "pick",
  "quality-check",
  "pack",
  "ship",
  "deliver",
  "report-refused",
  "report-unclaimed",
  "report-lost",
  "settle",
] as const;

/** One of {@link bulkActions}. */
export type BulkAction = (typeof bulkActions)[number];

/** Most orders of an operation, most ids in a plan, and the length of a token. */
export const bulkLimits = { orders: 100_000, ids: 1_000, tokenCharacters: 60_000 } as const;

/** Which orders. Ids may repeat; each order counts once. */
export type BulkTarget = { readonly filter: OrderFilter } | { readonly ids: readonly string[] };

/** What is to be done to which orders, and why. */
export type BulkPlan = BulkTarget & { readonly action: BulkAction; readonly reason: string };

/**
 * What a plan would reach now. `exact`: the list knew everything that was stored. `eligible`: the orders that take the
 * action now, by their status; the others will be refused. `expiresAt`: RFC 3339, UTC.
 */
export type BulkPreview = {
  readonly status: "previewed";
  /** Starts the operation; for one operation. */
  readonly token: string;
  readonly expiresAt: string;
  readonly count: number;
  readonly exact: boolean;
  readonly eligible: readonly { readonly state: string; readonly count: number }[];
  /** Some of the orders, newest first; of ids: in their order. */
  readonly samples: readonly { readonly id: string; readonly state: string }[];
  readonly asOf: AsOf;
};

/** All states of an operation. `stopping`: the chunk that was being sent is finished first. */
export const bulkStatuses = ["running", "stopping", "completed", "stopped", "failed"] as const;

/** One of {@link bulkStatuses}. */
export type BulkStatus = (typeof bulkStatuses)[number];

/** An operation. Times are RFC 3339, UTC. */
export type BulkView = {
  readonly id: string;
  readonly action: string;
  readonly reason: string;
  readonly status: BulkStatus;
  /** Orders of the operation, and those that have their outcome. */
  readonly count: number;
  readonly processed: number;
  /** Of the processed orders, by outcome, the most frequent first. */
  readonly outcomes: readonly { readonly code: string; readonly count: number }[];
  readonly startedAt: string;
  readonly updatedAt: string;
};

/** One order of an operation. `pending`: it has no outcome yet. */
export type BulkItem = { readonly orderId: string; readonly outcome: string };

/** The outcome of an order that the command was applied to. */
export const DONE = "done";
/** In place of an outcome, while there is none. */
export const PENDING = "pending";

/** The outcome of a start. */
export type StartResult =
  /** Started now, or by an earlier request with the same key and token. */
  | { readonly status: "started"; readonly bulk: BulkView }
  | { readonly status: "token_unknown" }
  | { readonly status: "token_expired" }
  /** The token has started an operation under another key. */
  | { readonly status: "token_used"; readonly bulkId: string }
  /** More than a tenth more orders fit than the preview counted. Nothing was started. */
  | { readonly status: "selection_changed"; readonly previewed: number; readonly count: number }
  /** More than `bulkLimits.orders` fit. Nothing was started. */
  | { readonly status: "selection_too_large"; readonly count: number }
  | { readonly status: "idempotency_key_reused"; readonly bulkId: string }
  | NoAnswer;

/** Bulk operations, at any node. */
export interface Bulk {
  /** What a plan would reach. Nothing is written. @param minSequence positions that the list has to know */
  preview(
    plan: BulkPlan,
    minSequence?: readonly Known[],
  ): Promise<BulkPreview | Extract<StartResult, { readonly status: "selection_too_large" }> | NoAnswer>;
  /** Starts what a preview has shown, once for each key and each token. Survives every node. */
  start(
    token: string,
    how: { readonly caller: string; readonly idempotencyKey: string; readonly by: Requester },
  ): Promise<StartResult>;
  get(
    id: string,
  ): Promise<
    | { readonly status: "found"; readonly bulk: BulkView }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
  /**
   * A page of the operation's orders, in the order in which they are sent; with `outcome` those alone. A page may be
   * short, or empty, although others follow: `next` says so. `items_expired`: the list of orders is not kept any more.
   * @param options.after `next` of the page before: `<chunk>.<place>`
   */
  items(
    id: string,
    options: { readonly limit: number; readonly outcome?: string; readonly after?: string },
  ): Promise<
    | { readonly status: "found"; readonly items: readonly BulkItem[]; readonly next: string | null }
    | { readonly status: "not_found" }
    | { readonly status: "items_expired" }
    | UnavailableResult
  >;
  /** No further chunk is sent. Idempotent; without effect on an operation that has ended. */
  stop(
    id: string,
    by: Requester,
  ): Promise<
    | { readonly status: "found"; readonly bulk: BulkView }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
}
