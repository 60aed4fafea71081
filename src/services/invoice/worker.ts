import { invoiceBounds, type WorkerBounds } from "../../../config/workers.ts";
import type { Seller } from "../../../config/seller-settings.ts";
import type { FulfillmentEvent } from "../../../machines/fulfillment-events.ts";
import type { Actors } from "../../runtime/actors.ts";
import type { Documents } from "../../runtime/documents.ts";
import type { Bucket } from "../../runtime/ports.ts";
import { type RunningWorker, startWorker, type WorkerDependencies } from "../../runtime/worker.ts";
import { readOrderDetails } from "../paperwork/order-details.ts";
import { InvoiceNumbers } from "./numbers.ts";
import { renderInvoice } from "./pdf.ts";

/** What the invoice worker needs of its node. */
export type InvoiceDependencies = WorkerDependencies & {
  /** Numbers: the bucket INVOICES_NUMBERS, entries kept for ever. */
  readonly numbers: Bucket;
  /** PDFs by order id, with their `number` as metadata. */
  readonly documents: Documents;
  /** Into the order's inbox. */
  readonly deliver: Actors["deliver"];
  /** Who sends the invoices. */
  readonly seller: Seller;
  readonly bounds?: WorkerBounds;
};

/**
 * Makes the invoice of every order that is ready: takes its number, stores the PDF, tells the order. Every step can
 * be repeated, so a crash anywhere leaves the same invoice: an order has one number for ever, the same order and
 * number give the same PDF, and the order's inbox knows the message by its id.
 */
export function startInvoiceWorker(dependencies: InvoiceDependencies): Promise<RunningWorker> {
  const { deliver, documents, seller, crash } = dependencies;
  const numbers = new InvoiceNumbers(dependencies.numbers, dependencies.clock, crash);
  return startWorker(dependencies, {
    name: "invoice",
    types: ["order.ready"],
    bounds: dependencies.bounds ?? invoiceBounds,
    work: async (event) => {
      const order = readOrderDetails(event.data);
      crash?.("invoice.number", "before");
      const invoice = await numbers.take(order.orderId);
      crash?.("invoice.number", "after");
      const bytes = await renderInvoice(order, invoice, seller);
      crash?.("invoice.store", "before");
      await documents.put(order.orderId, { bytes, metadata: { number: invoice.number } });
      crash?.("invoice.store", "after");
      const issued: FulfillmentEvent = { type: "invoice.issued", ...invoice };
      crash?.("invoice.deliver", "before");
      await deliver(order.orderId, "fulfillment", issued, `invoice.${order.orderId}`);
      crash?.("invoice.deliver", "after");
    },
  });
}
