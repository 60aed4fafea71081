import type {
  AuthorizeOutput,
  Money,
  OrderInput,
  PaymentMethod,
  ReserveOutput,
} from "../../../machines/types.ts";

export const total: Money = { amount: 3998, currency: "EUR" };

/** An order of two T-shirts. Cards carry a token. */
export function orderInput(
  method: PaymentMethod = "credit_card",
  fulfillment: OrderInput["fulfillment"] = { mode: "manual", stepDelayMs: 1500 },
): OrderInput {
  const token = method === "cash_on_delivery" || method === "in_person" ? {} : { token: "tok_secret" };
  return {
    orderId: "ord_1",
    customer: { id: "cus_1", email: "ada@example.com", name: "Ada Byron" },
    lines: [{ sku: "TSHIRT-M", quantity: 2 }],
    payment: { method, ...token },
    shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
    fulfillment,
  };
}

export const reserved: ReserveOutput = {
  outcome: "reserved",
  lines: [{ sku: "TSHIRT-M", name: "T-shirt M", quantity: 2, unitPrice: { amount: 1999, currency: "EUR" } }],
  total,
};

export const outOfStock: ReserveOutput = {
  outcome: "out_of_stock",
  missing: [{ sku: "TSHIRT-M", requested: 2, available: 1 }],
};

export const authorized: AuthorizeOutput = { outcome: "authorized", authorization: "auth_1" };
export const declined: AuthorizeOutput = { outcome: "declined", reason: "card_declined" };
