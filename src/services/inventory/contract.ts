/** Inventory as the other contexts see it: stock per SKU and one hold per order. */
import type { Money } from "../../../machines/types.ts";
import type { UnavailableResult } from "../unavailable.ts";

export type { EndHoldInput, EndHoldOutput, ReserveInput, ReserveOutput } from "../../../machines/types.ts";

/** Stock of one SKU as the API shows it, in pieces. */
export type StockView = {
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
  /** Always available + reserved. */
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
};

/** A SKU's catalogue entry and its counted stock: an absolute value, not a difference. */
export type PutStock = { readonly onHand: number; readonly name: string; readonly price: Money };

/** Reads and sets stock. Holds are effects of orders: inventory-effects.ts. */
export interface Inventory {
  /** Sets name, price and count of a SKU; `below_reserved` when orders hold more than `onHand`. */
  put(
    sku: string,
    stock: PutStock,
  ): Promise<
    | { readonly status: "stored"; readonly stock: StockView }
    | { readonly status: "below_reserved"; readonly reserved: number }
    | UnavailableResult
  >;
  /** Acknowledged stock of one SKU. */
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
   * Checks SKUs before an order is started. A SKU that was known once stays known, so the node caches positive answers;
   * it always asks the owner about an unknown SKU.
   */
  known(
    skus: readonly string[],
  ): Promise<{ readonly status: "checked"; readonly unknown: readonly string[] } | UnavailableResult>;
}
