/**
 * The gateway's books: what was authorized, captured, voided and refunded per order. Pure apart from its own state,
 * which is a fold over operations.
 * Owns: authorizations and their sums.  Does not own: idempotency keys, the file, the clock.
 * Invariants
 *   books.B1. 0 <= refunded <= captured <= amount, for every authorization, in integers of the minor unit.
 *   books.B2. A voided authorization has nothing captured that is not reversed, and never changes again.
 *   books.B3. All authorizations of an order are in one currency, so their amounts can be added.
 *   books.B4. Once an order was voided, with or without an authorization, no later one is accepted for it, except what
 *       a customer pays on a page although it is closed.
 *   books.B5. From its `expiresAt` on, the uncaptured part of an authorization is neither captured nor voided.
 * Proved by: test/unit/nodes/gateway-books.test.ts
 */
import { isPaymentMethod, isSettledAtOnce } from "../../machines/payment-methods.ts";
import type { AuthorizeRequest, Decision, Operation, SettleRequest } from "./operation.ts";
import type { Refusal } from "../simulators/refusal.ts";

/** One authorization and its sums in minor units. */
export type Authorization = {
  readonly id: string;
  readonly amount: number;
  readonly currency: string;
  /** Settled by its authorization: a debit card. Its void is a reversal of the settled sum. */
  readonly settledAtOnce: boolean;
  /** When it lapses, ms since the epoch; absent: never. */
  readonly expiresAt?: number;
  captured: number;
  refunded: number;
  voided: boolean;
};

type OrderBook = { closed: boolean; readonly authorizations: Map<string, Authorization> };

/** The lapsed part of one authorization, in minor units. `at`: ms since the epoch. */
export type Lapse = {
  readonly orderId: string;
  readonly authorization: string;
  readonly amount: number;
  readonly currency: string;
  readonly at: number;
};

const LAPSED = "authorization_expired";
const hasLapsed = ({ expiresAt }: Authorization, now: number): boolean =>
  expiresAt !== undefined && now >= expiresAt;

/** A method that only another shop has is captured later. */
const settlesAtOnce = (method: string): boolean => isPaymentMethod(method) && isSettledAtOnce(method);

const refusal = (refused: Refusal["refused"], code: string): Refusal => ({ refused, code });

/** All orders' authorizations. Decisions change nothing; `apply` does. */
export class Books {
  private readonly orders = new Map<string, OrderBook>();

  /** The present state of an authorization, for tests and pages; undefined when there is none. */
  authorization(orderId: string, id: string): Readonly<Authorization> | undefined {
    return this.orders.get(orderId)?.authorizations.get(id);
  }

  /** True once the shop has voided the order: the gateway accepts no money for it any more. */
  isClosed(orderId: string): boolean {
    return this.orders.get(orderId)?.closed === true;
  }

  /**
   * Authorizes. Accepts a second authorization of an order, as real gateways do, so that the ledger shows the mistake.
   * @param how.late also for a closed order: money that a customer sends on a page too late
   * @param how.expiresAt ms since the epoch; a debit card's authorization is settled and does not lapse
   */
  authorize(
    request: AuthorizeRequest,
    id: string,
    { late = false, expiresAt }: { readonly late?: boolean; readonly expiresAt?: number } = {},
  ): Decision {
    const { orderId, amount, currency } = request;
    const order = this.orders.get(orderId);
    if (order?.closed === true && !late) return this.decline(orderId, "order_voided");
    for (const earlier of order?.authorizations.values() ?? []) {
      if (earlier.currency !== currency) return this.decline(orderId, "currency_mismatch");
    }
    return {
      kind: "authorize",
      orderId,
      result: { status: "authorized", id },
      booked: { amount, currency },
      authorizations: [id],
      ...(settlesAtOnce(request.method) ? { settled: true } : expiresAt !== undefined && { expiresAt }),
    };
  }

  /** A declined authorization: nothing booked, but stored under its key. */
  decline(orderId: string, reason: string): Decision {
    return {
      kind: "authorize",
      orderId,
      result: { status: "declined", reason },
      booked: null,
      authorizations: [],
    };
  }

  /**
   * Captures authorized money; several partial captures add up to the authorized amount at most.
   * @param now ms since the epoch
   */
  capture(request: SettleRequest, now: number): Decision | Refusal {
    const found = this.find(request);
    if ("refused" in found) return found;
    if (found.voided) return refusal(409, "authorization_voided");
    const left = found.amount - found.captured;
    if (left === 0) return refusal(409, "already_captured");
    if (hasLapsed(found, now)) return refusal(409, LAPSED);
    const amount = request.amount ?? left;
    if (amount > left) return refusal(409, "amount_above_authorized");
    return {
      kind: "capture",
      orderId: request.orderId,
      result: { status: "captured" },
      booked: { amount, currency: found.currency },
      authorizations: [found.id],
    };
  }

