/** Events of the payment machine: its inputs, and what it emits for the other machines and the public. */
import type { OrderClosed } from "./order-events.ts";
import type { AuthorizeOutput, CaptureOutput, LateOutcome, Money, PageOutput } from "./types.ts";

/** The gateway's callback: the customer has paid, all of `amount` is captured. `payment`: id of the page's payment. */
export type GatewayPaid = {
  readonly type: "gateway.paid";
  readonly payment: string;
  readonly authorization: string;
  readonly amount: Money;
};
/** The gateway's callback: the customer will not pay. */
export type GatewayDeclined = {
  readonly type: "gateway.declined";
  readonly payment: string;
  readonly reason: string;
};

/** Inputs of the payment machine, besides the outcomes of its effects and its timers. */
export type PaymentEvent =
  | { readonly type: "order.created"; readonly total: Money }
  | OrderClosed
  | { readonly type: "capture.requested" }
  | { readonly type: "fulfillment.delivered"; readonly collected: Money | null }
  | { readonly type: "fulfillment.returned" }
  /** From an operator: retries a failed capture, void or refund at once. */
  | { readonly type: "retry" }
  /** From its timer: the gateway lets the authorization lapse now. */
  | { readonly type: "authorization.lapsed" }
  | GatewayPaid
  | GatewayDeclined
  | LateOutcome<"createPaymentPage", PageOutput>
  | LateOutcome<"authorizePayment", AuthorizeOutput>
  | LateOutcome<"capturePayment", CaptureOutput>;

type OfOrder = { readonly orderId: string; readonly amount: Money };

/**
 * Events that the payment machine emits, all of them public. Amounts are those of the whole order; that of
 * `payment.collected` is what was collected.
 */
export type PaymentEmitted =
  | ({
      readonly type: "payment.authorized" | "payment.captured" | "payment.collected" | "payment.voided";
    } & OfOrder)
  /** `reason`: the order was cancelled or returned, or the money came after the payment had failed or expired. */
  | ({
      readonly type: "payment.refunded";
      readonly reason: "cancelled" | "returned" | "expired" | "failed";
    } & OfOrder)
  /**
   * `payment.expired` with `authorization_expired`: the authorization has lapsed uncaptured; a confirmed order is held.
   * With any other reason the payment did not succeed in time, and the order expires with it.
   */
  | ({ readonly type: "payment.failed" | "payment.expired"; readonly reason: string } & OfOrder)
  /** `tries`: failures in a row; the next try follows after `retryInMs`, or never when the bound is reached (null). */
  | ({
      readonly type: "payment.capture_failed";
      readonly reason: string;
      readonly tries: number;
      readonly retryInMs: number | null;
    } & OfOrder);
