import type { Money, PaymentMethod } from "./types.ts";

/** True for the same amount in the same currency. */
export function sameMoney(one: Money, other: Money): boolean {
  return one.amount === other.amount && one.currency === other.currency;
}

/** Paid in cash or in person, when the goods change hands. */
export function paysOnDelivery(method: PaymentMethod): boolean {
  return method === "cash_on_delivery" || method === "in_person";
}

/** Only authorised at first: the money is captured once the order is packed. */
export function needsCapture(method: PaymentMethod): boolean {
  return method === "credit_card" || method === "tokenized";
}

/** True when what was handed over at the door is exactly what was still due: the total, or nothing at all. */
export function collectsExactly(method: PaymentMethod, total: Money, collected: Money | undefined): boolean {
  if (paysOnDelivery(method)) return collected !== undefined && sameMoney(collected, total);
  return collected === undefined || collected.amount === 0;
}
