import type { Actors } from "../../runtime/actors.ts";
import type { Documents } from "../../runtime/documents.ts";
import { Unavailable } from "../../runtime/ports.ts";

/** The answer to "where is the invoice of this order?". */
export type StoredInvoice =
  | { readonly status: "found"; readonly pdf: Buffer; readonly number: string }
  /** There is no such order. */
  | { readonly status: "not_found" }
  /** The order has no invoice yet. */
  | { readonly status: "not_ready" }
  | { readonly status: "unavailable"; readonly reason: string; readonly retryAfterMs: number };

/** Invoices that were made, by order id. */
export interface Invoices {
  read(orderId: string): Promise<StoredInvoice>;
}

const RETRY_AFTER_MS = 1_000;

/** Reads documents; asks the order itself only when there is none. */
export function storedInvoices(documents: Documents, actors: Pick<Actors, "read">): Invoices {
  return {
    read: async (orderId) => {
      try {
        const found = await documents.get(orderId);
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
    },
  };
}

const unavailable = (reason: string): StoredInvoice => ({
  status: "unavailable",
  reason,
  retryAfterMs: RETRY_AFTER_MS,
});
