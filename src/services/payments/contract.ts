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

/**
 * Input of `voidPayment`: without a known authorisation it voids whatever the order has at the gateway; none is
 * fine. `attempt` is part of the key under which the gateway remembers the call: from 1, and higher only after a
 * definite no, so that an unknown outcome is never tried again under a new key.
 */
export type VoidInput = {
  readonly orderId: string;
  readonly authorization: string | null;
  readonly attempt: number;
};
/** Input of `capturePayment` and `refundPayment`, both of the full amount. */
export type SettleInput = VoidInput & { readonly amount: Money };

export type CaptureOutput =
  | { readonly outcome: "captured" }
  | { readonly outcome: "declined"; readonly reason: string };
export type VoidOutput = { readonly outcome: "voided" | "nothing_to_void" };
export type RefundOutput = { readonly outcome: "refunded" };

/** Output of `createShippingLabel`; its input is `{ orderId, shippingAddress }`. */
export type LabelOutput = { readonly trackingNumber: string };
