/** Context, guards, actions and effects of the fulfillment machine. The chart is in fulfillment.ts. */
import { assign, emit, setup } from "xstate";
import { effect } from "./effect.ts";
import type { FulfillmentEmitted, FulfillmentEvent } from "./fulfillment-events.ts";
import { collectsExactly } from "./money.ts";
import { needsCapture, paysOnDelivery } from "./payment-methods.ts";
import { mayRetry, retryDelayMs } from "./retry.ts";
import type { StateMeta } from "./state-meta.ts";
import type {
  ConsignmentInput,
  ConsignmentOutput,
  EndHoldInput,
  EndHoldOutput,
  InvoiceDocument,
  IssuedCreditNote,
  IssuedInvoice,
  LabelInput,
  LabelOutput,
  Money,
  OrderInput,
  PaymentMethod,
  RetrievalInput,
  ReturnCause,
  ReturnedGoods,
  ReturnStockInput,
  ReturnStockOutput,
} from "./types.ts";

/** What the fulfillment machine remembers. */
export type FulfillmentContext = {
  readonly orderId: string;
  readonly method: PaymentMethod;
  /** Pause between two steps, ms; absent where a warehouse drives the steps. */
  readonly stepDelayMs?: number;
  /** Absent until the order is confirmed. */
  readonly total?: Money;
  readonly trackingNumber?: string;
  /** True for a label that no carrier has made; only the migration from version 1 sets it. */
  readonly ownLabel?: true;
  readonly invoice?: IssuedInvoice;
  /** The invoice that goes into the parcel; present once it was retrieved. */
  readonly document?: Pick<InvoiceDocument, "bytes" | "sha256">;
  /** The carrier reported the delivery before the hand-over had ended here. */
  readonly delivered?: true;
  /** The carrier delivered and collected another amount than the one due; `because`: an operator accepted that. */
  readonly dispute?: { readonly collected: Money | null; readonly because?: string };
  /** Why the parcel does not stay with its receiver, and what became of its goods once that is known. */
  readonly sentBack?: undefined | { readonly cause: ReturnCause; readonly goods?: ReturnedGoods };
  /** The credit note that cancels the invoice; absent until it is made. */
  readonly creditNote?: IssuedInvoice;
  /** Failures in a row of the present effect. */
  readonly tries: number;
};

type ConfirmedOrder = Omit<Extract<FulfillmentEvent, { type: "order.confirmed" }>, "type">;

/** @throws before the order is confirmed: programmer fault */
function totalOf(context: FulfillmentContext): Money {
  if (context.total === undefined) throw new Error(`order ${context.orderId} is not confirmed yet`);
  return context.total;
}

/** Input of the label. @throws before the order is confirmed: programmer fault */
export function labelInput(context: FulfillmentContext): LabelInput {
  const { orderId, method } = context;
  return { orderId, ...(paysOnDelivery(method) ? { collect: totalOf(context) } : {}) };
}

/** Input of the retrieval. @throws before the invoice is issued: programmer fault */
export function retrievalInput({ orderId, invoice }: FulfillmentContext): RetrievalInput {
  if (invoice === undefined) throw new Error(`order ${orderId} has no invoice yet`);
  return { orderId, number: invoice.number };
}

/** Input of the hand-over. @throws before the label is made: programmer fault */
export function consignmentInput({ orderId, trackingNumber }: FulfillmentContext): ConsignmentInput {
  if (trackingNumber === undefined) throw new Error(`order ${orderId} has no label yet`);
  return { orderId, trackingNumber };
}

/** Fulfillment before the order is confirmed. */
export function unconfirmed(input: OrderInput): FulfillmentContext {
  const { mode, stepDelayMs } = input.fulfillment;
  const context = { orderId: input.orderId, method: input.payment.method, tries: 0 };
  return mode === "auto" ? { ...context, stepDelayMs } : context;
}

