/** What invoices say of the seller, and the tax rate of a fresh installation. */
import { Type } from "typebox";
import { from } from "./settings-reader.ts";

/** 23 %. */
export const DEFAULT_TAX_BASIS_POINTS = 2300;

/** The sender of an invoice. */
export type Seller = {
  readonly name: string;
  /** One line each, at most six. */
  readonly address: readonly string[];
  /** VAT number or the like, as it has to stand on an invoice. */
  readonly taxId: string;
};

type SellerValues = {
  readonly sellerName: string;
  readonly sellerAddress: string;
  readonly sellerTaxId: string;
};

/** Of nobody: good for development only, and refused elsewhere. */
const NOBODY: SellerValues = {
  sellerName: "Orderly development shop",
  sellerAddress: "1 Example Street|1000-001 Lisbon|Portugal",
  sellerTaxId: "PT000000000",
};

const variables = {
  sellerName: "ORDERLY_SELLER_NAME",
  sellerAddress: "ORDERLY_SELLER_ADDRESS",
  sellerTaxId: "ORDERLY_SELLER_TAX_ID",
} as const;

/** What fits on the paper in one line. */
const line = (fallback: string) => Type.String({ minLength: 1, maxLength: 80, default: fallback });

/** The lines of the address have `|` between them. */
export const sellerFields = {
  sellerName: from(variables.sellerName, line(NOBODY.sellerName)),
  sellerAddress: from(
    variables.sellerAddress,
    Type.String({
      pattern: String.raw`^[^|]{1,80}(\|[^|]{1,80}){0,5}$`,
      description: "1 to 6 lines of at most 80 characters, with | between",
      default: NOBODY.sellerAddress,
    }),
  ),
  sellerTaxId: from(variables.sellerTaxId, line(NOBODY.sellerTaxId)),
};

export function sellerOf({ sellerName, sellerAddress, sellerTaxId }: SellerValues): Seller {
  const address = sellerAddress.split("|").map((one) => one.trim());
  return Object.freeze({ name: sellerName, address: Object.freeze(address), taxId: sellerTaxId });
}

/** Outside development no invoice goes out under a made-up name; a node that makes none need not know it. */
export function sellerFaults(values: SellerValues & { readonly workers: string }): string[] {
  if (values.workers !== "all" && values.workers !== "invoice") return [];
  return (Object.keys(variables) as (keyof SellerValues)[])
    .filter((field) => values[field] === NOBODY[field])
    .map(
      (field) =>
        `${variables[field]} must be set, for it stands on invoices (ORDERLY_DEVELOPMENT=true allows the built-in one)`,
    );
}
