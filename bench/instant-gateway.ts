/** A payment gateway that accepts at once, without a network, so that a run measures everything else. */
import type { PaymentGateway } from "../src/services/payments/gateway.ts";

/** Every authorization succeeds. */
export const instantGateway: PaymentGateway = {
  authorize: async (_request, { key }) => ({ outcome: "authorized", authorization: `auth_${key}` }),
  createPage: async (_request, { key }) => ({ payment: `pay_${key}`, url: "http://127.0.0.1/" }),
  checkPayment: async () => ({ outcome: "pending" }),
  capture: async () => ({ outcome: "captured" }),
  void: async () => ({ outcome: "voided" }),
  refund: async () => ({ outcome: "refunded" }),
  // Called only when an outcome is unknown, which never happens here.
  queryStatus: async () => undefined,
};
