/** The order service as HTTP sees it. Outcomes are values; only programmer faults throw. */

import type { FulfillmentCommand } from "../../../machines/fulfillment-events.ts";
import type { Missing, Money, OrderInput, PaymentMethod } from "../../../machines/types.ts";
import type { UnavailableResult } from "../unavailable.ts";

export { isPaymentMethod, isHosted, needsToken, paymentMethods } from "../../../machines/payment-methods.ts";
export type { Money, PaymentMethod } from "../../../machines/types.ts";

/** A new order, as a client asks for it. */
export type PlaceOrder = Pick<OrderInput, "customer" | "lines" | "payment" | "shippingAddress">;

export type OrderStatus =
  | "reserving"
  | "rejected"
  | "created"
  | "authorizing"
  | "awaiting_payment"
  | "payment_failed"
  | "payment_expired"
  | "confirmed"
  | "ready"
  | "shipped"
  | "delivered"
  | "completed"
  | "cancelled";

/** The order as the API shows it (api.md). Times are RFC 3339 UTC. */
export type OrderView = {
  readonly id: string;
  readonly version: number;
  readonly status: OrderStatus;
  readonly customer: PlaceOrder["customer"];
  /** `unitPrice` is null until the reservation has priced the line. */
  readonly lines: readonly {
    readonly sku: string;
    readonly quantity: number;
    readonly unitPrice: Money | null;
  }[];
  readonly total: Money | null;
  /** `reason`: why it failed or expired, or why the capture failed; null otherwise. */
  readonly payment: {
    readonly method: PaymentMethod;
    readonly status: string;
    readonly reason: string | null;
    readonly url: string | null;
  };
  readonly fulfillment: { readonly status: string; readonly trackingNumber: string | null };
  readonly invoice: { readonly number: string; readonly issuedAt: string; readonly url: string } | null;
  readonly shippingAddress: PlaceOrder["shippingAddress"];
  /** Why the order was rejected, refused or cancelled; null otherwise. */
  readonly reason: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly nextEvents: readonly string[];
};

export type PlaceResult =
  /** Confirmed, or waiting on the hosted payment page. */
  | { readonly status: "placed"; readonly order: OrderView }
  /** Not settled within the wait. */
  | { readonly status: "pending"; readonly order: OrderView }
  | { readonly status: "out_of_stock"; readonly orderId: string; readonly missing: readonly Missing[] }
  /** `indexes`: positions in `lines`. Nothing is written. */
  | { readonly status: "unknown_sku"; readonly skus: readonly { sku: string; index: number }[] }
  | { readonly status: "mixed_currency"; readonly currencies: readonly string[] }
  | { readonly status: "payment_failed"; readonly orderId: string; readonly reason: string }
  | { readonly status: "payment_expired"; readonly orderId: string; readonly reason: string }
  | { readonly status: "idempotency_key_reused"; readonly orderId: string }
  | UnavailableResult;

export type CommandResult =
  | { readonly status: "done"; readonly order: OrderView }
  | {
      readonly status: "illegal_transition";
      readonly state: OrderStatus;
      readonly allowedEvents: readonly string[];
    }
  | { readonly status: "amount_mismatch"; readonly expected: Money }
  | { readonly status: "not_found" }
  | UnavailableResult;

/** What a client may ask of an existing order. `nextEvents` and `allowedEvents` use these names. */
export type OrderCommand =
  | { readonly type: "cancel"; readonly reason: string }
  | FulfillmentCommand
  /** By an operator: what failed and waits for its next try is tried at once. */
  | { readonly type: "retry" };

export type HistoryItem = {
  readonly version: number;
  readonly sequence: number;
  readonly at: string;
  readonly input: string;
  readonly transitions: readonly { machine: string; from: unknown; to: unknown }[];
  readonly events: readonly string[];
  readonly effects: { readonly opened: readonly string[]; readonly closed: readonly string[] };
  readonly timers: { readonly armed: readonly string[]; readonly cancelled: readonly string[] };
  readonly node: string;
  readonly epoch: number;
};

export interface Orders {
  /**
   * @param options.idempotencyKey with `caller` it decides the order's id, so a repeat meets the same order.
   * @param options.waitMs how long to wait for the order to settle; 0 answers after the first commit.
   */
  place(
    order: PlaceOrder,
    options: { readonly idempotencyKey?: string; readonly caller: string; readonly waitMs: number },
  ): Promise<PlaceResult>;
  get(
    id: string,
  ): Promise<
    | { readonly status: "found"; readonly order: OrderView }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
  command(id: string, command: OrderCommand): Promise<CommandResult>;
  /** Oldest first; `not_found` for an id without records. */
  history(
    id: string,
  ): Promise<
    | { readonly status: "found"; readonly items: readonly HistoryItem[] }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
}

/** An order that an input has stopped; see ADR 7. Times are RFC 3339 UTC. */
export type ParkedOrder = {
  readonly orderId: string;
  /** Of this parking; a later one of the same order has another. */
  readonly parkingId: string;
  readonly since: string;
  /** In the words of the machine that refused the input. */
  readonly reason: string;
  /** As the order's history names it; null when it is the stored order that cannot be read. */
  readonly input: string | null;
  /** Of the last good state; 0 when that cannot be read. */
  readonly version: number;
};

export type UnparkResult =
  /** The order is not parked any more. */
  | { readonly status: "done"; readonly order: OrderView }
  /** By the same input, or one behind it. */
  | { readonly status: "still_parked"; readonly reason: string }
  | { readonly status: "not_parked" }
  /** The parking that the caller names has ended; this is another one. */
  | { readonly status: "parked_otherwise" }
  /** The stored order cannot be read: no input is at fault. */
  | { readonly status: "nothing_to_skip" }
  | { readonly status: "not_found" }
  | UnavailableResult;

/** What operators do about orders that are parked. */
export interface ParkedOrders {
  /** Oldest parking first. @param options.after `next` of the page before */
  list(options: {
    readonly limit: number;
    readonly after?: string;
  }): Promise<
    | { readonly status: "found"; readonly items: readonly ParkedOrder[]; readonly next: string | null }
    | UnavailableResult
  >;
  /** Tries the input again. `done` also for an order that is not parked. */
  resume(id: string): Promise<UnparkResult>;
  /**
   * Drops the input that parked the order, and goes on with those behind it.
   * @param parkingId so that a repetition drops nothing else; without it, the parking as it is now
   */
  skip(id: string, parkingId?: string): Promise<UnparkResult>;
}
