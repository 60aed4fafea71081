/** Live views of orders as HTTP sees them. Outcomes are values; only programmer faults throw. */
import type { HistoryItem, OrderView } from "../orders/contract.ts";
import type { AsOf, OrderCounts, OrderSummary } from "../projection/contract.ts";
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

/**
 * Orders that have changed since the frame before, each once and as it is now, the latest first. `more`: there are
 * others, which do not fit; the list has to be read again. `position`: to resume from.
 */
export type ChangedOrders = {
  readonly items: readonly OrderSummary[];
  readonly more: boolean;
  readonly position: string;
  readonly asOf: AsOf;
};

/** Who receives the changes of the list of orders. */
export type OrdersListener = {
  changed(frame: ChangedOrders): void;
  /** Orders by status: at the beginning, and when a count has changed. */
  counted(frame: Pick<OrderCounts, "counts" | "asOf"> & { readonly position: string }): void;
};

/** Follows the list of orders. */
export interface LiveList {
  /**
   * Passes changes on, a few times a second, from a position on; absent: from now on. The counts come first.
   * @param after a position of a frame: one sequence, or `<stream>.<sequence>` with commas
   * @returns ends it; idempotent
   */
  follow(after: string | undefined, listener: OrdersListener): () => void;
}
