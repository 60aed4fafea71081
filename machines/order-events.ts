/** Events of the order machine: what it takes in, and what it emits for mails, invoices and the other machines. */
import type {
  Customer,
  Money,
  OrderedLine,
  PaymentMethod,
  PricedLine,
  Rejection,
  ShippingAddress,
} from "./types.ts";

/** What a mail or an invoice needs to know about a reserved order. Holds nothing secret. */
export type OrderDetails = {
  readonly orderId: string;
  readonly customer: Customer;
  readonly lines: readonly PricedLine[];
  readonly total: Money;
  readonly payment: { readonly method: PaymentMethod };
  readonly shippingAddress: ShippingAddress;
  /**
   * Tax that the prices include, in hundredths of a percent of the net price, as it was when the order was placed.
   * Null for an order of the time before rates were recorded.
   */
  readonly taxBasisPoints: number | null;
};

/** What the order takes in, besides the outcomes of its effects and its timers. */
export type OrderEvent =
  | { readonly type: "cancel"; readonly reason: string }
  | { readonly type: "payment.authorized" }
  | { readonly type: "payment.failed"; readonly reason: string }
  | { readonly type: "payment.expired"; readonly reason: string }
  | { readonly type: "payment.collected" }
  | { readonly type: "fulfillment.ready" }
  | { readonly type: "fulfillment.shipping" }
  | { readonly type: "fulfillment.shipped"; readonly trackingNumber: string }
  | { readonly type: "fulfillment.delivered" };

/** What the order tells. Everything but `order.closed` is public. */
export type OrderEmitted =
  | ({ readonly type: "order.created" | "order.confirmed" | "order.ready" } & OrderDetails)
  | ({ readonly type: "order.shipped"; readonly trackingNumber: string } & OrderDetails)
  | ({ readonly type: "order.cancelled"; readonly reason: string } & OrderDetails)
  | {
      readonly type: "order.rejected";
      readonly orderId: string;
      readonly customer: Customer;
      readonly lines: readonly OrderedLine[];
      readonly rejection: Rejection;
    }
  | { readonly type: "order.completed"; readonly orderId: string; readonly total: Money }
  | OrderClosed;

/**
 * Stays inside the order: it has ended without being shipped. `held`: the inventory may hold stock for it, which
 * fulfillment gives back; payment gives the money back.
 */
export type OrderClosed = { readonly type: "order.closed"; readonly orderId: string; readonly held: boolean };
