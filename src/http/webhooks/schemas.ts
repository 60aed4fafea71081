/** Bodies of webhooks. Members that an outside system adds are ignored. */
import { type TProperties, Type } from "typebox";
import { ORDER_ID } from "../protocol/schema-parts.ts";

const Text = Type.String({ minLength: 1, maxLength: 200 });

const report = <const T extends string, P extends TProperties>(type: T, outcome: P) =>
  Type.Object({
    type: Type.Literal(type),
    data: Type.Object({
      payment: Text,
      orderId: Type.String({ pattern: ORDER_ID }),
      amount: Type.Integer({ minimum: 1 }),
      currency: Type.String({ pattern: "^[A-Z]{3}$" }),
      ...outcome,
    }),
  });

/** A carrier's report of a parcel: it is delivered, and what was paid at the door. */
export const DeliveryReportBody = Type.Object({
  type: Type.Literal("shipment.delivered"),
  data: Type.Object({
    trackingNumber: Text,
    orderId: Type.String({ pattern: ORDER_ID }),
    collected: Type.Union([
      Type.Object({
        amount: Type.Integer({ minimum: 0 }),
        currency: Type.String({ pattern: "^[A-Z]{3}$" }),
      }),
      Type.Null(),
    ]),
  }),
});

/** A gateway's report of a payment on its page: paid under an authorization, or declined for a reason. */
export const PaymentReportBody = Type.Union([
  report("payment.paid", { authorization: Text, reason: Type.Null() }),
  report("payment.declined", { authorization: Type.Null(), reason: Text }),
]);
