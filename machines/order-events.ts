/** Events of the order machine: its inputs, and what it emits for e-mails, invoices and the other machines. */
import type { Money, PricedLine, Rejection, ReturnCause, ReturnedGoods } from "./types.ts";

/** What each event of a reserved order says. */
export type OfPricedOrder = { readonly orderId: string; readonly total: Money };

/** Inputs of the order machine, besides the outcomes of its effects and its timers. */
export type OrderEvent =
  | { readonly type: "cancel"; readonly reason: string }
  | { readonly type: "payment.authorized" }
  | { readonly type: "payment.failed"; readonly reason: string }
  | { readonly type: "payment.expired"; readonly reason: string }
  | { readonly type: "payment.collected" }
  | { readonly type: "fulfillment.ready" }
  | { readonly type: "fulfillment.shipping" }
  | { readonly type: "fulfillment.shipped"; readonly trackingNumber: string }
  | { readonly type: "fulfillment.delivered" }
  | { readonly type: "fulfillment.returning"; readonly cause: ReturnCause }
  | { readonly type: "fulfillment.returned"; readonly cause: ReturnCause; readonly goods: ReturnedGoods };

/** Events that the order machine emits. All except `order.priced` and `order.closed` are public. */
export type OrderEmitted =
  | OrderPriced
  | ({ readonly type: "order.created" | "order.confirmed" | "order.ready" } & OfPricedOrder)
  | ({ readonly type: "order.shipped"; readonly trackingNumber: string } & OfPricedOrder)
  | ({ readonly type: "order.cancelled"; readonly reason: string } & OfPricedOrder)
  /** The receiver does not take the parcel, and it comes back. */
  | ({ readonly type: "order.returning"; readonly cause: ReturnCause } & OfPricedOrder)
  | ({
      readonly type: "order.returned";
      readonly cause: ReturnCause;
      readonly goods: ReturnedGoods;
    } & OfPricedOrder)
  /** The order has ended because its payment failed or expired. `reason`: the payment's code. */
  | ({
      readonly type: "order.payment_failed" | "order.payment_expired";
      readonly reason: string;
    } & OfPricedOrder)
  /** `order.rejected_unanswered`: in addition, when the caller may not have waited for the rejection. */
  | {
      readonly type: "order.rejected" | "order.rejected_unanswered";
      readonly orderId: string;
      readonly rejection: Rejection;
    }
  | { readonly type: "order.completed"; readonly orderId: string; readonly total: Money }
  | OrderClosed;

/** Stays inside the order: its lines are reserved at these prices. */
export type OrderPriced = {
  readonly type: "order.priced";
  readonly lines: readonly PricedLine[];
  readonly total: Money;
};

/**
 * Stays inside the order: the order has ended without being shipped. `held`: the inventory may hold stock for it, which
 * fulfillment releases. Payment returns the money.
 */
export type OrderClosed = { readonly type: "order.closed"; readonly orderId: string; readonly held: boolean };
