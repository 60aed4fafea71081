/** Events of the payment machine: what it takes in, and what it tells the other machines and the public. */
import type { OrderClosed } from "./order-events.ts";
import type { AuthorizeOutput, CaptureOutput, LateOutcome, Money } from "./types.ts";

/** What payment takes in, besides the outcomes of its effects and its timers. */
export type PaymentEvent =
  | { readonly type: "order.created"; readonly total: Money }
  | OrderClosed
  | { readonly type: "capture.requested" }
  | { readonly type: "fulfillment.delivered"; readonly collected: Money | null }
  /** An operator has another failed capture, void or refund tried at once. */
  | { readonly type: "retry" }
  | LateOutcome<"authorizePayment", AuthorizeOutput>
  | LateOutcome<"capturePayment", CaptureOutput>;

type OfOrder = { readonly orderId: string; readonly amount: Money };

/** What payment tells, all of it public. Amounts are those of the whole order. */
export type PaymentEmitted =
  | ({
      readonly type:
        | "payment.authorized"
        | "payment.captured"
        | "payment.collected"
        | "payment.voided"
        | "payment.refunded";
    } & OfOrder)
  | ({ readonly type: "payment.failed" | "payment.expired"; readonly reason: string } & OfOrder)
  /** `tries`: failures in a row; the next try comes `retryInMs` later, unless the bound is reached (null). */
  | ({
      readonly type: "payment.capture_failed";
      readonly reason: string;
      readonly tries: number;
      readonly retryInMs: number | null;
    } & OfOrder);