/** The amount to collect at the door; null when the order is paid before. @throws before the order is confirmed */
function dueOf(context: FulfillmentContext): Money | null {
  return paysOnDelivery(context.method) ? totalOf(context) : null;
}

/** What was collected at the door: exactly what is due, or what an operator accepted instead. */
function collectedOf(context: FulfillmentContext): Money | null {
  const due = dueOf(context);
  if (due === null || context.dispute?.because === undefined) return due;
  return context.dispute.collected ?? { amount: 0, currency: due.currency };
}

/** Why the parcel comes back. @throws when it does not: programmer fault */
function sentBackOf(context: FulfillmentContext): NonNullable<FulfillmentContext["sentBack"]> {
  if (context.sentBack === undefined) throw new Error(`the parcel of ${context.orderId} does not come back`);
  return context.sentBack;
}

/** A carrier's or an operator's word about a parcel in transit, and the cause that it states. */
const causes: Readonly<Record<string, ReturnCause>> = {
  "carrier.refused": "refused",
  "carrier.unclaimed": "unclaimed",
  "carrier.lost": "lost",
  "carrier.returned": "returned",
  "report-refused": "refused",
  "report-unclaimed": "unclaimed",
  "report-lost": "lost",
  receive: "returned",
};

/** What a carrier reports about a parcel. */
type Delivery = { readonly trackingNumber: string; readonly collected: Money | null };

