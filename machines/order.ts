/**
 * An order, from reservation to completion: decides the order's status and emits its public events.
 *
 * Payment and fulfillment are separate machines; the three communicate only through emitted events. The order machine
 * never ends the hold on the stock: it emits `order.closed`, and fulfillment, which owns the hold's end, releases it.
 */
import { assign, emit, setup } from "xstate";
import { effect, failureOf } from "./effect.ts";
import type { OfPricedOrder, OrderEmitted, OrderEvent } from "./order-events.ts";
import { orderTexts } from "./order-texts.ts";
import { isHosted, paysOnDelivery } from "./payment-methods.ts";
import { sameMoney } from "./money.ts";
import { mayReserveAgain, retryDelayMs } from "./retry.ts";
import type { StateMeta } from "./state-meta.ts";
import type {
  EffectFailure,
  Money,
  OrderInput,
  PaymentMethod,
  Rejection,
  ReserveInput,
  ReserveOutput,
  ReturnCause,
  ReturnedGoods,
} from "./types.ts";

type Reserved = Extract<ReserveOutput, { outcome: "reserved" }>;

/** What the order machine remembers. It never holds the token. */
export type OrderContext = {
  readonly orderId: string;
  readonly method: PaymentMethod;
  /** Null until the stock is reserved. */
  readonly total: Money | null;
  /** The total that the customer agreed to; absent: any. */
  readonly expectedTotal?: Money;
  /** Why the stock was not reserved; absent unless rejected. */
  readonly rejection?: Rejection;
  /** Why the payment was refused, or the order cancelled or returned; absent otherwise. */
  readonly reason?: string;
  /** Reservations in a row that failed; absent without one. */
  readonly tries?: number;
  /** The caller may not wait for the outcome of the reservation; absent when it waits. */
  readonly unattended?: true;
};

/** What each event of a reserved order says. @throws before the reservation: programmer fault */
function ofOrder({ orderId, total }: OrderContext): OfPricedOrder {
  if (total === null) throw new Error(`order ${orderId} has no reservation yet`);
  return { orderId, total };
}

/** What an event of a rejected order says. */
function rejectionOf({ orderId, rejection }: OrderContext): { orderId: string; rejection: Rejection } {
  return { orderId, rejection: rejection ?? { outcome: "unavailable" } };
}

