/** Inventory as the other contexts see it: stock per SKU and one hold per order. */
import type { Missing, Money, UnavailableResult } from "../orders/contract.ts";

export type StockView = {
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
  /** onHand = available + reserved, always. */
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
};

export type ReserveInput = {
  readonly orderId: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
};

/** Output of the effect `reserveInventory`. All lines or none. */
export type ReserveOutput =
  | {
      readonly outcome: "reserved";
      readonly lines: readonly {
        readonly sku: string;
        readonly name: string;
        readonly quantity: number;
        readonly unitPrice: Money;
      }[];
      readonly total: Money;
    }
  | { readonly outcome: "out_of_stock"; readonly missing: readonly Missing[] }
  | { readonly outcome: "unknown_sku"; readonly skus: readonly string[] }
  | { readonly outcome: "mixed_currency"; readonly currencies: readonly string[] }
  /** The order's hold has ended already (cancelled before the reservation arrived). */
  | { readonly outcome: "closed"; readonly as: "released" | "shipped" };

/** Input of `releaseInventory` and `shipInventory`: ends the hold. Idempotent; a hold ends once. */
export type EndHoldInput = { readonly orderId: string };
export type EndHoldOutput = { readonly outcome: "released" | "shipped" };

export type PutStock = { readonly onHand: number; readonly name: string; readonly price: Money };

export interface Inventory {
  put(
    sku: string,
    stock: PutStock,
  ): Promise<
    | { readonly status: "stored"; readonly stock: StockView }
    | { readonly status: "below_reserved"; readonly reserved: number }
    | UnavailableResult
  >;
  get(
    sku: string,
  ): Promise<
    | { readonly status: "found"; readonly stock: StockView }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
  /** By SKU, ascending; `after`: the last SKU of the previous page. */
  list(page: {
    readonly limit: number;
    readonly after?: string;
  }): Promise<
    | { readonly status: "found"; readonly items: readonly StockView[]; readonly next: string | null }
    | UnavailableResult
  >;
  /**
   * Checks SKUs before an order is started. A SKU that was known once stays known, so a positive answer is
   * cached on the node; an unknown one is always asked of the owner.
   */
  known(
    skus: readonly string[],
  ): Promise<{ readonly status: "checked"; readonly unknown: readonly string[] } | UnavailableResult>;
}
