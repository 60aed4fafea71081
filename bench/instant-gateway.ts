/** A payment gateway that says yes at once, without a network: what is measured then is everything else. */
import type { PaymentGateway } from "../src/services/payments/gateway.ts";

export const instantGateway: PaymentGateway = {
  authorize: async (_request, { key }) => ({ outcome: "authorized", authorization: `auth_${key}` }),
  createPage: async (_request, { key }) => ({ payment: `pay_${key}`, url: "http://127.0.0.1/" }),
  checkPayment: async () => ({ outcome: "pending" }),
  capture: async () => ({ outcome: "captured" }),
  void: async () => ({ outcome: "voided" }),
  refund: async () => ({ outcome: "refunded" }),
  // Asked only when an outcome is unknown, and none ever is.
  queryStatus: async () => undefined,
};
