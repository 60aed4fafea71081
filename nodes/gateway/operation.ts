/** What the gateway simulator books: one operation per idempotency key, one line each in its ledger file. */

/** What a gateway does with money. */
export type OperationKind = "authorize" | "capture" | "void" | "refund";

/** The result of one operation, stored and given again to whoever repeats its key. */
export type OperationResult =
  | { readonly status: "authorized"; readonly id: string }
  | { readonly status: "declined"; readonly reason: string }
  /** A page on which the customer pays. */
  | { readonly status: "pending"; readonly id: string; readonly url: string }
  | { readonly status: "captured" | "voided" | "nothing_to_void" | "refunded" };

/** A page for one payment of all of `amount`. `expiresAt`: ms since the epoch. */
export type Page = {
  readonly id: string;
  readonly amount: number;
  readonly currency: string;
  readonly expiresAt: number;
};

/** `expiresInMs`: how long the customer may pay. */
export type PageRequest = {
  readonly orderId: string;
  readonly amount: number;
  readonly currency: string;
  readonly expiresInMs: number;
};

/** A line of the ledger file. Folding all lines in order gives the books; see {@link Books}. */
export type Operation = {
  readonly idempotencyKey: string;
  /** Hash of the request, so that a key cannot be used again for another request. */
  readonly fingerprint: string;
  readonly orderId: string;
  /** `page`: one was made; `decline`: the customer declined on it. Neither moves money. */
  readonly kind: OperationKind | "page" | "decline";
  readonly result: OperationResult;
  /** Money that moved, in minor units; null where nothing was booked (declined, nothing to void). */
  readonly booked: { readonly amount: number; readonly currency: string } | null;
  /** Authorisations that the operation creates or changes, in the order of their making. */
  readonly authorizations: readonly string[];
  /** True when the authorisation was settled at once (debit cards). */
  readonly settled?: true;
  /** When the authorisation lapses, ms since the epoch; absent where it does not. */
  readonly expiresAt?: number;
  /** The page that the operation made, or that the customer used. */
  readonly page?: Page;
  /** RFC 3339, UTC */
  readonly at: string;
};

/** `amount` in minor units, 1 or more. */
export type AuthorizeRequest = {
  readonly orderId: string;
  readonly method: string;
  readonly token: string;
  readonly amount: number;
  readonly currency: string;
};

/** `amount` absent: all that is left. */
export type SettleRequest = {
  readonly orderId: string;
  readonly authorization: string | null;
  readonly amount?: number;
  readonly currency?: string;
};

/** What an operation would book, before it has a key and a time. */
export type Decision = Pick<
  Operation,
  "kind" | "orderId" | "result" | "booked" | "authorizations" | "settled" | "expiresAt" | "page"
>;
