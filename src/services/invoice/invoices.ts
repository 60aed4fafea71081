/** Reads stored invoices and credit notes. Owns nothing. Outcomes are values. */
import type { Actors } from "../../runtime/actors.ts";
import type { Documents } from "../../runtime/workers/document-store.ts";
import { Unavailable } from "../../runtime/ports.ts";
import { unavailable, unavailableReply } from "../unavailable.ts";
import type { InvoiceResult, Invoices } from "./contract.ts";

/** Name of the credit note in the document store; the invoice has the order's id as its name. */
export const creditNoteName = (orderId: string): string => `${orderId}.credit-note`;

/** Reads documents; reads the order itself only when there is no document. */
export function storedInvoices(documents: Documents, actors: Pick<Actors, "read">): Invoices {
  const read = async (orderId: string, name: string): Promise<InvoiceResult> => {
    try {
      const found = await documents.get(name);
      if (found !== undefined) {
        const pdf = Buffer.from(found.bytes.buffer, found.bytes.byteOffset, found.bytes.byteLength);
        return { status: "found", pdf, number: found.metadata["number"] ?? "" };
      }
      const order = await actors.read(orderId);
      if (order.status === "not_found") return { status: "not_found" };
      return order.status === "unavailable" ? unavailableReply(order) : { status: "not_ready" };
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
