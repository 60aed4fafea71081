/**
 * Plain data that the three machines of an order take in and give out. No service, no runtime: the same shapes
 * stand in the services' contracts, and a test holds both together.
 */

/** Amount in minor units (cents), a safe integer of 0 or more; ISO 4217 currency. */
export type Money = { readonly amount: number; readonly currency: string };

/** Methods the machines can carry to the end. */
export type PaymentMethod = "cash_on_delivery" | "in_person" | "credit_card" | "debit_card" | "tokenized";

export type Customer = { readonly id: string; readonly email: string; readonly name: string };

export type OrderedLine = { readonly sku: string; readonly quantity: number };

/** A line as reserved: the catalogue's name and price at that moment. */
export type PricedLine = OrderedLine & { readonly name: string; readonly unitPrice: Money };

export type ShippingAddress = {
  readonly line1: string;
  readonly line2?: string;
  readonly city: string;
  readonly postalCode: string;
  readonly country: string;
};

/** `auto` takes every step after `stepDelayMs`, `manual` waits for a command at every step. */
export type FulfillmentPlan = { readonly mode: "auto" | "manual"; readonly stepDelayMs: number };

/** What every machine of an order starts with. Each keeps only what it needs. */
export type OrderInput = {
  readonly orderId: string;
  readonly customer: Customer;
  /** 1 to 100, no SKU twice. */
  readonly lines: readonly OrderedLine[];
  readonly payment: { readonly method: PaymentMethod; readonly token?: string };
  readonly shippingAddress: ShippingAddress;
  readonly fulfillment: FulfillmentPlan;
};

export type Missing = { readonly sku: string; readonly requested: number; readonly available: number };

export type ReserveInput = { readonly orderId: string; readonly lines: readonly OrderedLine[] };
export type ReserveOutput =
  | { readonly outcome: "reserved"; readonly lines: readonly PricedLine[]; readonly total: Money }
  | { readonly outcome: "out_of_stock"; readonly missing: readonly Missing[] }
  | { readonly outcome: "unknown_sku"; readonly skus: readonly string[] }
  | { readonly outcome: "mixed_currency"; readonly currencies: readonly string[] }
  | { readonly outcome: "closed"; readonly as: "released" | "shipped" };

/** Why an order was rejected. `unavailable`: the inventory did not answer for too long. */
export type Rejection = Exclude<ReserveOutput, { outcome: "reserved" }> | { readonly outcome: "unavailable" };

export type EndHoldInput = { readonly orderId: string };
export type EndHoldOutput = { readonly outcome: "released" | "shipped" };

export type AuthorizeInput = {
  readonly orderId: string;
  readonly method: PaymentMethod;
  readonly token: string;
  readonly amount: Money;
};
export type AuthorizeOutput =
  | { readonly outcome: "authorized"; readonly authorization: string }
  | { readonly outcome: "declined"; readonly reason: string };

/**
 * `attempt` tells a new attempt from the repetition of an old one: it is part of the key under which the gateway
 * remembers, and rises only after a definite no.
 */
export type VoidInput = {
  readonly orderId: string;
  readonly authorization: string | null;
  readonly attempt: number;
};
export type SettleInput = VoidInput & { readonly amount: Money };
export type CaptureOutput =
  | { readonly outcome: "captured" }
  | { readonly outcome: "declined"; readonly reason: string };
export type VoidOutput = { readonly outcome: "voided" | "nothing_to_void" };
export type RefundOutput = { readonly outcome: "refunded" };

export type LabelInput = { readonly orderId: string; readonly shippingAddress: ShippingAddress };
export type LabelOutput = { readonly trackingNumber: string };

/** What `onError` finds in `event.error`: plain JSON, because `Error` objects do not survive storage. */
export type EffectFailure = {
  readonly code: string;
  readonly message: string;
  readonly kind: "refused" | "retryable" | "unknown";
};

/** The outcome of an effect whose state was left before it was known. */
export type LateOutcome<Source extends string, Output> = {
  readonly type: `effect.late.${Source}`;
  readonly output?: Output;
  readonly error?: EffectFailure;
};
