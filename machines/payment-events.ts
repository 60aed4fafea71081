/** Events of the payment machine: what it takes in, and what it tells the other machines and the public. */
import type { OrderClosed } from "./order-events.ts";
import type { AuthorizeOutput, CaptureOutput, Customer, LateOutcome, Money, PageOutput } from "./types.ts";

/** The gateway's call-back: the customer has paid, all of `amount` is captured. `payment` is the page's. */
export type GatewayPaid = {
  readonly type: "gateway.paid";
  readonly payment: string;
  readonly authorization: string;
  readonly amount: Money;
};
/** The gateway's call-back: the customer will not pay. */
export type GatewayDeclined = {
  readonly type: "gateway.declined";
  readonly payment: string;
  readonly reason: string;
};

/** What payment takes in, besides the outcomes of its effects and its timers. */
export type PaymentEvent =
  | { readonly type: "order.created"; readonly total: Money }
  | OrderClosed
  | { readonly type: "capture.requested" }
  | { readonly type: "fulfillment.delivered"; readonly collected: Money | null }
  /** An operator has another failed capture, void or refund tried at once. */
  | { readonly type: "retry" }
  /** By its timer: the time has come at which the gateway lets the authorisation lapse. */
  | { readonly type: "authorization.lapsed" }
  | GatewayPaid
  | GatewayDeclined
  | LateOutcome<"createPaymentPage", PageOutput>
  | LateOutcome<"authorizePayment", AuthorizeOutput>
  | LateOutcome<"capturePayment", CaptureOutput>;

type OfOrder = { readonly orderId: string; readonly amount: Money };

/** What payment tells, all of it public. Amounts are those of the whole order. */
export type PaymentEmitted =
  | ({
      readonly type: "payment.authorized" | "payment.captured" | "payment.collected" | "payment.voided";
    } & OfOrder)
  /** `reason`: the order was cancelled, or the money came after the payment had failed or expired. */
  | ({
      readonly type: "payment.refunded";
      readonly customer: Customer;
      readonly reason: "cancelled" | "expired" | "failed";
    } & OfOrder)
  /**
   * `payment.expired` with `authorization_expired`: the authorisation has lapsed uncaptured; a confirmed order is held.
   * With any other reason the payment came to nothing in time, and so does the order.
   */
  | ({ readonly type: "payment.failed" | "payment.expired"; readonly reason: string } & OfOrder)
  /** `tries`: failures in a row; the next try comes `retryInMs` later, unless the bound is reached (null). */
  | ({
      readonly type: "payment.capture_failed";
      readonly reason: string;
      readonly tries: number;
      readonly retryInMs: number | null;
    } & OfOrder);
