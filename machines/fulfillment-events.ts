/** Events of the fulfillment machine: its inputs, and what it emits for the other machines and the public. */
import type { OrderClosed } from "./order-events.ts";
import type { IssuedCreditNote, IssuedInvoice, Money, ReturnCause, ReturnedGoods } from "./types.ts";

/** Inputs of the fulfillment machine, besides the outcomes of its effects and its timers. */
export type FulfillmentEvent =
  | {
      readonly type: "order.confirmed";
      readonly total: Money;
    }
  | OrderClosed
  | { readonly type: "payment.captured" }
  /** From the invoice worker: the invoice of this order is made. */
  | ({ readonly type: "invoice.issued" } & IssuedInvoice)
  /** From the carrier: the parcel is delivered. `collected` is what was paid at the door, null for nothing. */
  | {
      readonly type: "carrier.delivered";
      readonly trackingNumber: string;
      readonly collected: Money | null;
    }
  /** From the carrier: the parcel does not stay with its receiver. `carrier.returned`: it is back at the sender. */
  | {
      readonly type: "carrier.refused" | "carrier.unclaimed" | "carrier.lost" | "carrier.returned";
      readonly trackingNumber: string;
    }
  /** From the invoice worker: the credit note that cancels the order's invoice is made. */
  | ({ readonly type: "credit_note.issued" } & IssuedCreditNote)
  /** From an operator: retries a failed label, retrieval, shipment or release at once. */
  | { readonly type: "retry" }
  | FulfillmentCommand;

/** The manual steps of a warehouse. */
export type FulfillmentCommand =
  | { readonly type: "pick" }
  | { readonly type: "quality-check"; readonly passed: boolean }
  | { readonly type: "pack" }
  | { readonly type: "ship" }
  /** `collected`: paid at the door; exactly the total for cash and in person, nothing for the others. */
  | { readonly type: "deliver"; readonly collected?: Money }
  /** What the carrier would report about a parcel in transit, when it does not. */
  | { readonly type: "report-refused" | "report-unclaimed" | "report-lost" }
  /** The parcel is back. `restock`: its goods can be sold again; otherwise they are written off. */
  | { readonly type: "receive"; readonly restock: boolean }
  /** Accepts the amount that the carrier collected instead of the amount due. */
  | { readonly type: "settle"; readonly reason: string };

type OfOrder = { readonly orderId: string };

/** Events that the fulfillment machine emits. The payload is what follows `type`; each names its order. */
export type FulfillmentEmitted =
  | ({
      readonly type:
        | "fulfillment.stored"
        | "fulfillment.picked"
        | "fulfillment.quality_checked"
        | "fulfillment.quality_failed"
        | "fulfillment.packed";
    } & OfOrder)
  /** `collected` is null when the order was paid before. */
  | ({ readonly type: "fulfillment.delivered"; readonly collected: Money | null } & OfOrder)
  | ({ readonly type: "invoice.created" } & IssuedInvoice & OfOrder)
  | ({ readonly type: "credit_note.created" } & IssuedCreditNote & OfOrder)
  /** The carrier reports a delivery with another amount than the one due. Null: nothing. An operator has to act. */
  | ({
      readonly type: "fulfillment.amount_differs";
      readonly collected: Money | null;
      readonly expected: Money | null;
    } & OfOrder)
  /** The receiver does not take the parcel; it comes back. */
  | ({ readonly type: "fulfillment.returning"; readonly cause: ReturnCause } & OfOrder)
  | ({
      readonly type: "fulfillment.returned";
      readonly cause: ReturnCause;
      readonly goods: ReturnedGoods;
    } & OfOrder)
  /** These stay inside the order. */
  | ({ readonly type: "capture.requested" | "fulfillment.ready" | "fulfillment.shipping" } & OfOrder)
  | ({ readonly type: "fulfillment.shipped"; readonly trackingNumber: string } & OfOrder);
