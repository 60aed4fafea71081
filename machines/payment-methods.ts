/**
 * The payment methods and their facts: the only place where methods differ. A method is added here and
 * in the type `PaymentMethod` (types.ts); the compiler rejects one without the other.
 */
import type { PaymentMethod } from "./types.ts";

/** What is known about one payment method. */
export type PaymentFacts = {
  /**
   * The step that moves the customer's money.
   * `door`: cash or a terminal, when the carrier or the shop hands over the goods; no gateway takes part.
   * `authorization`: the gateway settles it at once; nothing to capture, and nothing to void.
   * `capture`: the gateway authorizes first; the money is captured once the order is packed.
   * `page`: the customer pays on a page of the gateway, which captures at once.
   */
  readonly paidAt: "door" | "authorization" | "capture" | "page";
  /** The method's name on documents and in e-mails. */
  readonly label: string;
};

const facts = {
  cash_on_delivery: { paidAt: "door", label: "Cash on delivery" },
  in_person: { paidAt: "door", label: "In person" },
  credit_card: { paidAt: "capture", label: "Credit card" },
  debit_card: { paidAt: "authorization", label: "Debit card" },
  tokenized: { paidAt: "capture", label: "Saved payment method" },
  async: { paidAt: "page", label: "Online payment" },
} as const satisfies Record<PaymentMethod, PaymentFacts>;

/** Every method, in the order in which the API documents them. */
export const paymentMethods = Object.keys(facts) as readonly PaymentMethod[];

/** Narrows a text from outside. */
export function isPaymentMethod(text: string): text is PaymentMethod {
  return Object.hasOwn(facts, text);
}

/** The method's name for people. */
export function paymentLabel(method: PaymentMethod): string {
  return facts[method].label;
}

/** `undefined` for a method of a newer version: an older node may read its order, and no fact of it is known here. */
function stepOf(method: PaymentMethod): PaymentFacts["paidAt"] | undefined {
  return isPaymentMethod(method) ? facts[method].paidAt : undefined;
}

/** True for what is paid in cash or in person, when the goods change hands. */
export function paysOnDelivery(method: PaymentMethod): boolean {
  return stepOf(method) === "door";
}

/** True for what is only authorized at first: the money is captured once the order is packed. */
export function needsCapture(method: PaymentMethod): boolean {
  return stepOf(method) === "capture";
}

/** True for what the gateway settles when it authorizes it. */
export function isSettledAtOnce(method: PaymentMethod): boolean {
  return stepOf(method) === "authorization";
}

/** True for what the customer pays on a page of the gateway. */
export function isHosted(method: PaymentMethod): boolean {
  return stepOf(method) === "page";
}

/** True for a method that the gateway authorizes: an order with it carries a token, any other order none. */
export function needsToken(method: PaymentMethod): boolean {
  return needsCapture(method) || isSettledAtOnce(method);
}
