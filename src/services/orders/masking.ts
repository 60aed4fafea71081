/** Personal data and secrets in what dry runs show and are asked with. Pure. */
import type { PlaceOrder } from "./contract.ts";

/** In place of what is not shown. */
const MASKED = "masked";

/** Fields that concern a person, or that are secret, whatever holds them. */
const hidden: ReadonlySet<string> = new Set([
  "billingAddress",
  "customer",
  "email",
  "name",
  "personal",
  "phone",
  "sealed",
  "shippingAddress",
  "taxId",
  "token",
]);

/** The same JSON value with a word in place of what is not shown. */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([field, one]) => [
    field,
    hidden.has(field) ? MASKED : masked(one),
  ]);
  return Object.fromEntries(fields);
}

/** The order with words in place of what concerns its customer: no machine decides with it. */
export function maskedOrder({ customer, payment, shippingAddress, ...order }: PlaceOrder): PlaceOrder {
  const { billingAddress: _, ...rest } = order;
  const { method, token } = payment;
  const { country } = shippingAddress;
  return {
    ...rest,
    customer: { id: customer.id, email: MASKED, name: MASKED },
    shippingAddress: { line1: MASKED, city: MASKED, country },
    payment: token === undefined ? { method } : { method, token: MASKED },
  };
}