/** Named parts of the fulfillment machine; createMachine puts them together. */
export const fulfillmentRules = setup({
  types: {
    context: {} as FulfillmentContext,
    events: {} as FulfillmentEvent,
    emitted: {} as FulfillmentEmitted,
    input: {} as OrderInput,
    meta: {} as StateMeta,
  },
  actors: {
    createShippingLabel: effect<LabelOutput, LabelInput>(),
    retrieveInvoice: effect<InvoiceDocument, RetrievalInput>(),
    shipInventory: effect<EndHoldOutput, EndHoldInput>(),
    handOverParcel: effect<ConsignmentOutput, ConsignmentInput>(),
    releaseInventory: effect<EndHoldOutput, EndHoldInput>(),
    returnInventory: effect<ReturnStockOutput, ReturnStockInput>(),
  },
  guards: {
    isAuto: ({ context }) => context.stepDelayMs !== undefined,
    needsCapture: ({ context }) => needsCapture(context.method),
    isHeld: (_, closed: { readonly held: boolean }) => closed.held,
    hasPassed: (_, check: { readonly passed: boolean }) => check.passed,
    isReleased: (_, output: EndHoldOutput) => output.outcome === "released",
    collectsExactly: ({ context }, { collected }: { readonly collected?: Money }) =>
      collectsExactly(context.method, totalOf(context), collected),
    isKnownToCarrier: ({ context }) => context.ownLabel === undefined,
    isDelivery: ({ context }, { trackingNumber, collected }: Delivery) =>
      trackingNumber === context.trackingNumber &&
      collectsExactly(context.method, totalOf(context), collected ?? undefined),
    wasDelivered: ({ context }) => context.delivered === true,
    isThisParcel: ({ context }, { trackingNumber }: { readonly trackingNumber: string }) =>
      trackingNumber === context.trackingNumber,
    /** The carrier's word came before the end of the hand-over. */
    wasDisputed: ({ context }) => context.dispute !== undefined,
    wasLost: ({ context }) => context.sentBack?.cause === "lost",
    wasSentBack: ({ context }) => context.sentBack !== undefined,
    isUncredited: ({ context }) => context.creditNote === undefined,
    isFit: (_, { restock }: { readonly restock: boolean }) => restock,
    hasTriesLeft: ({ context }) => mayRetry(context.tries),
  },
  delays: {
    stepDelay: ({ context }) => context.stepDelayMs ?? 0,
    retryDelay: ({ context }) => retryDelayMs(context.tries),
  },
  actions: {
    keepOrder: assign((_, { total }: ConfirmedOrder) => ({ total })),
    keepLabel: assign((_, { trackingNumber }: LabelOutput) => ({ trackingNumber })),
    keepInvoice: assign((_, { number, issuedAt }: IssuedInvoice) => ({ invoice: { number, issuedAt } })),
    keepDocument: assign((_, { bytes, sha256 }: InvoiceDocument) => ({ document: { bytes, sha256 } })),
    keepDelivery: assign({ delivered: true }),
    keepDispute: assign((_, { collected }: Delivery) => ({ dispute: { collected } })),
    keepSettlement: assign(({ context }, { reason }: { readonly reason: string }) => ({
      dispute: { collected: context.dispute?.collected ?? null, because: reason },
    })),
    /** The first word decides the cause: a parcel that is lost in transit back was refused. */
    keepCause: assign(({ context }, { type }: { readonly type: string }) => ({
      sentBack: context.sentBack ?? { cause: causes[type] ?? "returned" },
    })),
    keepGoods: assign(({ context }, goods: ReturnedGoods) => ({
      sentBack: { cause: context.sentBack?.cause ?? "returned", goods },
    })),
    forgetSentBack: assign({ sentBack: undefined }),
    keepCreditNote: assign((_, { number, issuedAt, invoice }: IssuedCreditNote) => ({
      creditNote: { number, issuedAt },
      invoice: { number: invoice.number, issuedAt: invoice.issuedAt },
    })),
    countFailure: assign(({ context }) => ({ tries: context.tries + 1 })),
    forgetTries: assign({ tries: 0 }),
    emitStored: emit(({ context }) => ({ type: "fulfillment.stored", orderId: context.orderId })),
    emitPicked: emit(({ context }) => ({ type: "fulfillment.picked", orderId: context.orderId })),
    emitQualityChecked: emit(({ context }) => ({
      type: "fulfillment.quality_checked",
      orderId: context.orderId,
    })),
    emitQualityFailed: emit(({ context }) => ({
      type: "fulfillment.quality_failed",
      orderId: context.orderId,
    })),
    emitPacked: emit(({ context }) => ({ type: "fulfillment.packed", orderId: context.orderId })),
    requestCapture: emit(({ context }) => ({ type: "capture.requested", orderId: context.orderId })),
    emitReady: emit(({ context }) => ({ type: "fulfillment.ready", orderId: context.orderId })),
    emitInvoiceCreated: emit(({ context }, { number, issuedAt }: IssuedInvoice) => ({
      type: "invoice.created",
      orderId: context.orderId,
      number,
      issuedAt,
    })),
    emitShipping: emit(({ context }) => ({ type: "fulfillment.shipping", orderId: context.orderId })),
    emitShipped: emit(({ context }) => ({
      type: "fulfillment.shipped",
      orderId: context.orderId,
      trackingNumber: context.trackingNumber ?? "",
    })),
    emitDelivered: emit(({ context }) => ({
      type: "fulfillment.delivered",
      orderId: context.orderId,
      collected: collectedOf(context),
    })),
    emitAmountDiffers: emit(({ context }) => ({
      type: "fulfillment.amount_differs",
      orderId: context.orderId,
      collected: context.dispute?.collected ?? null,
      expected: dueOf(context),
    })),
    emitReturning: emit(({ context }) => ({
      type: "fulfillment.returning",
      orderId: context.orderId,
      cause: sentBackOf(context).cause,
    })),
    emitReturned: emit(({ context }) => ({
      type: "fulfillment.returned",
      orderId: context.orderId,
      cause: sentBackOf(context).cause,
      goods: sentBackOf(context).goods ?? "written_off",
    })),
    emitCreditNoteCreated: emit(({ context }, { number, issuedAt, invoice }: IssuedCreditNote) => ({
      type: "credit_note.created",
      orderId: context.orderId,
      number,
      issuedAt,
      invoice,
    })),
  },
});
