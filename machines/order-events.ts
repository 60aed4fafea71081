/** Events of the order machine: its inputs, and what it emits for e-mails, invoices and the other machines. */
import type {
  BillingAddress,
  Customer,
  Money,
  OrderedLine,
  PaymentMethod,
  PricedLine,
  Rejection,
  ReturnCause,
  ReturnedGoods,
  ShippingAddress,
} from "./types.ts";

/** The facts of a reserved order that an e-mail or an invoice needs. Holds nothing secret. */
export type OrderDetails = {
  readonly orderId: string;
  readonly customer: Customer;
  /** Of a customer that is a business. */
  readonly taxId?: string;
  readonly lines: readonly PricedLine[];
  readonly total: Money;
  readonly payment: { readonly method: PaymentMethod };
  readonly shippingAddress: ShippingAddress;
  /** Absent: the order is billed to the shipping address. */
  readonly billingAddress?: BillingAddress;
  /**
   * Tax that the prices include, in hundredths of a percent of the net price, at the time when the order was placed.
   * Null for an order placed before rates were recorded.
   */
  readonly taxBasisPoints: number | null;
};

/** What is known of an order whose lines could not be reserved. */
export type RejectionFacts = {
  readonly orderId: string;
  readonly customer: Customer;
  readonly lines: readonly OrderedLine[];
  readonly rejection: Rejection;
};

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

/** Events that the order machine emits. All except `order.closed` are public. */
export type OrderEmitted =
  | ({ readonly type: "order.created" | "order.confirmed" | "order.ready" } & OrderDetails)
  | ({ readonly type: "order.shipped"; readonly trackingNumber: string } & OrderDetails)
  | ({ readonly type: "order.cancelled"; readonly reason: string } & OrderDetails)
  /** The receiver does not take the parcel, and it comes back. */
  | ({ readonly type: "order.returning"; readonly cause: ReturnCause } & OrderDetails)
  | ({
      readonly type: "order.returned";
      readonly cause: ReturnCause;
      readonly goods: ReturnedGoods;
    } & OrderDetails)
  /** The order has ended because its payment failed or expired. `reason`: the payment's code. */
  | ({
      readonly type: "order.payment_failed" | "order.payment_expired";
      readonly reason: string;
    } & OrderDetails)
  /** `order.rejected_unanswered`: in addition, when the caller may not have waited for the rejection. */
  | ({ readonly type: "order.rejected" | "order.rejected_unanswered" } & RejectionFacts)
  | { readonly type: "order.completed"; readonly orderId: string; readonly total: Money }
  | OrderClosed;

/**
 * Stays inside the order: the order has ended without being shipped. `held`: the inventory may hold stock for it, which
 * fulfillment releases. Payment returns the money.
 */
export type OrderClosed = { readonly type: "order.closed"; readonly orderId: string; readonly held: boolean };
