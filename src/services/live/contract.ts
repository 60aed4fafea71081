/** Live views of orders as HTTP sees them. Outcomes are values; only programmer faults throw. */
import type { HistoryItem, OrderView } from "../orders/contract.ts";
import type { UnavailableResult } from "../unavailable.ts";

/** One commit of an order: what happened, and the order as it was then. */
export type OrderCommit = { readonly item: HistoryItem; readonly order: OrderView };

/** Who receives the commits of one order. */
export type CommitListener = {
  /** Each commit once, in the order of the journal. */
  commit(commit: OrderCommit): void;
  /** Nothing follows: what was passed on is complete up to the last commit. Asked again, another node may go on. */
  ended(why: string): void;
};

/** An order that can be followed from a position. */
export type FollowedOrder = {
  readonly status: "found";
  /** The journal does not reach the position that was asked for: the newest commit comes first. */
  readonly positionGone: boolean;
  /** Begins to pass commits on. Once. */
  begin(listener: CommitListener): void;
  /** Nothing more is passed on. Idempotent. */
  stop(): void;
};

/** Follows orders. */
export interface LiveOrders {
  /**
   * Finds an order, to pass on each of its commits after a position, then each new one when it is stored. Nothing is
   * lost or repeated when a client asks again with the sequence of the last commit that it has got, at any node.
   * @param after stream sequence of the order's journal; absent: the newest commit comes first
   */
  follow(
    id: string,
    after: number | undefined,
  ): Promise<FollowedOrder | { readonly status: "not_found" } | UnavailableResult>;
}
