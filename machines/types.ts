/**
 * Plain data that the three machines of an order take in and give out. Declared here once: the services' contracts
 * export these types again. Needs no service and no runtime.
 */

/** Amount in minor units (cents), a safe integer of 0 or more; ISO 4217 currency. */
export type Money = { readonly amount: number; readonly currency: string };

/** Methods the machines can carry to the end. */
export type PaymentMethod =
  | "cash_on_delivery"
  | "in_person"
  | "credit_card"
  | "debit_card"
  | "tokenized"
  /** Paid by the customer on a page of the gateway. */
  | "async";

/** Who ordered; `id` is the caller's own. */
export type Customer = { readonly id: string; readonly email: string; readonly name: string };

/** `quantity`: a whole number of 1 or more. */
export type OrderedLine = { readonly sku: string; readonly quantity: number };

/** A line as reserved: the catalogue's name and price at that moment. */
export type PricedLine = OrderedLine & { readonly name: string; readonly unitPrice: Money };

/** `country`: ISO 3166-1 alpha-2. Further fields that an order of an earlier version does not have are optional. */
export type Address = {
  /** The person at this address; absent: the customer. */
  readonly name?: string;
  readonly company?: string;
  readonly line1: string;
  readonly line2?: string;
  readonly city: string;
  /** State, province, emirate or another part of the country. */
  readonly state?: string;
  /** Empty where the country has none. */
  readonly postalCode: string;
  readonly country: string;
};

/** Where the order goes. `phone`: for the carrier. */
export type ShippingAddress = Address & { readonly phone?: string };

/** Who is billed, where that is not the address to which the order goes. */
export type BillingAddress = Address & {
  /** In place of the customer's. */
  readonly taxId?: string;
};

/** `auto` takes every step after `stepDelayMs`, `manual` waits for a command at every step. */
export type FulfillmentPlan = { readonly mode: "auto" | "manual"; readonly stepDelayMs: number };

/**
 * A customer has `deadlineMs` to pay on the gateway's page. The machine polls the gateway `pollMs` after the page was
 * made, then after pauses that double up to `pollMaxMs`.
 */
export type HostedPaymentPlan = {
  readonly deadlineMs: number;
  readonly pollMs: number;
  readonly pollMaxMs: number;
};

/** Who ordered, and where the order goes, as the caller gave it. */
export type OpenInput = {
  readonly customer: Customer;
  /** Tax id of a customer that is a business, for its invoices. */
  readonly taxId?: string;
  readonly shippingAddress: ShippingAddress;
  /** Absent: the order is billed to the shipping address. */
  readonly billingAddress?: BillingAddress;
  readonly sealed?: undefined;
};

/** The same, sealed. */
export type SealedInput = {
  readonly customer: Pick<Customer, "id">;
  /** Of the shipping address. */
  readonly country: string;
  /** `group`: one token that all orders of the customer share. */
  readonly sealed: { readonly text: string; readonly group: string };
};

/** The input of every machine of an order. Each machine keeps only the parts that it needs. */
export type OrderInput = (OpenInput | SealedInput) & {
  readonly orderId: string;
  /** 1 to 100, no SKU twice. */
  readonly lines: readonly OrderedLine[];
  /** The total that the customer agreed to; absent: any. An order with another total is rejected. */
  readonly expectedTotal?: Money;
  /** `token`: sealed, or as the caller gave it. */
  readonly payment: { readonly method: PaymentMethod; readonly token?: string };
  readonly fulfillment: FulfillmentPlan;
  readonly hostedPayment: HostedPaymentPlan;
  /** Tax that the prices include, in hundredths of a percent of the net price: 2300 is 23 %. 0 to 10 000. */
  readonly taxBasisPoints: number;
  /** The client's own name of the order; no other order has it. */
  readonly externalReference?: string;
  /** Id of the caller that places it; absent: it shows no credentials. */
  readonly placedBy?: string;
  /** True when the caller may not wait for the outcome of the reservation; absent when it waits. */
  readonly unattended?: true;
  /** True while a node of an earlier version is present, which may work on the order's events; absent otherwise. */
  readonly wide?: true;
};

/** The same, as the caller gave it. */
export type OpenOrderInput = OpenInput & OrderInput;

/** A line that the stock does not cover; `requested` is above `available`. */
export type Missing = { readonly sku: string; readonly requested: number; readonly available: number };

/** Input of `reserveInventory`. The lines are the order's (order-facts.ts). */
export type ReserveInput = { readonly orderId: string };
/**
 * Output of `reserveInventory`: all lines or none. `notForSale`: the SKUs are in the catalogue, and off sale.
 * `closed`: the order's hold had ended before.
 */
export type ReserveOutput =
  | { readonly outcome: "reserved"; readonly lines: readonly PricedLine[]; readonly total: Money }
  | { readonly outcome: "out_of_stock"; readonly missing: readonly Missing[] }
  | { readonly outcome: "unknown_sku"; readonly skus: readonly string[]; readonly notForSale?: true }
  | { readonly outcome: "mixed_currency"; readonly currencies: readonly string[] }
  | { readonly outcome: "closed"; readonly as: "released" | "shipped" };

/**
 * Why an order was rejected. `unavailable`: the inventory did not answer in time. `price_changed`: the lines were
 * reserved at other prices than the customer agreed to.
 */
export type Rejection =
  | Exclude<ReserveOutput, { outcome: "reserved" }>
  | { readonly outcome: "price_changed"; readonly lines: readonly PricedLine[]; readonly total: Money }
  | { readonly outcome: "unavailable" };

