/** What requests about orders would do, as HTTP sees it. Outcomes are values. */
import type {
  AnnotationChanges,
  CommandHow,
  CommandResult,
  GuardVerdict,
  HistoryTransition,
  OrderCommand,
  OrderView,
  PlaceOrder,
  PlaceResult,
} from "../orders/contract.ts";
import type { UnparkResult } from "../parked/contract.ts";
import type { UnavailableResult } from "../unavailable.ts";

/** An order without what concerns its customer. */
export type OrderOutline = Omit<OrderView, "billingAddress" | "customer" | "erased" | "shippingAddress">;

/** What a request would do. */
export type PredictedOrder = {
  readonly status: "predicted";
  /** Why it would be refused; absent when it would be accepted. The answer would be this one. */
  readonly refusal?:
    | Exclude<CommandResult, { readonly status: "done" | "not_found" | UnavailableResult["status"] }>
    | Exclude<PlaceResult, { readonly status: "placed" | "pending" | UnavailableResult["status"] }>
    | Extract<UnparkResult, { readonly status: "still_parked" }>
    | Extract<UnavailableResult, { readonly status: "refused" }>;
  /** Null for an order that does not exist. */
  readonly before: OrderOutline | null;
  /** The same as `before` when nothing would change. */
  readonly after: OrderOutline | null;
  /** The steps of the machines, in order. */
  readonly machines: readonly HistoryTransition[];
  /** Types of the public events, in order. */
  readonly events: readonly string[];
  /** Calls that would be made. Personal data and secrets of the inputs are masked. */
  readonly effects: readonly { readonly name: string; readonly key: string; readonly input: unknown }[];
  /** `dueAt`: RFC 3339, UTC. */
  readonly timers: readonly { readonly name: string; readonly dueAt: string }[];
  /** The conditions that were checked, in order. */
  readonly guards: readonly GuardVerdict[];
  /** `stored`: no owner answered, so it is predicted from what is stored. `version`: of the order; 0 for a new one. */
  readonly basedOn: { readonly version: number; readonly source: "owner" | "stored" };
};

/** What requests would do. Nothing is written, called or held, and no version is used up. */
export interface OrderPredictions {
  /** @param how as for `Orders.place` */
  place(
    order: PlaceOrder,
    how: { readonly idempotencyKey?: string; readonly caller: string; readonly waitMs: number },
  ): Promise<PredictedOrder | UnavailableResult>;
  /** @param how as for `Orders.command` */
  command(
    id: string,
    command: OrderCommand,
    how?: Pick<CommandHow, "ifVersions" | "key" | "reason">,
  ): Promise<PredictedOrder | { readonly status: "not_found" } | UnavailableResult>;
  /** @param how as for `Orders.annotate` */
  annotate(
    id: string,
    changes: AnnotationChanges,
    how?: Pick<CommandHow, "ifVersions" | "key" | "reason">,
  ): Promise<PredictedOrder | { readonly status: "not_found" } | UnavailableResult>;
  /**
   * What resuming a parked order would do. Where the outcome of a call has parked it, the call would be made again:
   * `effects` lists the open ones, and nothing is said of what follows.
   */
  resume(
    id: string,
    how?: Pick<CommandHow, "ifVersions">,
  ): Promise<PredictedOrder | { readonly status: "not_found" } | UnavailableResult>;
}
