/** Context, guards, actions and effects of the fulfillment machine. The chart is in fulfillment.ts. */
import { assign, emit, setup } from "xstate";
import { effect } from "./effect.ts";
import type { FulfillmentEmitted, FulfillmentEvent } from "./fulfillment-events.ts";
import { collectsExactly } from "./money.ts";
import { needsCapture, paysOnDelivery } from "./payment-methods.ts";
import { mayRetry, retryDelayMs } from "./retry.ts";
import type {
  ConsignmentInput,
  ConsignmentOutput,
  EndHoldInput,
  EndHoldOutput,
  InvoiceDocument,
  IssuedInvoice,
  LabelInput,
  LabelOutput,
  Money,
  OrderInput,
  PaymentMethod,
  RetrievalInput,
  ShippingAddress,
} from "./types.ts";

/** What the fulfillment machine remembers. */
export type FulfillmentContext = {
  readonly orderId: string;
  readonly method: PaymentMethod;
  /** Pause between two steps, ms; absent where a warehouse drives the steps. */
  readonly stepDelayMs?: number;
  /** Absent until the order is confirmed. */
  readonly total?: Money;
  /** Present from the confirmation until the label is made. */
  readonly shippingAddress?: ShippingAddress | undefined;
  readonly trackingNumber?: string;
  /** True for a label that no carrier has made; only the migration from version 1 sets it. */
  readonly ownLabel?: true;
  readonly invoice?: IssuedInvoice;
  /** The invoice that goes into the parcel; present once it was retrieved. */
  readonly document?: Pick<InvoiceDocument, "bytes" | "sha256">;
  /** The carrier reported the delivery before the hand-over had ended here. */
  readonly delivered?: true;
  /** Failures in a row of the present effect. */
  readonly tries: number;
};

type ConfirmedOrder = Omit<Extract<FulfillmentEvent, { type: "order.confirmed" }>, "type">;

/** @throws before the order is confirmed: programmer fault */
function totalOf(context: FulfillmentContext): Money {
  if (context.total === undefined) throw new Error(`order ${context.orderId} is not confirmed yet`);
  return context.total;
}

/** Input of the label. @throws before the order is confirmed, and once the label is made: programmer fault */
export function labelInput(context: FulfillmentContext): LabelInput {
  const { orderId, shippingAddress, method } = context;
  if (shippingAddress === undefined) throw new Error(`order ${orderId} has no address to ship to`);
  return { orderId, shippingAddress, ...(paysOnDelivery(method) ? { collect: totalOf(context) } : {}) };
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

/** What a carrier reports about a parcel. */
type Delivery = { readonly trackingNumber: string; readonly collected: Money | null };

/** Named parts of the fulfillment machine; createMachine puts them together. */
export const fulfillmentRules = setup({
  types: {
    context: {} as FulfillmentContext,
    events: {} as FulfillmentEvent,
    emitted: {} as FulfillmentEmitted,
    input: {} as OrderInput,
  },
  actors: {
    createShippingLabel: effect<LabelOutput, LabelInput>(),
    retrieveInvoice: effect<InvoiceDocument, RetrievalInput>(),
    shipInventory: effect<EndHoldOutput, EndHoldInput>(),
    handOverParcel: effect<ConsignmentOutput, ConsignmentInput>(),
    releaseInventory: effect<EndHoldOutput, EndHoldInput>(),
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
    hasTriesLeft: ({ context }) => mayRetry(context.tries),
  },
  delays: {
    stepDelay: ({ context }) => context.stepDelayMs ?? 0,
    retryDelay: ({ context }) => retryDelayMs(context.tries),
  },
  actions: {
    keepOrder: assign((_, { total, customer, shippingAddress }: ConfirmedOrder) => ({
      total,
      // A label names its receiver.
      shippingAddress: { ...(customer && { name: customer.name }), ...shippingAddress },
    })),
    keepLabel: assign((_, { trackingNumber }: LabelOutput) => ({
      trackingNumber,
      shippingAddress: undefined,
    })),
    keepInvoice: assign((_, { number, issuedAt }: IssuedInvoice) => ({ invoice: { number, issuedAt } })),
    keepDocument: assign((_, { bytes, sha256 }: InvoiceDocument) => ({ document: { bytes, sha256 } })),
    keepDelivery: assign({ delivered: true }),
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
      collected: paysOnDelivery(context.method) ? totalOf(context) : null,
    })),
  },
});
