/** The operations of the gateway simulator: one per idempotency key, one line each in its ledger file. */

/** What a gateway does with money. */
export type OperationKind = "authorize" | "capture" | "void" | "refund";

/** The result of one operation. It is stored, and a request that repeats the key receives it again. */
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

/** `expiresInMs`: time in which the customer may pay. */
export type PageRequest = {
  readonly orderId: string;
  readonly amount: number;
  readonly currency: string;
  readonly expiresInMs: number;
};

/** A line of the ledger file. Folding all lines in order gives the books; see {@link Books}. */
export type Operation = {
  readonly idempotencyKey: string;
  /** Hash of the request, so that a key cannot be reused for another request. */
  readonly fingerprint: string;
  readonly orderId: string;
  /** `page`: one was made; `decline`: the customer declined on it. Neither moves money. */
  readonly kind: OperationKind | "page" | "decline";
  readonly result: OperationResult;
  /** Money that moved, in minor units; null when nothing was booked (declined, nothing to void). */
  readonly booked: { readonly amount: number; readonly currency: string } | null;
  /** Authorizations that the operation creates or changes, in the order of their creation. */
  readonly authorizations: readonly string[];
  /** True when the authorization was settled at once (debit cards). */
  readonly settled?: true;
  /** When the authorization lapses, ms since the epoch; absent when it does not. */
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

/** `amount` absent: the whole rest. */
export type SettleRequest = {
  readonly orderId: string;
  readonly authorization: string | null;
  readonly amount?: number;
  readonly currency?: string;
};

/** The result of a decision, before it has a key and a time. */
export type Decision = Pick<
  Operation,
  "kind" | "orderId" | "result" | "booked" | "authorizations" | "settled" | "expiresAt" | "page"
>;
