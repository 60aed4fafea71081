/** Invoices and credit notes as HTTP sees them. Outcomes are values. */
import type { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { UnavailableResult } from "../unavailable.ts";

/** The answer to a request for the document of an order. */
export type InvoiceResult =
  | { readonly status: "found"; readonly pdf: Buffer | Readable | ReadableStream; readonly number: string }
  /** The order does not exist. */
  | { readonly status: "not_found" }
  /** The order exists and has no such document, or none yet. */
  | { readonly status: "not_ready" }
  | UnavailableResult;

/** Documents that were made, by order id. They stay stored, whatever becomes of the order. */
export interface Invoices {
  /** The order's invoice. */
  read(orderId: string): Promise<InvoiceResult>;
  /** The credit note that cancels the invoice of a cancelled order. */
  creditNote(orderId: string): Promise<InvoiceResult>;
}
