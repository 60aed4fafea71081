/**
 * The invoice worker: an invoice for every order that is ready, a credit note for one with an invoice that is cancelled
 * or returned.
 */
import { failpoint } from "../../runtime/failpoints.ts";
import type { Seller } from "../../../config/seller-settings.ts";
import { checked, type WorkerBounds } from "../../runtime/workers/worker-bounds.ts";
import type { FulfillmentEvent } from "../../../machines/fulfillment-events.ts";
import type { Actors } from "../../runtime/actors.ts";
import type { Documents } from "../../runtime/workers/document-store.ts";
import type { Bucket } from "../../runtime/ports.ts";
import { type RunningWorker, startWorker, type WorkerDependencies } from "../../runtime/workers/worker.ts";
import { completed, type FactsReader } from "../orders/facts-reader.ts";
import { type DocumentDetails, readOrderDetails } from "../documents/order-details.ts";
import { creditNoteName } from "./invoices.ts";
import {
  creditNoteSeries,
  type InvoiceNumber,
  InvoiceNumbers,
  invoiceSeries,
  NumberRefused,
} from "./numbers.ts";
import type { renderCreditNote, renderInvoice } from "./pdf.ts";

/** Retries for about an hour: its stores are on the orders' own server, and the order waits for the invoice. */
export const invoiceBounds: WorkerBounds = checked({
  maxInFlight: 256,
  workLimitMs: 10_000,
  lockLifeMs: 15_000,
  backoffMs: 500,
  backoffMaxMs: 60_000,
  maxAttempts: 64,
});

type Renderer = {
  readonly renderInvoice: typeof renderInvoice;
  readonly renderCreditNote: typeof renderCreditNote;
};

/** Loads the library of PDFs and its fonts for the first document: 20 MB that not every node needs. */
function pdfs(): Renderer {
  return {
    renderInvoice: async (...paper) => (await import("./pdf.ts")).renderInvoice(...paper),
    renderCreditNote: async (...paper) => (await import("./pdf.ts")).renderCreditNote(...paper),
  };
}

/** What the invoice worker needs of its node. */
export type InvoiceDependencies = WorkerDependencies & {
  /** Numbers: the bucket INVOICES_NUMBERS, whose entries are kept permanently. */
  readonly numbers: Bucket;
  /** PDFs by order id, with their `number` as metadata. */
  readonly documents: Documents;
  /** Writes into the order's inbox. */
  readonly deliver: Actors["deliver"];
  /** True when the order's newest record is cancelled; it may be cancelled a moment later. @throws Unavailable */
  readonly isCancelled: (orderId: string) => Promise<boolean>;
  /** The seller on the invoices. */
  readonly seller: Seller;
  /** Makes the documents; PDFs when absent. */
  readonly render?: Renderer;
  readonly bounds?: WorkerBounds;
  /** What an event does not say about its order. */
  readonly facts: FactsReader;
};

/** The event types that lead to an invoice or a credit note. */
export const invoicedEvents: readonly string[] = ["order.ready", "order.cancelled", "order.returned"];

/** The worker as its consumer knows it. */
export const invoiceQueue = { name: "invoice", types: invoicedEvents, bounds: invoiceBounds } as const;

/** The id of the input that notifies an order of its invoice. No `webhook-id` has a slash: no sender can take it. */
export const invoiceInputId = (orderId: string): string => `invoice/${orderId}`;
/** The id of the input that names an order's credit note. */
export const creditNoteInputId = (orderId: string): string => `credit-note/${orderId}`;

/**
 * Makes the invoice of every order that is ready: takes its number, stores the PDF, notifies the order. Every step can
 * be repeated, so a crash anywhere results in the same invoice: an order has one number permanently, a stored PDF never
 * changes, and the order's inbox deduplicates the message by its id.
 *
 * A cancelled order gets no invoice any more. If it has one, the invoice stays, and a credit note with a number of its
 * own series cancels it; so does the credit note of an order that was returned. The order is notified. The order's
 * entry in the bucket decides between the two: it is written once, with a number or with the refusal of one.
 */
export function startInvoiceWorker(dependencies: InvoiceDependencies): Promise<RunningWorker> {
  const { bounds = invoiceBounds } = dependencies;
  const service = new InvoiceService(dependencies);
  return startWorker(dependencies, {
    ...invoiceQueue,
    bounds,
    work: async (event) => {
      const { data, type } = await completed(event, dependencies);
      const order = readOrderDetails(data);
      await (type === "order.ready" ? service.issue(order) : service.issueCreditNote(order));
    },
  });
}

class InvoiceService {
  private readonly dependencies: InvoiceDependencies;
  private readonly render: Renderer;
  private readonly numbers: InvoiceNumbers;
  private readonly creditNotes: InvoiceNumbers;

  constructor(dependencies: InvoiceDependencies) {
    const { numbers, clock, failpoints, unreadable } = dependencies;
    this.dependencies = dependencies;
    this.render = dependencies.render ?? pdfs();
    this.numbers = new InvoiceNumbers(numbers, clock, failpoints, invoiceSeries, unreadable);
    this.creditNotes = new InvoiceNumbers(numbers, clock, failpoints, creditNoteSeries, unreadable);
  }

  /** Issues the invoice of an order. @throws Unavailable (retryable) */
  async issue(order: DocumentDetails): Promise<void> {
    const { deliver, documents, seller, failpoints } = this.dependencies;
    const { orderId } = order;
    const invoice = await this.number(orderId);
    if (invoice === undefined) return;
    const stored = await failpoint(failpoints, "invoice.find", () => documents.get(orderId));
    if (stored === undefined) {
      const bytes = await this.render.renderInvoice(order, invoice, seller);
      await failpoint(failpoints, "invoice.store", () =>
        documents.put(orderId, { bytes, metadata: { number: invoice.number } }),
      );
    }
    const issued: FulfillmentEvent = { type: "invoice.issued", ...invoice };
    await failpoint(failpoints, "invoice.deliver", () =>
      deliver(orderId, "fulfillment", issued, invoiceInputId(orderId)),
    );
  }

  /** Issues the credit note of an order that has ended and has an invoice. @throws Unavailable (retryable) */
  async issueCreditNote(order: DocumentDetails): Promise<void> {
    const { deliver, documents, seller, failpoints } = this.dependencies;
    const { orderId } = order;
    const invoice = await failpoint(failpoints, "credit.refuse", () => this.numbers.refuse(orderId));
    if (invoice === undefined) return;
    const note = await failpoint(failpoints, "credit.number", () => this.creditNotes.take(orderId));
    const name = creditNoteName(orderId);
    const stored = await failpoint(failpoints, "credit.find", () => documents.get(name));
    if (stored === undefined) {
      const bytes = await this.render.renderCreditNote(order, note, invoice, seller);
      await failpoint(failpoints, "credit.store", () =>
        documents.put(name, { bytes, metadata: { number: note.number } }),
      );
    }
    const issued: FulfillmentEvent = { type: "credit_note.issued", ...note, invoice };
    await failpoint(failpoints, "credit.deliver", () =>
      deliver(orderId, "fulfillment", issued, creditNoteInputId(orderId)),
    );
  }

  /** The order's number, taken now unless it is cancelled. */
  private async number(orderId: string): Promise<InvoiceNumber | undefined> {
    const { isCancelled, failpoints } = this.dependencies;
    const cancelled = await failpoint(failpoints, "invoice.read_order", () => isCancelled(orderId));
    // The order may have a number already, with its PDF missing.
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
