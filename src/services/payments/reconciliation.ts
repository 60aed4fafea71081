/** Compares the payments of Orderly's orders with the gateway's bookings. Pure. */
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
  /** State value of the payment machine. */
  readonly value: unknown;
  readonly context: PaymentContext;
  /** A call to the gateway is in flight: the two sides may differ for a moment. */
  readonly underWay: boolean;
};

/** The sums at the gateway for one order, minor units. Voided and lapsed authorizations do not count. */
export type Sums = { readonly authorized: number; readonly settled: number; readonly refunded: number };

/** One difference, in words for an operator. */
export type Difference = {
  readonly orderId: string;
  readonly problem: string;
  readonly weSay: string;
  readonly gatewaySays: string;
  readonly advice: string;
};

/** The sums of an order's bookings. An authorization settles a debit card; the ledger has no separate line for that. */
export function sumsAtGateway(bookings: readonly Booking[], method: PaymentMethod | undefined): Sums {
  const sum = (kind: Booking["kind"]): number =>
    bookings.filter((one) => one.kind === kind).reduce((total, { amount }) => total + amount, 0);
  const authorized = sum("authorize") - sum("void") - sum("lapse");
  return {
    authorized,
    settled: method !== undefined && isSettledAtOnce(method) ? authorized : sum("capture"),
    refunded: sum("refund"),
  };
}

/** The sums that the payment's state implies; undefined for a state between two of them. */
export function expected({ value, context }: KnownPayment): Sums | undefined {
  const total = context.amount?.amount ?? 0;
  const none = { authorized: 0, settled: 0, refunded: 0 };
  switch (outermost(value)) {
    case "idle":
    case "unused":
    // An order that costs nothing: no gateway knows it.
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

/** Final states that money may have been returned before. */
const endings: ReadonlySet<unknown> = new Set(["expired", "watching"]);

/** The call that the payment still owes the gateway, or the customer, and no longer retries. */
function abandoned({ value, context }: KnownPayment): "a void" | "a refund" | undefined {
  if (typeof value !== "object" || value === null || mayRetry(context.tries)) return undefined;
  const { reversing } = value as { readonly reversing?: unknown };
  return reversing === "void_failed" ? "a void" : reversing === "refund_failed" ? "a refund" : undefined;
}

function outermost(value: unknown): unknown {
  return typeof value === "object" && value !== null ? Object.keys(value)[0] : value;
}

/** True when everything settled was refunded, and no authorization is open. */
function isCleared({ authorized, settled, refunded }: Sums): boolean {
  return settled === refunded && (authorized === 0 || authorized === refunded);
}

/** The difference in one order's money, undefined without one. Without a payment the order is not Orderly's. */
export function difference(
  orderId: string,
  payment: KnownPayment | undefined,
  bookings: readonly Booking[],
): Difference | undefined {
  const actual = sumsAtGateway(bookings, payment?.context.method);
  const report = (problem: string, weSay: string, advice: string): Difference => ({
    orderId,
    problem,
    weSay,
    gatewaySays: inWords(actual),
    advice,
  });
  if (payment === undefined) {
    return bookings.length === 0
      ? undefined
      : report(
          "unknown order",
          "there is no such order",
          "void or refund it at the gateway, and find the system that booked it",
        );
  }
  const weSay = `${describe(payment.value)}, total ${payment.context.amount?.amount ?? 0}`;
  const currency = payment.context.amount?.currency;
  if (bookings.some((one) => one.currency !== currency)) {
    return report("another currency", `${weSay} ${currency ?? ""}`, "correct it at the gateway");
  }
  const { authorized, settled, refunded } = actual;
  if (refunded < 0 || refunded > settled || settled > authorized) {
    return report(
      "impossible sums",
      weSay,
      "refunded must not be above settled, nor settled above authorized",
    );
  }
  if (payment.underWay) return undefined;
  const owed = abandoned(payment);
  if (owed !== undefined) {
    const advice = `retry it (POST /v1/orders/${orderId}/retry), or correct it at the gateway first`;
    return report(`${owed} was abandoned`, `${weSay}, after ${payment.context.tries} tries`, advice);
  }
  if (endings.has(outermost(payment.value))) {
    return isCleared(actual)
      ? undefined
      : report(
          "the gateway holds money for a payment that has ended",
          weSay,
          "void or refund it at the gateway",
        );
  }
  const should = expected(payment);
  if (should === undefined || inWords(should) === inWords(actual)) return undefined;
  const advice =
    actual.authorized > should.authorized || actual.settled > should.settled
      ? "the gateway holds more than the order knows: void or refund the rest there"
      : "the gateway holds less than the order records: hold the order, and query the gateway";
  return report("the sides differ", `${weSay}: ${inWords(should)}`, advice);
}

/** An order whose newest record cannot be read: its payment is not known, so it is named instead of compared. */
export function unreadableRecord(
  orderId: string,
  sequence: number,
  bookings: readonly Booking[],
): Difference {
  return {
    orderId,
    problem: "the record cannot be read",
    weSay: `nothing: the newest record, message ${sequence}, is damaged or of another program`,
    gatewaySays: inWords(sumsAtGateway(bookings, undefined)),
    advice: "compare by hand; the other orders are compared",
  };
}

function inWords({ authorized, settled, refunded }: Sums): string {
  return `authorized ${authorized}, settled ${settled}, refunded ${refunded}`;
}

function describe(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
