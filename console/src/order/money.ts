/**
 * An order's money beside the gateway's books. The sums that a payment's state implies are those of
 * `orderly reconcile`. Pure.
 * Proved by: test/unit/console/money.test.ts
 */
import type { PaymentMethod } from "../api/types.ts";

/** One booking of the gateway. Amounts in minor units. */
export type LedgerEntry = {
  readonly idempotencyKey: string;
  readonly orderId: string;
  readonly kind: "authorize" | "capture" | "void" | "refund" | "lapse";
  readonly amount: number;
  readonly currency: string;
  readonly at: string;
};

/** Sums of one order, minor units. Voided and lapsed authorizations do not count. */
export type Sums = { readonly authorized: number; readonly settled: number; readonly refunded: number };

/** Methods whose authorization settles the amount: the books have no separate line for that. */
const settledAtOnce: ReadonlySet<PaymentMethod> = new Set(["debit_card"]);

/** The gateway's sums. */
export function sumsOf(entries: readonly LedgerEntry[], method: PaymentMethod): Sums {
  const sum = (kind: LedgerEntry["kind"]): number =>
    entries.filter((one) => one.kind === kind).reduce((total, { amount }) => total + amount, 0);
  const authorized = sum("authorize") - sum("void") - sum("lapse");
  return {
    authorized,
    settled: settledAtOnce.has(method) ? authorized : sum("capture"),
    refunded: sum("refund"),
  };
}

/** The sums that a state of the payment implies; undefined while money is moving. @param state outermost */
export function impliedSums(state: string, method: PaymentMethod, total: number): Sums | undefined {
  const none = { authorized: 0, settled: 0, refunded: 0 };
  switch (state) {
    case "idle":
    case "unused":
    case "free":
    case "due":
    case "collected":
    case "failed":
    case "voided":
    case "lapsed":
    case "capture_lapsed":
      return none;
    case "authorized":
      return { ...none, authorized: total, settled: settledAtOnce.has(method) ? total : 0 };
    case "capture_failed":
      return { ...none, authorized: total };
    case "captured":
      return { ...none, authorized: total, settled: total };
    case "refunded":
      return { authorized: total, settled: total, refunded: total };
    default:
      return undefined;
  }
}

/** One line of the money: the order's sum, the gateway's, and whether they agree. */
export type LaneRow = {
  readonly name: "authorized" | "captured" | "refunded";
  /** Undefined while money is moving. */
  readonly ours: number | undefined;
  /** Undefined when the gateway's books cannot be read. */
  readonly gateway: number | undefined;
  readonly verdict: "agrees" | "differs" | "unknown";
};

/** The three lines. */
export function laneOf(ours: Sums | undefined, gateway: Sums | undefined): readonly LaneRow[] {
  return (
    [
      ["authorized", "authorized"],
      ["captured", "settled"],
      ["refunded", "refunded"],
    ] as const
  ).map(([name, part]) => {
    const [here, there] = [ours?.[part], gateway?.[part]];
    const isKnown = here !== undefined && there !== undefined;
    return {
      name,
      ours: here,
      gateway: there,
      verdict: isKnown ? (here === there ? "agrees" : "differs") : "unknown",
    };
  });
}
