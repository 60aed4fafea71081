import { failpoint } from "../../runtime/failpoints.ts";
import type { Seller } from "../../../config/seller-settings.ts";
import { checked, type WorkerBounds } from "../../runtime/workers/worker-bounds.ts";
import type { FulfillmentEvent } from "../../../machines/fulfillment-events.ts";
import type { Actors } from "../../runtime/actors.ts";
import type { Documents } from "../../runtime/workers/document-store.ts";
import type { Bucket } from "../../runtime/ports.ts";
import { type RunningWorker, startWorker, type WorkerDependencies } from "../../runtime/workers/worker.ts";
import { type DocumentDetails, readOrderDetails } from "../documents/order-details.ts";
import { creditNoteName } from "./invoices.ts";
import { creditNoteSeries, type InvoiceNumber, InvoiceNumbers, NumberRefused } from "./numbers.ts";
import { renderCreditNote, renderInvoice } from "./pdf.ts";

/** Retried for about an hour: what it needs is stored beside the orders, and the order waits for it. */
export const invoiceBounds: WorkerBounds = checked({
  maxInFlight: 256,
  workLimitMs: 10_000,
  lockLifeMs: 15_000,
  backoffMs: 500,
  backoffMaxMs: 60_000,
  maxAttempts: 64,
});

/** What the invoice worker needs of its node. */
export type InvoiceDependencies = WorkerDependencies & {
  /** Numbers: the bucket INVOICES_NUMBERS, entries kept for ever. */
  readonly numbers: Bucket;
  /** PDFs by order id, with their `number` as metadata. */
  readonly documents: Documents;
  /** Into the order's inbox. */
  readonly deliver: Actors["deliver"];
  /** True when the order's newest record says so; it may be cancelled a moment later. @throws Unavailable */
  readonly isCancelled: (orderId: string) => Promise<boolean>;
  /** Who sends the invoices. */
  readonly seller: Seller;
  readonly bounds?: WorkerBounds;
};

/** The event types that make an invoice, or take it back. */
export const invoicedEvents: readonly string[] = ["order.ready", "order.cancelled"];

/**
 * Makes the invoice of every order that is ready: takes its number, stores the PDF, tells the order. Every step can
 * be repeated, so a crash anywhere leaves the same invoice: an order has one number for ever, a PDF that is stored is
 * not touched again, and the order's inbox knows the message by its id.
 *
 * An order that is cancelled gets no invoice any more. If it has one, that stays, and a credit note takes it back, with
 * a number of its own series. Which of the two it is, is decided where the order's number would stand: there it gets a
 * number or is refused one, once.
 */
export function startInvoiceWorker(dependencies: InvoiceDependencies): Promise<RunningWorker> {
  const { bounds = invoiceBounds } = dependencies;
  const service = new InvoiceService(dependencies);
  return startWorker(dependencies, {
    name: "invoice",
    types: invoicedEvents,
    bounds,
    work: ({ type, data }) =>
      type === "order.ready"
        ? service.issue(readOrderDetails(data))
        : service.issueCreditNote(readOrderDetails(data)),
  });
}

class InvoiceService {
  private readonly dependencies: InvoiceDependencies;
  private readonly numbers: InvoiceNumbers;
  private readonly creditNotes: InvoiceNumbers;

  constructor(dependencies: InvoiceDependencies) {
    const { numbers, clock, failpoints } = dependencies;
    this.dependencies = dependencies;
    this.numbers = new InvoiceNumbers(numbers, clock, failpoints);
    this.creditNotes = new InvoiceNumbers(numbers, clock, failpoints, creditNoteSeries);
  }

  /** @throws Unavailable (retryable) */
  async issue(order: DocumentDetails): Promise<void> {
    const { deliver, documents, seller, failpoints } = this.dependencies;
    const { orderId } = order;
    const invoice = await this.number(orderId);
    if (invoice === undefined) return;
    const stored = await failpoint(failpoints, "invoice.find", () => documents.get(orderId));
    if (stored === undefined) {
      const bytes = await renderInvoice(order, invoice, seller);
      await failpoint(failpoints, "invoice.store", () =>
        documents.put(orderId, { bytes, metadata: { number: invoice.number } }),
      );
    }
    const issued: FulfillmentEvent = { type: "invoice.issued", ...invoice };
    await failpoint(failpoints, "invoice.deliver", () =>
      deliver(orderId, "fulfillment", issued, `invoice.${orderId}`),
    );
  }

  /** Of an order that is cancelled. @throws Unavailable (retryable) */
  async issueCreditNote(order: DocumentDetails): Promise<void> {
    const { documents, seller, failpoints } = this.dependencies;
    const { orderId } = order;
    const invoice = await failpoint(failpoints, "credit.refuse", () => this.numbers.refuse(orderId));
    if (invoice === undefined) return;
    const note = await failpoint(failpoints, "credit.number", () => this.creditNotes.take(orderId));
    const name = creditNoteName(orderId);
    const stored = await failpoint(failpoints, "credit.find", () => documents.get(name));
    if (stored !== undefined) return;
    const bytes = await renderCreditNote(order, note, invoice, seller);
    await failpoint(failpoints, "credit.store", () =>
      documents.put(name, { bytes, metadata: { number: note.number } }),
    );
  }

  /** The order's number, taken now unless it is cancelled. */
  private async number(orderId: string): Promise<InvoiceNumber | undefined> {
    const { isCancelled, failpoints } = this.dependencies;
    const cancelled = await failpoint(failpoints, "invoice.read_order", () => isCancelled(orderId));
    // It may have a number from before, of which the PDF is missing.
    if (cancelled) return this.numbers.refuse(orderId);
    try {
      const number = await failpoint(failpoints, "invoice.number", () => this.numbers.take(orderId));
      return number;
    } catch (error) {
      if (error instanceof NumberRefused) return undefined;
      throw error;
    }
  }
}
