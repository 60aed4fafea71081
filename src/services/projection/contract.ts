/** Lists of orders as HTTP sees them. Outcomes are values; only programmer faults throw. */
import type { Money, OrderCommand, OrderStatus, PaymentMethod } from "../orders/contract.ts";
import type { UnavailableResult } from "../unavailable.ts";

/** All values of `payment.status`. */
export const paymentStatuses = [
  "none",
  "authorizing",
  "authorized",
  "failed",
  "expired",
  "pending",
  "captured",
  "capture_failed",
  "collected",
  "voided",
  "refunded",
] as const;

/** All values of `fulfillment.status`. */
export const fulfillmentStatuses = [
  "none",
  "stored",
  "picked",
  "quality_checked",
  "packed",
  "ready",
  "shipped",
  "delivered",
  "returning",
  "returned",
  "cancelled",
] as const;

/** What an order can wait for, as a filter names it. */
export const waits = ["person", "customer", "effect", "timer"] as const;

/** One of {@link waits}. */
export type Wait = (typeof waits)[number];

/** The orders of a list. `createdAt` is the stable one: pages of it hold every order once while orders come in. */
export const sorts = ["-createdAt", "createdAt", "-updatedAt", "updatedAt", "-total", "total"] as const;

/** One of {@link sorts}. A minus: the greatest first. */
export type Sort = (typeof sorts)[number];

/** What orders are counted by. `state`: every state of every machine, parents included. Days and hours are in UTC. */
export const countKeys = ["status", "payment", "fulfillment", "state", "method", "day", "hour"] as const;

/** One of {@link countKeys}. */
export type CountKey = (typeof countKeys)[number];

/** Which orders: those that fit every filter that is there. Of a list, one of its values has to fit. */
export type OrderFilter = {
  readonly status?: readonly OrderStatus[];
  /** `payment.status` and `fulfillment.status`. */
  readonly payment?: readonly string[];
  readonly fulfillment?: readonly string[];
  readonly method?: readonly PaymentMethod[];
  /** `<machine>:<path of a state>`: the machine is in this state, or in one inside it. */
  readonly in?: readonly string[];
  readonly waitsFor?: readonly Wait[];
  readonly parked?: boolean;
  /** Takes this command in its state, or, for `resume`, is parked. No filter of the API. */
  readonly can?: OrderCommand["type"] | "resume";
  readonly customerId?: string;
  /** Id of the caller that placed it. No filter of the API. */
  readonly placedBy?: string;
  readonly sku?: readonly string[];
  readonly trackingNumber?: string;
  readonly invoiceNumber?: string;
  readonly externalReference?: string;
  /** Words, each of which is found, or begins a word that is found. */
  readonly q?: string;
  /** ms since the epoch. An order fits `after` from that moment on, and `before` until that moment. */
  readonly createdAfter?: number;
  readonly createdBefore?: number;
  readonly updatedAfter?: number;
  readonly updatedBefore?: number;
  /** Minor units of whatever currency; orders without a total fit neither. */
  readonly minTotal?: number;
  readonly maxTotal?: number;
  /** Not final, and without a change for this long, ms. */
  readonly stuckFor?: number;
  readonly partition?: readonly number[];
  /** Orders whose partitions these nodes own now. */
  readonly node?: readonly string[];
};

/** One order of a list. Times are RFC 3339, UTC. */
export type OrderSummary = {
  readonly id: string;
  readonly version: number;
  /** Position of its newest record in its stream. */
  readonly sequence: number;
  readonly status: OrderStatus;
  readonly customer: { readonly id: string };
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
  readonly total: Money | null;
  readonly payment: { readonly method: PaymentMethod; readonly status: string };
  readonly fulfillment: { readonly status: string; readonly trackingNumber: string | null };
  readonly invoice: { readonly number: string } | null;
  /** The client's own name of the order; absent: none. */
  readonly externalReference?: string;
  /** What it waits for; empty: for nothing, or only for other machines of the order. */
  readonly waitsFor: readonly Wait[];
  readonly parked: boolean;
  readonly partition: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

/**
 * How far the answer reaches. `sequence`: of the order stream; with several streams a text that `minSequence` takes.
 * `at`: when the server stored the newest message that it knows. `behindMs`: how much older that is than the end of the
 * stream; 0: it knows all of it.
 */
export type AsOf = { readonly sequence: number | string; readonly at: string; readonly behindMs: number };

/** A position that the answer has to know: a sequence of a stream. */
export type Known = { readonly stream: number; readonly sequence: number };

/** How a list is asked for. */
export type ListQuery = {
  readonly filter: OrderFilter;
  readonly sort: Sort;
  /** 1 or more. */
  readonly limit: number;
  /** As an answer before had it. */
  readonly cursor?: string;
  readonly minSequence?: readonly Known[];
};

/** How counts are asked for. */
export type CountQuery = Pick<ListQuery, "filter" | "minSequence"> & { readonly by: CountKey };

/** Why there is no answer. */
export type NoAnswer =
  /** It does not reach `minSequence` within its time, or it is built anew. `progress`: 0 to 1, while it is built. */
  | { readonly status: "behind"; readonly retryAfterMs: number; readonly progress?: number }
  /** No present node has a projection. */
  | { readonly status: "projection_off" }
  /** `field`: the filter or `cursor`. */
  | { readonly status: "invalid"; readonly field: string; readonly reason: string }
  | UnavailableResult;

/** A page. `exact` is false: there are at least `value`. A cursor is null where nothing is on that side. */
export type OrderPage = {
  readonly status: "found";
  readonly items: readonly OrderSummary[];
  readonly nextCursor: string | null;
  readonly previousCursor: string | null;
  readonly total: { readonly value: number; readonly exact: boolean };
  readonly asOf: AsOf;
};

/** Counts that are not 0, by key. */
export type OrderCounts = {
  readonly status: "counted";
  readonly counts: readonly { readonly key: string; readonly value: number }[];
  readonly asOf: AsOf;
};

/** The projection of one node. */
export type ProjectionState = {
  /** `off`: it is switched off. `starting`: its thread does not answer yet. `building`: it has not reached the end. */
  readonly status: "off" | "starting" | "building" | "following" | "failing";
  /** 0 to 1 while it is built; then 1. */
  readonly progress: number;
  readonly orders: number;
  /** By stream: the newest sequence that it knows, and the end of the stream. */
  readonly streams: readonly { readonly stream: number; readonly sequence: number; readonly end: number }[];
  readonly behindMs: number;
  /** How often it was begun anew since the start of its thread, on request or because its file could not be used. */
  readonly builds: number;
  /** Messages folded since the start of its thread. */
  readonly folded: number;
  /** Records and facts that it could not read, and passed over. */
  readonly unreadable: number;
  /** Why it fails, in words for operators. */
  readonly reason?: string;
};

/** Finds orders. A node without a projection asks one that has it. */
export interface OrderList {
  list(query: ListQuery): Promise<OrderPage | NoAnswer>;
  counts(query: CountQuery): Promise<OrderCounts | NoAnswer>;
  /** Of this node. */
  projection(): ProjectionState;
  /** Builds the projection of this node anew. False: it is switched off. */
  rebuild(): Promise<boolean>;
}
