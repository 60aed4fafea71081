/** The order service as HTTP sees it. Outcomes are values; only programmer faults throw. */

import type { AnnotationChanges } from "../../../machines/order-facts.ts";
import type { FulfillmentCommand } from "../../../machines/fulfillment-events.ts";
import type {
  Address,
  BillingAddress,
  Customer,
  IssuedInvoice,
  Missing,
  Money,
  OrderInput,
  PaymentMethod,
  ReturnCause,
  ReturnedGoods,
  ShippingAddress,
} from "../../../machines/types.ts";
import type { AddressFault } from "../addresses/address-faults.ts";
import type { GuardVerdict } from "../../runtime/actor/guards.ts";
import type { Asked, Requester } from "../../runtime/actor/input.ts";
import type { Sequenced, UnavailableResult } from "../unavailable.ts";

export { isPaymentMethod, isHosted, needsToken, paymentMethods } from "../../../machines/payment-methods.ts";
export type { AnnotationChanges } from "../../../machines/order-facts.ts";
export type { Money, PaymentMethod } from "../../../machines/types.ts";
export type { GuardVerdict } from "../../runtime/actor/guards.ts";
export type { Asked, Requester } from "../../runtime/actor/input.ts";

/** An address as a client gives it: without a postal code where its country has none. */
export type Given<A extends Address> = Omit<A, "postalCode"> & { readonly postalCode?: string };

/** A new order, as a client asks for it. */
export type PlaceOrder = Pick<OrderInput, "lines" | "expectedTotal" | "payment"> & {
  /** `taxId`: of a business, for its invoices. */
  readonly customer: Customer & { readonly taxId?: string };
  readonly shippingAddress: Given<ShippingAddress>;
  /** The shipping address when absent. */
  readonly billingAddress?: Given<BillingAddress>;
  /** The client's own name of the order; no other order has it. */
  readonly externalReference?: string;
};

/** All statuses of an order, in the order of its life. Derived from the state of its machine `order`. */
export const orderStatuses = [
  "reserving",
  "rejected",
  "created",
  "authorizing",
  "awaiting_payment",
  "payment_failed",
  "payment_expired",
  "confirmed",
  "ready",
  "shipped",
  "delivered",
  "completed",
  "returning",
  "returned",
  "cancelled",
] as const;

/** One of {@link orderStatuses}. */
export type OrderStatus = (typeof orderStatuses)[number];

/** The order as the API shows it. Times are RFC 3339, UTC. */
export type OrderView = {
  readonly id: string;
  readonly version: number;
  readonly status: OrderStatus;
  readonly customer: PlaceOrder["customer"];
  /** `unitPrice` is null until the reservation has priced the line. */
  readonly lines: readonly {
    /** The line's own for the order's life: `l1`, `l2` ... */
    readonly id: string;
    readonly sku: string;
    /** Pieces ordered. */
    readonly quantity: number;
    readonly unitPrice: Money | null;
    /** Of the pieces: those that will not be shipped, those that were, and those that came back or were lost. */
    readonly cancelled: number;
    readonly shipped: number;
    readonly returned: number;
  }[];
  readonly total: Money | null;
  /** `reason`: why it failed or expired, or why the capture failed; null otherwise. */
  readonly payment: {
    readonly method: PaymentMethod;
    readonly status: string;
    readonly reason: string | null;
    readonly url: string | null;
  };
  readonly fulfillment: {
    readonly status: string;
    readonly trackingNumber: string | null;
    /** The carrier collected another amount than the one due. `reason`: why an operator accepted it, else null. */
    readonly dispute?: {
      readonly collected: Money | null;
      readonly expected: Money | null;
      readonly reason: string | null;
    };
    /** The parcel does not stay with its receiver. `goods` is null until they are back or written off. */
    readonly return?: { readonly cause: ReturnCause; readonly goods: ReturnedGoods | null };
  };
  /** `creditNote`: what cancels it; absent while there is none. */
  readonly invoice:
    | (IssuedInvoice & {
        readonly url: string;
        readonly creditNote?: IssuedInvoice & { readonly url: string };
      })
    | null;
  readonly shippingAddress: PlaceOrder["shippingAddress"];
  /** Absent: the shipping address. */
  readonly billingAddress?: NonNullable<PlaceOrder["billingAddress"]>;
  /** The customer's data was erased: `erased` is in place of name, e-mail and address. */
  readonly erased?: true;
  /** Why the order was rejected, refused, cancelled or returned; null otherwise. */
  readonly reason: string | null;
  /** Absent: none. */
  readonly tags?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly externalReference?: string;
  readonly note?: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly nextEvents: readonly string[];
};