const orderRules = setup({
  types: {
    context: {} as OrderContext,
    events: {} as OrderEvent,
    emitted: {} as OrderEmitted,
    input: {} as OrderInput,
    meta: {} as StateMeta,
  },
  actors: { reserveInventory: effect<ReserveOutput, ReserveInput>() },
  guards: {
    mayReserveAgain: ({ context }, failure: EffectFailure) =>
      failure.kind !== "refused" && mayReserveAgain((context.tries ?? 0) + 1),
    /** No answer may have carried the rejection: the caller did not wait, or the reservation took several tries. */
    mayBeUnanswered: ({ context }) => context.unattended === true || (context.tries ?? 0) > 0,
    isReserved: (_, output: ReserveOutput) => output.outcome === "reserved",
    isReservedAsAgreed: ({ context }, output: ReserveOutput) =>
      output.outcome === "reserved" &&
      (context.expectedTotal === undefined || sameMoney(output.total, context.expectedTotal)),
    paysOnDelivery: ({ context }) => paysOnDelivery(context.method),
    isHosted: ({ context }) => isHosted(context.method),
    isPrepaid: ({ context }) => !paysOnDelivery(context.method),
  },
  delays: { retryDelay: ({ context }) => retryDelayMs(context.tries ?? 0) },
  actions: {
    countFailure: assign(({ context }) => ({ tries: (context.tries ?? 0) + 1 })),
    keepReservation: assign((_, output: ReserveOutput) =>
      output.outcome === "reserved" ? { total: output.total } : {},
    ),
    emitPriced: emit((_, { lines, total }: Reserved) => ({ type: "order.priced", lines, total })),
    keepRejection: assign((_, output: ReserveOutput) =>
      output.outcome === "reserved" ? {} : { rejection: output },
    ),
    keepPriceChange: assign((_, output: ReserveOutput) =>
      output.outcome === "reserved"
        ? { rejection: { outcome: "price_changed" as const, lines: output.lines, total: output.total } }
        : {},
    ),
    keepInventoryUnavailable: assign({ rejection: { outcome: "unavailable" } }),
    keepReason: assign((_, reason: string) => ({ reason })),
    emitCreated: emit(({ context }) => ({ type: "order.created", ...ofOrder(context) })),
    emitRejected: emit(({ context }) => ({ type: "order.rejected", ...rejectionOf(context) })),
    emitUnanswered: emit(({ context }) => ({ type: "order.rejected_unanswered", ...rejectionOf(context) })),
    emitPaymentFailed: emit(({ context }) => ({
      type: "order.payment_failed",
      ...ofOrder(context),
      reason: context.reason ?? "",
    })),
    emitPaymentExpired: emit(({ context }) => ({
      type: "order.payment_expired",
      ...ofOrder(context),
      reason: context.reason ?? "",
    })),
    emitConfirmed: emit(({ context }) => ({ type: "order.confirmed", ...ofOrder(context) })),
    emitReady: emit(({ context }) => ({ type: "order.ready", ...ofOrder(context) })),
    emitShipped: emit(({ context }, trackingNumber: string) => ({
      type: "order.shipped",
      ...ofOrder(context),
      trackingNumber,
    })),
    emitReturning: emit(({ context }, { cause }: { readonly cause: ReturnCause }) => ({
      type: "order.returning",
      ...ofOrder(context),
      cause,
    })),
    emitReturned: emit(
      ({ context }, { cause, goods }: { readonly cause: ReturnCause; readonly goods: ReturnedGoods }) => ({
        type: "order.returned",
        ...ofOrder(context),
        cause,
        goods,
      }),
    ),
    emitCompleted: emit(({ context }) => ({
      type: "order.completed",
      ...ofOrder(context),
    })),
    emitCancelled: emit(({ context }) => ({
      type: "order.cancelled",
      ...ofOrder(context),
      reason: context.reason ?? "",
    })),
    emitClosed: emit(({ context }, closed: { held: boolean }) => ({
      type: "order.closed",
      orderId: context.orderId,
      held: closed.held,
    })),
  },
});

type On = NonNullable<Parameters<typeof orderRules.createStateConfig>[0]["on"]>;

/** What ends the wait for the money. */
const untilPaid = orderRules.createStateConfig({
  on: {
    "payment.authorized": { target: "#order.confirmed" },
    "payment.failed": {
      actions: { type: "keepReason", params: ({ event }) => event.reason },
      target: "#order.payment_failed",
    },
    "payment.expired": {
      actions: { type: "keepReason", params: ({ event }) => event.reason },
      target: "#order.payment_expired",
    },
    cancel: {
      actions: { type: "keepReason", params: ({ event }) => event.reason },
      target: "#order.cancelled",
    },
  },
});

/** The customer has nothing of the order: its goods are back or lost, its money goes back. */
const cameBack = {
  actions: [
    { type: "keepReason", params: ({ event }) => event.cause },
    { type: "emitReturned", params: ({ event }) => event },
  ],
  target: "#order.returned",
} as const satisfies On["fulfillment.returned"];

