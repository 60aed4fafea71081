import { paysOnDelivery } from "./payment-methods.ts";
import type { Money, PaymentMethod } from "./types.ts";

/** True for the same amount in the same currency. */
export function sameMoney(one: Money, other: Money): boolean {
  return one.amount === other.amount && one.currency === other.currency;
}

/** True when the amount collected at the door is exactly the amount still due: the total, or nothing at all. */
export function collectsExactly(method: PaymentMethod, total: Money, collected: Money | undefined): boolean {
  if (paysOnDelivery(method)) return collected !== undefined && sameMoney(collected, total);
  return collected === undefined || collected.amount === 0;
}
