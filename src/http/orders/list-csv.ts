/** Orders as CSV (RFC 4180). */
import type { OrderSummary } from "../../services/projection/contract.ts";

const columns: Readonly<Record<string, (order: OrderSummary) => string | number | boolean>> = {
  id: ({ id }) => id,
  status: ({ status }) => status,
  createdAt: ({ createdAt }) => createdAt,
  updatedAt: ({ updatedAt }) => updatedAt,
  customerId: ({ customer }) => customer.id,
  totalAmount: ({ total }) => total?.amount ?? "",
  totalCurrency: ({ total }) => total?.currency ?? "",
  method: ({ payment }) => payment.method,
  payment: ({ payment }) => payment.status,
  fulfillment: ({ fulfillment }) => fulfillment.status,
  trackingNumber: ({ fulfillment }) => fulfillment.trackingNumber ?? "",
  invoiceNumber: ({ invoice }) => invoice?.number ?? "",
  externalReference: ({ externalReference = "" }) => externalReference,
  lines: ({ lines }) => lines.map(({ quantity, sku }) => `${quantity} ${sku}`).join("; "),
  waitsFor: ({ waitsFor }) => waitsFor.join(" "),
  parked: ({ parked }) => parked,
  version: ({ version }) => version,
};

/** A program for spreadsheets takes a text that begins so for a formula (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/u;

function cell(value: string | number | boolean): string {
  const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The names of the columns, with the end of the line. */
export const CSV_HEAD = `${Object.keys(columns).join(",")}\r\n`;

/** One order, with the end of the line. */
export const csvLine = (order: OrderSummary): string =>
  `${Object.values(columns)
    .map((value) => cell(value(order)))
    .join(",")}\r\n`;
