/**
 * Reads lines of a stock file (CSV with the columns `sku`, `name`, `price`, `currency` and, for counts, `onHand`).
 * Pure.
 * One line is one record: no field holds a line break, so that a broken line spoils no other.
 * `price` is a decimal with at most the digits of the currency's minor unit (`19.99` EUR, `1999` JPY), and is converted
 * exactly.
 */
import { CsvError } from "csv-parse";
import { parse } from "csv-parse/sync";
import { isCurrency, minorDigits } from "../../../config/currencies.ts";
import type { PutStock } from "./contract.ts";

/** Columns of a file, in any order. Without `onHand` the counts stay as they are. */
export const stockColumns = ["sku", "name", "price", "currency", "onHand"] as const;
const OPTIONAL = "onHand";

/** A SKU and its stock, as one line of the file states them. */
export type StockLine = { readonly sku: string; readonly stock: PutStock };

/** The names of the columns, in the file's order. @returns a text with the fault when one is missing or repeated */
export function readStockHeader(text: string): readonly string[] | string {
  const columns = fieldsOf(text.replace(/^\uFEFF/u, ""));
  if (typeof columns === "string") return columns;
  const missing = stockColumns.filter((column) => column !== OPTIONAL && !columns.includes(column));
  if (missing.length > 0)
    return `lacks the columns ${missing.join(", ")}; it must name ${stockColumns.join(", ")}`;
  const twice = stockColumns.find((column) => columns.indexOf(column) !== columns.lastIndexOf(column));
  return twice === undefined ? columns : `names the column ${twice} twice`;
}

/** One line of the file. @returns a text with the fault when the line is no stock */
export function readStockLine(columns: readonly string[], text: string): StockLine | string {
  const fields = fieldsOf(text);
  if (typeof fields === "string") return fields;
  if (fields.length !== columns.length) return `has ${fields.length} fields instead of ${columns.length}`;
  return stockOf(Object.fromEntries(columns.map((column, index) => [column, fields[index]])));
}

function fieldsOf(text: string): readonly string[] | string {
  if (text.includes("\uFFFD")) return "is not UTF-8";
  try {
    const [fields = []] = parse(text, { trim: true, relax_column_count: true });
    return fields;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return error.code === "CSV_QUOTE_NOT_CLOSED"
      ? "has a quote that is not closed in the same line"
      : "has a quote in the middle of a field; write it twice, and quotes around the field";
  }
}

function stockOf(line: Readonly<Record<string, string | undefined>>): StockLine | string {
  const { sku = "", name = "", price = "", currency = "", onHand } = line;
  if (sku === "") return "sku is missing";
  if (name === "") return "name is missing";
  if (!isCurrency(currency)) return `currency "${currency}" is no ISO 4217 code like EUR`;
  const amount = minorUnits(price, currency);
  if (typeof amount === "string") return amount;
  if (onHand === undefined) return { sku, stock: { name, price: { amount, currency } } };
  if (!/^\d+$/u.test(onHand)) return `onHand "${onHand}" is no whole number of 0 or more`;
  const pieces = Number(onHand);
  if (!Number.isSafeInteger(pieces)) return `onHand "${onHand}" is too large`;
  return { sku, stock: { name, price: { amount, currency }, onHand: pieces } };
}

function minorUnits(price: string, currency: string): number | string {
  const digits = minorDigits(currency);
  const [, whole, fraction = ""] = /^(\d+)(?:\.(\d+))?$/u.exec(price) ?? [];
  if (whole === undefined) return `price "${price}" is no decimal number like 19.99`;
  if (fraction.length > digits) return `price "${price}" has more than the ${digits} decimals of ${currency}`;
  const amount = Number(whole + fraction.padEnd(digits, "0"));
  return Number.isSafeInteger(amount) ? amount : `price "${price}" is too large`;
}