/** Starts with the order's input (`OrderInput` in types.ts), as every machine of an order does. */
export const orderMachine = orderRules.createMachine({
  id: "order",
  context: ({ input }) => ({
    orderId: input.orderId,
    method: input.payment.method,
    total: null,
    ...(input.unattended === true && { unattended: true as const }),
    ...(input.expectedTotal ? { expectedTotal: input.expectedTotal } : {}),
  }),
  initial: "reserving",
  states: {
    // Takes no `cancel`: an order exists for its customer only once its lines are reserved and priced.
    reserving: {
      meta: orderTexts.reserving,
      invoke: {
        id: "reserveInventory",
        src: "reserveInventory",
        input: ({ context }) => ({ orderId: context.orderId }),
        onDone: [
          {
            guard: { type: "isReservedAsAgreed", params: ({ event }) => event.output },
            actions: [
              { type: "keepReservation", params: ({ event }) => event.output },
              { type: "emitPriced", params: ({ event }) => event.output as Reserved },
            ],
            target: "created",
          },
          // The price changed after the request was compared with the catalogue: fulfillment releases the stock.
          {
            guard: { type: "isReserved", params: ({ event }) => event.output },
            actions: [
              { type: "keepPriceChange", params: ({ event }) => event.output },
              { type: "emitClosed", params: { held: true } },
            ],
            target: "turned_down",
          },
          {
            actions: [
              { type: "keepRejection", params: ({ event }) => event.output },
              { type: "emitClosed", params: { held: false } },
            ],
            target: "turned_down",
          },
        ],
        onError: [
          {
            guard: { type: "mayReserveAgain", params: ({ event }) => failureOf(event.error) },
            actions: "countFailure",
            target: "awaiting_inventory",
          },
          // The inventory may have reserved although no answer arrived: fulfillment closes the hold permanently.
          {
            actions: ["keepInventoryUnavailable", { type: "emitClosed", params: { held: true } }],
            target: "turned_down",
          },
        ],
      },
    },
    // The API still shows `reserving`. A repeated reservation finds the result of the first.
    awaiting_inventory: {
      meta: orderTexts.awaiting_inventory,
      after: { retryDelay: { target: "reserving" } },
    },
    turned_down: {
      meta: orderTexts.turned_down,
      entry: "emitRejected",
      always: [
        { guard: "mayBeUnanswered", actions: "emitUnanswered", target: "rejected" },
        { target: "rejected" },
      ],
    },
    rejected: { meta: orderTexts.rejected, type: "final" },

    created: {
      meta: orderTexts.created,
      entry: "emitCreated",
      always: [
        { guard: "paysOnDelivery", target: "confirmed" },
        { guard: "isHosted", target: "awaiting_payment" },
        { target: "authorizing" },
      ],
    },
    authorizing: { ...untilPaid, meta: orderTexts.authorizing },
    // The customer pays on the gateway's page.
    awaiting_payment: { ...untilPaid, meta: orderTexts.awaiting_payment },
    payment_failed: {
      meta: orderTexts.payment_failed,
      type: "final",
      entry: ["emitPaymentFailed", { type: "emitClosed", params: { held: true } }],
    },
    payment_expired: {
      meta: orderTexts.payment_expired,
      type: "final",
      entry: ["emitPaymentExpired", { type: "emitClosed", params: { held: true } }],
    },

    confirmed: {
      meta: orderTexts.confirmed,
      entry: "emitConfirmed",
      on: {
        "fulfillment.ready": { target: "ready" },
        cancel: {
          actions: { type: "keepReason", params: ({ event }) => event.reason },
          target: "cancelled",
        },
      },
    },
    ready: {
      meta: orderTexts.ready,
      entry: "emitReady",
      on: {
        "fulfillment.shipping": { target: "shipping" },
        cancel: {
          actions: { type: "keepReason", params: ({ event }) => event.reason },
          target: "cancelled",
        },
      },
    },
    // The API still shows `ready`, but the order takes no `cancel`: the goods are being handed to the carrier.
    shipping: {
      meta: orderTexts.shipping,
      on: {
        "fulfillment.shipped": {
          target: "shipped",
          actions: { type: "emitShipped", params: ({ event }) => event.trackingNumber },
        },
      },
    },
    shipped: {
      meta: orderTexts.shipped,
      on: {
        "fulfillment.delivered": { target: "delivered" },
        "fulfillment.returning": {
          actions: { type: "emitReturning", params: ({ event }) => event },
          target: "returning",
        },
        "fulfillment.returned": cameBack,
      },
    },
    // The parcel comes back; it may still be delivered.
    returning: {
      meta: orderTexts.returning,
      on: { "fulfillment.delivered": { target: "delivered" }, "fulfillment.returned": cameBack },
    },
    delivered: {
      meta: orderTexts.delivered,
      always: { guard: "isPrepaid", target: "completed" },
      on: { "payment.collected": { target: "completed" } },
    },
    completed: { meta: orderTexts.completed, type: "final", entry: "emitCompleted" },
    returned: { meta: orderTexts.returned, type: "final" },
    cancelled: {
      meta: orderTexts.cancelled,
      type: "final",
      entry: ["emitCancelled", { type: "emitClosed", params: { held: true } }],
    },
  },
});