/**
 * The order's total is not the expected one: what it would be, by line. `orderId`: of the order that was rejected,
 * because the price changed while it was placed; without it, nothing is written.
 */
export type PriceChanged = {
  readonly status: "price_changed";
  readonly total: Money;
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly unitPrice: Money }[];
  readonly orderId?: string;
};

/** Another order has the external reference, or is being placed with it. Nothing is written. */
export type ReferenceTaken = { readonly status: "reference_taken"; readonly orderId: string };

/** The outcome of a new order, or of the repetition of one. */
export type PlaceResult =
  /** Confirmed, or waiting for the customer on the hosted payment page. */
  | { readonly status: "placed"; readonly order: OrderView }
  /** Not settled within the wait. */
  | { readonly status: "pending"; readonly order: OrderView }
  | { readonly status: "out_of_stock"; readonly orderId: string; readonly missing: readonly Missing[] }
  /** Addresses that their countries do not have; pointers into the order. Nothing is written. */
  | { readonly status: "invalid_address"; readonly faults: readonly AddressFault[] }
  /** `index`: position in `lines`. `sku_not_for_sale`: in the catalogue, and off sale. */
  | {
      readonly status: "unknown_sku" | "sku_not_for_sale";
      readonly skus: readonly { sku: string; index: number }[];
    }
  /** No new orders are taken now. Nothing is written. */
  | { readonly status: "maintenance"; readonly reason: string | null }
  | { readonly status: "mixed_currency"; readonly currencies: readonly string[] }
  | PriceChanged
  | ReferenceTaken
  | { readonly status: "payment_failed"; readonly orderId: string; readonly reason: string }
  | { readonly status: "payment_expired"; readonly orderId: string; readonly reason: string }
  | { readonly status: "idempotency_key_reused"; readonly orderId: string }
  | UnavailableResult;

/** The outcome of a command to an existing order. */
export type CommandResult =
  | { readonly status: "done"; readonly order: OrderView }
  | {
      readonly status: "illegal_transition";
      readonly state: OrderStatus;
      readonly allowedEvents: readonly string[];
      /** The conditions that were checked, in order; empty where the state has no transition for the command. */
      readonly guards: readonly GuardVerdict[];
    }
  | { readonly status: "amount_mismatch"; readonly expected: Money }
  | ReferenceTaken
  /** The order's version is not the one that the caller names. Nothing was done. */
  | { readonly status: "version_changed"; readonly version: number }
  /** The key came with another command before. Nothing was done. */
  | { readonly status: "idempotency_key_reused"; readonly orderId: string }
  | { readonly status: "not_found" }
  | UnavailableResult;

/** Commands to an existing order. `nextEvents` and `allowedEvents` use these names. */
export type OrderCommand =
  | { readonly type: "cancel"; readonly reason: string }
  | FulfillmentCommand
  /** From an operator: retries at once what failed and waits for its next try. */
  | { readonly type: "retry" };

/**
 * Who caused a commit. `kind`: `anonymous`, or what an authenticated caller is; `system` for timers and calls,
 * `provider` for webhooks, `worker` for results of workers, `operator` for a skipped input. `id`: of the caller, or the
 * name of the sender or worker; null when it has none.
 */
export type HistoryActor = { readonly kind: string; readonly id: string | null };

