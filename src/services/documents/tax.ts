/**
 * Tax that prices include. Pure, in integers of the currency's minor unit.
 *
 * The rule: of a sum of prices (gross) at a rate of r hundredths of a percent, the tax is gross * r / (10 000 + r),
 * rounded once, half up, for the whole sum and not line by line; net is the rest. So net + tax = gross, always.
 */
import type { Money } from "../../../machines/types.ts";

/** Hundredths of a percent in the whole. */
const WHOLE = 10_000n;

/** A sum split into net and tax. */
export type TaxedSum = { readonly net: Money; readonly tax: Money; readonly gross: Money };

/** Splits a sum. Exact for every safe amount of 0 or more. @param basisPoints 0 to 10 000 */
export function taxIncluded(gross: Money, basisPoints: number): TaxedSum {
  const rate = BigInt(basisPoints);
  const share = 2n * BigInt(gross.amount) * rate;
  const tax = Number((share + WHOLE + rate) / (2n * (WHOLE + rate)));
  const { currency } = gross;
  return { net: { amount: gross.amount - tax, currency }, tax: { amount: tax, currency }, gross };
}

/** The rate as text: `23 %`, `5.5 %`, `0.25 %`. */
export function rateText(basisPoints: number): string {
  return `${basisPoints / 100} %`;
}