  /** Refunds captured money; several partial refunds add up to the captured amount at most. */
  refund(request: SettleRequest): Decision | Refusal {
    const found = this.find(request);
    if ("refused" in found) return found;
    if (found.voided) return refusal(409, "authorization_voided");
    const left = found.captured - found.refunded;
    if (left === 0) return refusal(409, found.captured === 0 ? "not_captured" : "already_refunded");
    const amount = request.amount ?? left;
    if (amount > left) return refusal(409, "amount_above_captured");
    return {
      kind: "refund",
      orderId: request.orderId,
      result: { status: "refunded" },
      booked: { amount, currency: found.currency },
      authorizations: [found.id],
    };
  }

  /**
   * Voids every open authorization of the order, or the named one, and closes the order for later ones. A lapsed
   * authorization is not open: naming it is refused.
   * @param now ms since the epoch
   */
  void(request: SettleRequest, now: number): Decision | Refusal {
    const { orderId, authorization } = request;
    const all = [...(this.orders.get(orderId)?.authorizations.values() ?? [])];
    if (authorization !== null && !all.some((one) => one.id === authorization)) {
      return refusal(409, "unknown_authorization");
    }
    const meant = all.filter((one) => !one.voided && (authorization === null || one.id === authorization));
    const untaken = meant.filter((one) => (one.settledAtOnce ? one.refunded : one.captured) === 0);
    const open = untaken.filter((one) => !hasLapsed(one, now));
    const first = open[0];
    if (first === undefined) {
      // Captured money is returned by a refund; "nothing to void" would mislead the caller.
      if (meant.some((one) => one.captured > one.refunded)) return refusal(409, "already_captured");
      if (authorization !== null && untaken.length > 0) return refusal(409, LAPSED);
      return {
        kind: "void",
        orderId,
        result: { status: "nothing_to_void" },
        booked: null,
        authorizations: [],
      };
    }
    return {
      kind: "void",
      orderId,
      result: { status: "voided" },
      booked: { amount: open.reduce((sum, one) => sum + one.amount, 0), currency: first.currency },
      authorizations: open.map((one) => one.id),
    };
  }

  /** What has lapsed by `now` (ms since the epoch) without being captured or voided; of one order or of all. */
  lapsed(now: number, orderId?: string): Lapse[] {
    const found: Lapse[] = [];
    const orders = orderId === undefined ? this.orders : [[orderId, this.orders.get(orderId)] as const];
    for (const [id, order] of orders)
      for (const one of order?.authorizations.values() ?? []) {
        const amount = one.amount - one.captured;
        if (one.voided || amount === 0 || !hasLapsed(one, now)) continue;
        found.push({
          orderId: id,
          authorization: one.id,
          amount,
          currency: one.currency,
          at: one.expiresAt ?? 0,
        });
      }
    return found;
  }

  /** Applies an operation to the books. Only this method changes them. */
  apply(operation: Operation): void {
    let order = this.orders.get(operation.orderId);
    if (order === undefined) {
      order = { closed: false, authorizations: new Map() };
      this.orders.set(operation.orderId, order);
    }
    if (operation.kind === "void") order.closed = true;
    if (operation.booked === null) return;
    const { amount, currency } = operation.booked;
    for (const id of operation.authorizations) {
      if (operation.kind === "authorize") {
        order.authorizations.set(id, {
          id,
          amount,
          currency,
          settledAtOnce: operation.settled === true,
          ...(operation.expiresAt !== undefined && { expiresAt: operation.expiresAt }),
          captured: operation.settled === true ? amount : 0,
          refunded: 0,
          voided: false,
        });
        continue;
      }
      const one = order.authorizations.get(id);
      if (one === undefined) throw new Error(`the ledger names an unknown authorization ${id}`);
      if (operation.kind === "capture") one.captured += amount;
      if (operation.kind === "refund") one.refunded += amount;
      if (operation.kind === "void") {
        one.voided = true;
        one.refunded = one.captured;
      }
    }
  }

  private find(request: SettleRequest): Authorization | Refusal {
    if (request.authorization === null) return refusal(409, "no_authorization");
    const one = this.orders.get(request.orderId)?.authorizations.get(request.authorization);
    if (one === undefined) return refusal(409, "unknown_authorization");
    if (request.currency !== undefined && request.currency !== one.currency) {
      return refusal(422, "currency_mismatch");
    }
    return one;
  }
}