/** One step of one machine. `event`, `edge`: absent in records of version 0.1.0. */
export type HistoryTransition = {
  readonly machine: string;
  readonly from: unknown;
  /** The same as `from` when the machine only remembered or emitted something. */
  readonly to: unknown;
  /** The event that it took. */
  readonly event?: string;
  /** The transition that took the event: an id of `edgesOf`. Absent for a step without one, such as a start. */
  readonly edge?: string;
  /** All transitions of the step, in order: those after the first followed by themselves. */
  readonly edges: readonly string[];
};

/** One commit of an order as the API shows it. */
export type HistoryItem = {
  readonly version: number;
  readonly sequence: number;
  readonly at: string;
  readonly input: string;
  readonly actor: HistoryActor;
  /** Why, in the words of the one who asked; absent when it was not stated. */
  readonly reason?: string;
  /** Of a call's outcome: how long the call took, ms; absent when another node began it. */
  readonly durationMs?: number;
  readonly transitions: readonly HistoryTransition[];
  /** What the machines of the order emitted to each other, in order; empty in records of version 0.1.0. */
  readonly sent: readonly { readonly from: string; readonly to: string; readonly type: string }[];
  readonly events: readonly string[];
  readonly effects: { readonly opened: readonly string[]; readonly closed: readonly string[] };
  readonly timers: { readonly armed: readonly string[]; readonly cancelled: readonly string[] };
  readonly node: string;
  readonly epoch: number;
};

/** One message of an outside system, or of a worker, about an order. */
export type OrderMessage = {
  /** Of the message, as its sender named it. */
  readonly id: string;
  /** Position in the journal. */
  readonly sequence: number;
  readonly at: string;
  /** The machine that it is for. */
  readonly machine: string;
  readonly type: string;
  /** What it says besides its type. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The version that it led to; null when it changed nothing, or has not been evaluated yet. */
  readonly version: number | null;
};

/** How a command is sent. */
export type CommandHow = Asked & {
  /** The order's version must be one of these; absent: any. */
  readonly ifVersions?: readonly number[];
  /** With `caller`: the same key and command again do nothing twice, as long as the order lives. */
  readonly key?: { readonly caller: string; readonly idempotencyKey: string };
};

/** Places orders, reads them and passes commands to them. */
export interface Orders {
  /**
   * Places an order and waits until it settles.
   * @param options.idempotencyKey with `caller` it decides the order's id, so a repeat finds the same order.
   * @param options.waitMs how long to wait for the order to settle; 0 answers after the first commit.
   * @param options.by recorded with the order's first commit.
   */
  place(
    order: PlaceOrder,
    options: {
      readonly idempotencyKey?: string;
      readonly caller: string;
      readonly waitMs: number;
      readonly by?: Requester;
    },
  ): Promise<Sequenced<PlaceResult>>;
  /** The order's acknowledged state. */
  get(
    id: string,
  ): Promise<
    | { readonly status: "found"; readonly order: OrderView }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
  /**
   * Passes one command to the order. Without a key the order's state alone decides whether a repetition is legal.
   * @param how recorded with the commit; without a reason there, the command's own is
   */
  command(id: string, command: OrderCommand, how?: CommandHow): Promise<Sequenced<CommandResult>>;
  /** Changes what people and other systems have added to the order. No machine of the order moves. */
  annotate(id: string, changes: AnnotationChanges, how?: CommandHow): Promise<Sequenced<CommandResult>>;
  /**
   * The latest messages about the order, at most 200, oldest first; those that changed nothing are among them.
   * `not_found` for an id without records.
   */
  messages(
    id: string,
  ): Promise<
    | { readonly status: "found"; readonly items: readonly OrderMessage[] }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
  /**
   * Oldest first; `not_found` for an id without records.
   * @param page.after only commits after this version
   * @returns `nextAfter`: the version after which the next page begins; null when this is the last one
   */
  history(
    id: string,
    page?: { readonly after: number; readonly limit: number },
  ): Promise<
    | {
        readonly status: "found";
        readonly items: readonly HistoryItem[];
        readonly nextAfter: number | null;
      }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
}
