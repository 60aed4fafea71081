/** Orders that no input reaches, as HTTP sees them. Outcomes are values. */
import type { ErrorGroup } from "../error-groups.ts";
import type { Sequenced, UnavailableResult } from "../unavailable.ts";
import type { CommandHow, OrderView } from "../orders/contract.ts";

/**
 * Why no input reaches an order: an input stopped it (`input`), a newer program wrote it (`newer`), or its owner's
 * program does not know its states (`unreadable`). The last two go on by themselves.
 */
export type ParkedKind = "input" | "newer" | "unreadable";

/** An order that was set apart after a poisonous input; see ADR 7. Times are RFC 3339, UTC. */
export type ParkedOrder = {
  readonly orderId: string;
  /** Why no input reaches the order; absent in a list that was not asked for one kind. */
  readonly kind?: ParkedKind;
  /** Identifies this parking; a later parking of the same order has another id. Null: nothing is stored about it. */
  readonly parkingId: string | null;
  /** Of `newer` and `unreadable`: since when the present owner knows it. */
  readonly since: string;
  /** The error of the machine that refused the input, or why the stored order cannot be read. */
  readonly reason: string;
  /** The input's name as in the order's history; null when no input is at fault. */
  readonly input: string | null;
  /** Version of the last good state; 0 when that cannot be read. */
  readonly version: number;
};

/** The outcome of `resume` and `skip`. */
export type UnparkResult =
  /** The order is not parked any more. */
  | { readonly status: "done"; readonly order: OrderView }
  /** The same input, or a later one, parked the order again. */
  | { readonly status: "still_parked"; readonly reason: string }
  | { readonly status: "not_parked" }
  /** The order's version is not the one that the caller names. Nothing was done. */
  | { readonly status: "version_changed"; readonly version: number }
  /** The key came with another request about the order before. Nothing was done. */
  | { readonly status: "idempotency_key_reused"; readonly orderId: string }
  /** The parking that the caller names has ended; the order is parked by another one. */
  | { readonly status: "parked_otherwise" }
  /** The stored order cannot be read: no input is at fault. */
  | { readonly status: "nothing_to_skip" }
  | { readonly status: "not_found" }
  | UnavailableResult;

/** Operator actions on parked orders. */
export interface ParkedOrders {
  /** Oldest parking first. @param options.after `next` of the previous page */
  list(options: {
    readonly limit: number;
    readonly after?: string;
    /** `input` when absent. */
    readonly kind?: ParkedKind;
  }): Promise<
    | {
        readonly status: "found";
        readonly items: readonly ParkedOrder[];
        readonly next: string | null;
        /** Of `newer` and `unreadable`: what the list does not show. Absent when it is whole. */
        readonly missing?: {
          /** Partitions whose owner has not answered. */
          readonly partitions: readonly number[];
          /** Orders beyond the bound of an owner's list, of both kinds. */
          readonly orders: number;
        };
      }
    | UnavailableResult
  >;
  /** The order's parking, or why its owner cannot read it. */
  find(
    id: string,
  ): Promise<
    | { readonly status: "found"; readonly parked: ParkedOrder }
    | { readonly status: "not_parked" }
    | UnavailableResult
  >;
  /** The orders that an input has stopped, by the errors, the most frequent first. */
  groups(): Promise<{ readonly status: "found"; readonly groups: readonly ErrorGroup[] } | UnavailableResult>;
  /**
   * Evaluates the input again. `done` also for an order that is not parked.
   * @param how recorded with the end of the parking; its key is looked for among all parkings of the order
   */
  resume(id: string, how?: CommandHow): Promise<Sequenced<UnparkResult>>;
  /**
   * Drops the input that parked the order, and continues with the inputs after it.
   * @param parkingId makes a repetition drop nothing else, as a key does; without it, the present parking
   */
  skip(id: string, parkingId?: string, how?: CommandHow): Promise<Sequenced<UnparkResult>>;
}
