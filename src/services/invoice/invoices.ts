import type { Actors } from "../../runtime/actors.ts";
import type { Documents } from "../../runtime/workers/document-store.ts";
import { Unavailable } from "../../runtime/ports.ts";

/** The answer to "where is the invoice of this order?". */
export type StoredInvoice =
  | { readonly status: "found"; readonly pdf: Buffer; readonly number: string }
  /** There is no such order. */
  | { readonly status: "not_found" }
  /** The order has none, or none yet. */
  | { readonly status: "not_ready" }
  | { readonly status: "unavailable"; readonly reason: string; readonly retryAfterMs: number };

/** Invoices that were made, by order id; they stay, whatever becomes of the order. */
export interface Invoices {
  read(orderId: string): Promise<StoredInvoice>;
  /** What takes the invoice of a cancelled order back. */
  creditNote(orderId: string): Promise<StoredInvoice>;
}

/** Of the document beside the invoice, which has the order's id as its name. */
export const creditNoteName = (orderId: string): string => `${orderId}.credit-note`;

const RETRY_AFTER_MS = 1_000;

/** Reads documents; asks the order itself only when there is none. */
export function storedInvoices(documents: Documents, actors: Pick<Actors, "read">): Invoices {
  const read = async (orderId: string, name: string): Promise<StoredInvoice> => {
    try {
      const found = await documents.get(name);
      if (found !== undefined) {
        const pdf = Buffer.from(found.bytes.buffer, found.bytes.byteOffset, found.bytes.byteLength);
        return { status: "found", pdf, number: found.metadata["number"] ?? "" };
      }
      const order = await actors.read(orderId);
      if (order.status === "not_found") return { status: "not_found" };
      return order.status === "unavailable" ? unavailable(order.reason) : { status: "not_ready" };
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      return unavailable(error.message);
    }
  };
  return {
    read: (orderId) => read(orderId, orderId),
    creditNote: (orderId) => read(orderId, creditNoteName(orderId)),
  };
}

const unavailable = (reason: string): StoredInvoice => ({
  status: "unavailable",
  reason,
  retryAfterMs: RETRY_AFTER_MS,
});
