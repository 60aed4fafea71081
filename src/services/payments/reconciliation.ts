/** Compares what our orders say of their money with what the gateway has booked. Pure. */
import type { PaymentContext } from "../../../machines/payment-context.ts";
import { isSettledAtOnce } from "../../../machines/payment-methods.ts";
import { mayRetry } from "../../../machines/retry.ts";
import type { PaymentMethod } from "../../../machines/types.ts";

/** One line of the gateway's ledger. Amounts in minor units. */
export type Booking = {
  readonly orderId: string;
  readonly kind: "authorize" | "capture" | "void" | "refund" | "lapse";
  readonly amount: number;
  readonly currency: string;
};

/** An order's payment as its newest record has it. */
export type KnownPayment = {
  readonly orderId: string;
  /** Of the payment machine. */
  readonly value: unknown;
  readonly context: PaymentContext;
  /** A call to the gateway is under way: the two sides may differ for a moment. */
  readonly underWay: boolean;
};

/** What stands at the gateway for one order, minor units. Authorisations that were voided or have lapsed do not count. */
export type Standing = { readonly authorized: number; readonly settled: number; readonly refunded: number };

/** `weSay` and `gatewaySays` in words, for an operator. */
export type Difference = {
  readonly orderId: string;
  readonly problem: string;
  readonly weSay: string;
  readonly gatewaySays: string;
  readonly advice: string;
};

/** Debit cards are settled by their authorisation; the ledger has no line of its own for that. */
export function standing(bookings: readonly Booking[], method: PaymentMethod | undefined): Standing {
  const sum = (kind: Booking["kind"]): number =>
    bookings.filter((one) => one.kind === kind).reduce((total, { amount }) => total + amount, 0);
  const authorized = sum("authorize") - sum("void") - sum("lapse");
  return {
    authorized,
    settled: method !== undefined && isSettledAtOnce(method) ? authorized : sum("capture"),
    refunded: sum("refund"),
  };
}

/** What the payment's state means for the gateway; undefined while it is on its way from one to another. */
export function expected({ value, context }: KnownPayment): Standing | undefined {
  const total = context.amount?.amount ?? 0;
  const none = { authorized: 0, settled: 0, refunded: 0 };
  switch (outermost(value)) {
    case "idle":
    case "unused":
    // Of an order that costs nothing, which no gateway knows.
    case "free":
    case "due":
    case "collected":
    case "failed":
    case "voided":
    case "lapsed":
    case "capture_lapsed":
      return none;
    case "authorized":
      return { ...none, authorized: total, settled: isSettledAtOnce(context.method) ? total : 0 };
    case "capture_failed":
      return { ...none, authorized: total };
    case "captured":
      return { authorized: total, settled: total, refunded: 0 };
    case "refunded":
      return { authorized: total, settled: total, refunded: total };
    default:
      return undefined;
  }
}

/** Ends in which money may have been given back before. */
const endings: ReadonlySet<unknown> = new Set(["expired", "watching"]);

/** What the payment owes the gateway, or the customer, and does not try any more. */
function givenUp({ value, context }: KnownPayment): "a void" | "a refund" | undefined {
  if (typeof value !== "object" || value === null || mayRetry(context.tries)) return undefined;
  const { reversing } = value as { readonly reversing?: unknown };
  return reversing === "void_failed" ? "a void" : reversing === "refund_failed" ? "a refund" : undefined;
}

function outermost(value: unknown): unknown {
  return typeof value === "object" && value !== null ? Object.keys(value)[0] : value;
}

/** Nothing may stand: what was settled has been given back, and no authorisation is open. */
function standsNothing({ authorized, settled, refunded }: Standing): boolean {
  return settled === refunded && (authorized === 0 || authorized === refunded);
}

/** What is wrong with one order's money, undefined when nothing is. Without a payment: the order is not ours. */
export function difference(
  orderId: string,
  payment: KnownPayment | undefined,
  bookings: readonly Booking[],
): Difference | undefined {
  const stands = standing(bookings, payment?.context.method);
  const tell = (problem: string, weSay: string, advice: string): Difference => ({
    orderId,
    problem,
    weSay,
    gatewaySays: inWords(stands),
    advice,
  });
  if (payment === undefined) {
    return bookings.length === 0
      ? undefined
      : tell(
          "unknown order",
          "there is no such order",
          "void or refund it at the gateway, and find out who booked it",
        );
  }
  const weSay = `${describe(payment.value)}, total ${payment.context.amount?.amount ?? 0}`;
  const currency = payment.context.amount?.currency;
  if (bookings.some((one) => one.currency !== currency)) {
    return tell("another currency", `${weSay} ${currency ?? ""}`, "correct it at the gateway");
  }
  const { authorized, settled, refunded } = stands;
  if (refunded < 0 || refunded > settled || settled > authorized) {
    return tell(
      "sums that cannot be",
      weSay,
      "refunded must not be above settled, nor settled above authorised",
    );
  }
  if (payment.underWay) return undefined;
  const gaveUp = givenUp(payment);
  if (gaveUp !== undefined) {
    const advice = `have it tried again (POST /v1/orders/${orderId}/retry), or see to it at the gateway first`;
    return tell(`${gaveUp} was given up`, `${weSay}, after ${payment.context.tries} tries`, advice);
  }
  if (endings.has(outermost(payment.value))) {
    return standsNothing(stands)
      ? undefined
      : tell("money stands for a payment that has ended", weSay, "void or refund it at the gateway");
  }
  const should = expected(payment);
  if (should === undefined || inWords(should) === inWords(stands)) return undefined;
  const advice =
    stands.authorized > should.authorized || stands.settled > should.settled
      ? "more stands at the gateway than the order knows: void or refund the rest there"
      : "less stands at the gateway than the order believes: hold the order, and ask the gateway";
  return tell("the sides differ", `${weSay}: ${inWords(should)}`, advice);
}

function inWords({ authorized, settled, refunded }: Standing): string {
  return `authorised ${authorized}, settled ${settled}, refunded ${refunded}`;
}

function describe(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
