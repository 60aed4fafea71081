import { needsToken } from "../../../machines/payment-methods.ts";
import type {
  AuthorizeOutput,
  Money,
  OpenOrderInput,
  OrderInput,
  PaymentMethod,
  ReserveOutput,
} from "../../../machines/types.ts";

/** The total of the order. */
export const total: Money = { amount: 3998, currency: "EUR" };

/** An order of two T-shirts. Cards carry a token. */
export function orderInput(
  method: PaymentMethod = "credit_card",
  fulfillment: OrderInput["fulfillment"] = { mode: "manual", stepDelayMs: 1500 },
): OpenOrderInput {
  const token = needsToken(method) ? { token: "tok_secret" } : {};
  return {
    orderId: "ord_1",
    customer: { id: "cus_1", email: "ada@example.com", name: "Ada Byron" },
    lines: [{ sku: "TSHIRT-M", quantity: 2 }],
    payment: { method, ...token },
    shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
    fulfillment,
    hostedPayment: { deadlineMs: 900_000, pollMs: 2000, pollMaxMs: 60_000 },
    taxBasisPoints: 2300,
  };
}

/** A reservation of both T-shirts. */
export const reserved: ReserveOutput = {
  outcome: "reserved",
  lines: [{ sku: "TSHIRT-M", name: "T-shirt M", quantity: 2, unitPrice: { amount: 1999, currency: "EUR" } }],
  total,
};

/** A reservation that fails: one piece is missing. */
export const outOfStock: ReserveOutput = {
  outcome: "out_of_stock",
  missing: [{ sku: "TSHIRT-M", requested: 2, available: 1 }],
};

/** An authorization that does not lapse. */
export const authorized: AuthorizeOutput = { outcome: "authorized", authorization: "auth_1" };
/** For a week. */
export const authorizedForAWeek: AuthorizeOutput = {
  outcome: "authorized",
  authorization: "auth_1",
  expiresInMs: 604_800_000,
};
/** A page, and what a customer did on it. */
export const page = { payment: "pay_1", url: "http://127.0.0.1/pay/pay_1" } as const;
/** The status query of a paid page. */
export const paidOnPage = { outcome: "paid", authorization: "auth_2" } as const;
/** The gateway's callback about that payment. */
export const paidReport = {
  type: "gateway.paid",
  payment: "pay_1",
  authorization: "auth_2",
  amount: total,
} as const;
/** The gateway's callback about a declined payment. */
export const declinedReport = { type: "gateway.declined", payment: "pay_1", reason: "no" } as const;

/** A declined card. */
export const declined: AuthorizeOutput = { outcome: "declined", reason: "card_declined" };
