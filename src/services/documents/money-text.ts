/** Amounts as text for people. Pure, with a cache of formatters. */
import { minorDigits } from "../../../config/currencies.ts";
import type { Money } from "../../../machines/types.ts";

type Style = "symbol" | "code";
type Formatter = { readonly format: Intl.NumberFormat; readonly digits: number };

/** At most one per currency and style; a currency has three characters. */
const formatters = new Map<string, Formatter>();

/**
 * An amount for people, in English: `€1,234.50`, or with style `code` `EUR 1,234.50` for what has no symbols.
 * The number of decimals is that of the currency's minor unit in ISO 4217 (JPY none, HUF two, KWD three). Exact for
 * every safe integer.
 */
export function moneyText({ amount, currency }: Money, style: Style = "symbol"): string {
  const { format, digits } = formatterOf(currency, style);
  const sign = amount < 0 ? "-" : "";
  const padded = String(Math.abs(amount)).padStart(digits + 1, "0");
  const split = padded.length - digits;
  const decimal = digits === 0 ? padded : `${padded.slice(0, split)}.${padded.slice(split)}`;
  return format.format(`${sign}${decimal}` as Intl.StringNumericLiteral);
}

function formatterOf(currency: string, style: Style): Formatter {
  const key = `${currency} ${style}`;
  let formatter = formatters.get(key);
  if (formatter === undefined) {
    const digits = minorDigits(currency);
    const format = new Intl.NumberFormat("en", {
      style: "currency",
      currency,
      currencyDisplay: style,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    formatter = { format, digits };
    formatters.set(key, formatter);
  }
  return formatter;
}
