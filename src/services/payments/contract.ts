/** What the payment machine asks of a gateway. Amounts in minor units. */
import type { Money, PaymentMethod } from "../orders/contract.ts";

export type AuthorizeInput = {
  readonly orderId: string;
  readonly method: PaymentMethod;
  readonly token: string;
  readonly amount: Money;
};
/** Output of `authorizePayment`. A refused card is an answer, not a failure. */
export type AuthorizeOutput =
  | { readonly outcome: "authorized"; readonly authorization: string }
  | { readonly outcome: "declined"; readonly reason: string };

/** Input of `capturePayment` and `refundPayment`. */
export type SettleInput = {
  readonly orderId: string;
  readonly authorization: string;
  readonly amount: Money;
};
/** Input of `voidPayment`: voids whatever authorisation the order has at the gateway; none is fine. */
export type VoidInput = { readonly orderId: string; readonly authorization: string | null };

export type CaptureOutput =
  | { readonly outcome: "captured" }
  | { readonly outcome: "declined"; readonly reason: string };
export type VoidOutput = { readonly outcome: "voided" | "nothing_to_void" };
export type RefundOutput = { readonly outcome: "refunded" };

/** Output of `createShippingLabel`; its input is `{ orderId, shippingAddress }`. */
export type LabelOutput = { readonly trackingNumber: string };