/** Input of `releaseInventory` and `shipInventory`. */
export type EndHoldInput = { readonly orderId: string };
/** How the hold ended, by this call or an earlier one: a hold ends once. */
export type EndHoldOutput = { readonly outcome: "released" | "shipped" };

/** Input of `authorizePayment`. `token` is secret. */
export type AuthorizeInput = {
  readonly orderId: string;
  readonly method: PaymentMethod;
  readonly token: string;
  readonly amount: Money;
};
/**
 * Output of `authorizePayment`. A refused card is an answer, not a failure. `expiresInMs`: after this time the gateway
 * lets the authorization lapse unless it is captured; absent where the gateway does not report it, and where the
 * authorization is settled.
 */
export type AuthorizeOutput =
  | { readonly outcome: "authorized"; readonly authorization: string; readonly expiresInMs?: number }
  | { readonly outcome: "declined"; readonly reason: string };

/**
 * Input of `voidPayment`; without an authorization the gateway voids whatever the order has there.
 * `attempt` distinguishes a new attempt from the repetition of an old one: it is part of the gateway's idempotency key,
 * and rises only after a definite refusal.
 */
export type VoidInput = {
  readonly orderId: string;
  readonly authorization: string | null;
  readonly attempt: number;
};
/** Input of `capturePayment` and `refundPayment`, both of the full amount. */
export type SettleInput = VoidInput & { readonly amount: Money };
/** Output of `capturePayment`. */
export type CaptureOutput =
  | { readonly outcome: "captured" }
  | { readonly outcome: "declined"; readonly reason: string };
/** Output of `voidPayment`. Both mean that the order has no open authorization. */
export type VoidOutput = { readonly outcome: "voided" | "nothing_to_void" };
/** Output of `refundPayment`. */
export type RefundOutput = { readonly outcome: "refunded" };

/** Input of `createPaymentPage`. The gateway accepts no payment later than `expiresInMs` after it made the page. */
export type PageInput = { readonly orderId: string; readonly amount: Money; readonly expiresInMs: number };
/** Output of `createPaymentPage`: the gateway's id of the payment, and where the customer pays. */
export type PageOutput = { readonly payment: string; readonly url: string };
/** Input of `checkPayment`. A payment of another amount is a failure, not an outcome. */
export type CheckInput = { readonly orderId: string; readonly payment: string; readonly amount: Money };
/**
 * Output of `checkPayment`. `paid` is captured. `closed`: the gateway no longer asks the customer to pay; a payment
 * that it accepts nevertheless still counts.
 */
export type CheckOutput =
  | { readonly outcome: "pending" | "closed" }
  | { readonly outcome: "paid"; readonly authorization: string }
  | { readonly outcome: "declined"; readonly reason: string };

/**
 * Input of `createShippingLabel`. `collect`: what the carrier collects at the door; absent when the order is paid
 * before. The address is the order's (order-facts.ts).
 */
export type LabelInput = { readonly orderId: string; readonly collect?: Money };
/** Output of `createShippingLabel`. */
export type LabelOutput = { readonly trackingNumber: string };

/** Input of `retrieveInvoice`. `number`: of the invoice that was issued. */
export type RetrievalInput = { readonly orderId: string; readonly number: string };
/** Output of `retrieveInvoice`: the document as it was read. `bytes`: its size; `sha256`: its digest, base64url. */
export type InvoiceDocument = { readonly number: string; readonly bytes: number; readonly sha256: string };

/** Input of `returnInventory`. */
export type ReturnStockInput = EndHoldInput;
/** Output of `returnInventory`: the pieces are back in stock, from this call or from an earlier one. */
export type ReturnStockOutput = { readonly outcome: "returned" };

/**
 * Why a parcel does not stay with its receiver. `refused`: at the door. `unclaimed`: not collected in time. `lost`: by
 * the carrier. `returned`: it came back to the sender without a reason that is known.
 */
export type ReturnCause = "refused" | "unclaimed" | "lost" | "returned";
/** What becomes of the goods of an order that is returned: back in stock, or lost or damaged. */
export type ReturnedGoods = "restocked" | "written_off";

/** A credit note as issued, with the invoice that it cancels. `number` like `CN-2026-000001`. */
export type IssuedCreditNote = IssuedInvoice & { readonly invoice: IssuedInvoice };

/** An invoice as issued: `number` like `2026-000042`; `issuedAt` is RFC 3339, UTC. */
export type IssuedInvoice = { readonly number: string; readonly issuedAt: string };

/** Input of `handOverParcel`. */
export type ConsignmentInput = { readonly orderId: string; readonly trackingNumber: string };
/** Output of `handOverParcel`: the carrier has the parcel, from this call or from an earlier one. */
export type ConsignmentOutput = { readonly outcome: "taken" };

/**
 * What `onError` finds in `event.error`: plain JSON, because `Error` objects do not survive storage. The runtime
 * derives the same shape from its `EffectError`: machines may import xstate and each other only, and the runtime no
 * machine. test/unit/services/orders/definition.test.ts holds the two together.
 */
export type EffectFailure = {
  readonly code: string;
  readonly message: string;
  readonly kind: "refused" | "retryable" | "unknown";
};

/** The outcome of an effect that became known after the machine had left the state that invoked it. */
export type LateOutcome<Source extends string, Output> = {
  readonly type: `effect.late.${Source}`;
  readonly output?: Output;
  readonly error?: EffectFailure;
};
