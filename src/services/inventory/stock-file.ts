/**
 * Reads lines of a stock file (CSV with the columns `sku`, `name`, `price`, `currency`, `onHand`). Pure.
 * `price` is a decimal of the currency's own digits (`19.99` EUR, `1999` JPY), converted exactly.
 */
import type { PutStock } from "./contract.ts";

/** Columns that a file must have, in any order. */
export const stockColumns = ["sku", "name", "price", "currency", "onHand"] as const;

export type StockLine = { readonly sku: string; readonly stock: PutStock };

/** One line by its columns. @returns what is wrong with it, in words, when it is no stock */
export function readStockLine(line: Readonly<Record<string, string | undefined>>): StockLine | string {
  const { sku = "", name = "", price = "", currency = "", onHand = "" } = line;
  if (sku === "") return "sku is missing";
  if (name === "") return "name is missing";
  if (!/^[A-Z]{3}$/u.test(currency)) return `currency "${currency}" is no ISO 4217 code like EUR`;
  const amount = minorUnits(price, currency);
  if (typeof amount === "string") return amount;
  if (!/^\d+$/u.test(onHand)) return `onHand "${onHand}" is no whole number of 0 or more`;
  const pieces = Number(onHand);
  if (!Number.isSafeInteger(pieces)) return `onHand "${onHand}" is too large`;
  return { sku, stock: { name, price: { amount, currency }, onHand: pieces } };
}

function minorUnits(price: string, currency: string): number | string {
  const digits = digitsOf(currency);
  const [, whole, fraction = ""] = /^(\d+)(?:\.(\d+))?$/u.exec(price) ?? [];
  if (whole === undefined) return `price "${price}" is no decimal number like 19.99`;
  if (fraction.length > digits) return `price "${price}" has more than the ${digits} decimals of ${currency}`;
  const amount = Number(whole + fraction.padEnd(digits, "0"));
  return Number.isSafeInteger(amount) ? amount : `price "${price}" is too large`;
}

function digitsOf(currency: string): number {
  const { maximumFractionDigits } = new Intl.NumberFormat("en", {
    style: "currency",
    currency,
  }).resolvedOptions();
  return maximumFractionDigits ?? 2;
}
