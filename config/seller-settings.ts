/** The seller on invoices, and the tax rate of a fresh installation. */
import { Type } from "typebox";
import { from } from "./settings-reader.ts";

/** The default tax rate: 23 %. */
export const DEFAULT_TAX_BASIS_POINTS = 2300;

/** The sender of an invoice. */
export type Seller = {
  readonly name: string;
  /** One line each, at most six. */
  readonly address: readonly string[];
  /** VAT number or the like, as printed on invoices. */
  readonly taxId: string;
};

type SellerValues = {
  readonly sellerName: string;
  readonly sellerAddress: string;
  readonly sellerTaxId: string;
};

/** A made-up seller: allowed in development only. */
const PLACEHOLDER: SellerValues = {
  sellerName: "Orderly development shop",
  sellerAddress: "1 Example Street|1000-001 Lisbon|Portugal",
  sellerTaxId: "PT000000000",
};

const variables = {
  sellerName: "ORDERLY_SELLER_NAME",
  sellerAddress: "ORDERLY_SELLER_ADDRESS",
  sellerTaxId: "ORDERLY_SELLER_TAX_ID",
} as const;

/** A text that fits on one line of an invoice. */
const line = (fallback: string) => Type.String({ minLength: 1, maxLength: 80, default: fallback });

/** The variables of the seller. `|` separates the lines of the address. */
export const sellerFields = {
  sellerName: from(variables.sellerName, line(PLACEHOLDER.sellerName)),
  sellerAddress: from(
    variables.sellerAddress,
    Type.String({
      pattern: String.raw`^[^|]{1,80}(\|[^|]{1,80}){0,5}$`,
      description: "1 to 6 lines of at most 80 characters, separated by |",
      default: PLACEHOLDER.sellerAddress,
    }),
  ),
  sellerTaxId: from(variables.sellerTaxId, line(PLACEHOLDER.sellerTaxId)),
};

/** The seller of the read values; frozen. */
export function sellerOf({ sellerName, sellerAddress, sellerTaxId }: SellerValues): Seller {
  const address = sellerAddress.split("|").map((one) => one.trim());
  return Object.freeze({ name: sellerName, address: Object.freeze(address), taxId: sellerTaxId });
}

/** Faults outside development: no invoice may name a made-up seller. A node that makes no invoices needs no seller. */
export function sellerFaults(values: SellerValues & { readonly workers: string }): string[] {
  if (values.workers !== "all" && values.workers !== "invoice") return [];
  return (Object.keys(variables) as (keyof SellerValues)[])
    .filter((field) => values[field] === PLACEHOLDER[field])
    .map(
      (field) =>
        `${variables[field]} must be set, since invoices print it (ORDERLY_DEVELOPMENT=true allows the built-in one)`,
    );
}
