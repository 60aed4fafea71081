/** Inventory as the other contexts see it: stock per SKU and one hold per order. */
import type { Money } from "../../../machines/types.ts";
import type { UnavailableResult } from "../unavailable.ts";

export type { EndHoldInput, EndHoldOutput, ReserveInput, ReserveOutput } from "../../../machines/types.ts";

export type StockView = {
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
  /** onHand = available + reserved, always. */
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
};

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
