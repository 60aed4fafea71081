/** Bodies of webhooks, and the list of those that no order takes. Members that an outside system adds are ignored. */
import { type Static, type TProperties, Type } from "typebox";
import { unmatchedReasons, webhookSenders } from "../../services/webhooks/contract.ts";
import { nullable, oneOf, pageQuery, ref, time } from "../protocol/schema-parts.ts";

const Text = Type.String({ minLength: 1, maxLength: 200 });

const report = <const T extends string, P extends TProperties>(type: T, outcome: P) =>
  Type.Object({
    type: Type.Literal(type),
    data: Type.Object({
      payment: Text,
      orderId: Text,
      amount: Type.Integer({ minimum: 1 }),
      currency: Type.String({ pattern: "^[A-Z]{3}$" }),
      ...outcome,
    }),
  });

/** Any message: what is read of one whose type is not known. */
export const AnyMessage = Type.Object({
  type: Text,
  data: Type.Optional(Type.Unknown()),
});

/** The order that the data of a message names. */
export const AboutOrder = Type.Object({ orderId: Text });

const Parcel = { trackingNumber: Text, orderId: Text };

/** A carrier's report of a parcel: delivered, and what was paid at the door; or it does not stay with its receiver. */
export const DeliveryReportBody = Type.Union([
  Type.Object({
    type: Type.Literal("shipment.delivered"),
    data: Type.Object({
      ...Parcel,
      collected: Type.Union([
        Type.Object({
          amount: Type.Integer({ minimum: 0 }),
          currency: Type.String({ pattern: "^[A-Z]{3}$" }),
        }),
        Type.Null(),
      ]),
    }),
  }),
  Type.Object({
    type: Type.Enum(["shipment.refused", "shipment.unclaimed", "shipment.lost", "shipment.returned"]),
    data: Type.Object(Parcel),
  }),
]);

/** A gateway's report of a payment on its page: paid under an authorization, or declined for a reason. */
export const PaymentReportBody = Type.Union([
  report("payment.paid", { authorization: Text, reason: Type.Null() }),
  report("payment.declined", { authorization: Type.Null(), reason: Text }),
]);

const AnyTypeOf = (known: string) =>
  Type.Object(
    { type: Text, data: Type.Optional(Type.Unknown()) },
    { description: `Any other type than those of ${known}: kept for operators` },
  );

/** What is documented of a payment's message. */
export const PaymentWebhook = Type.Union([...PaymentReportBody.anyOf, AnyTypeOf("a payment")], {
  $id: "PaymentWebhook",
  title: "PaymentWebhook",
  examples: [
    {
      type: "payment.paid",
      data: {
        payment: "pay_1",
        orderId: "ord_4f0v5Xk2",
        amount: 3998,
        currency: "EUR",
        authorization: "auth_1",
        reason: null,
      },
    },
  ],
});

/** What is documented of a parcel's message. */
export const CarrierWebhook = Type.Union([...DeliveryReportBody.anyOf, AnyTypeOf("a parcel")], {
  $id: "CarrierWebhook",
  title: "CarrierWebhook",
  examples: [
    {
      type: "shipment.delivered",
      data: { trackingNumber: "TRK-4f0v5Xk2", orderId: "ord_4f0v5Xk2", collected: null },
    },
  ],
});

/** Headers of a signed message (Standard Webhooks). */
export const webhookHeaders = Type.Object({
  "webhook-id": Type.String({ description: "The same in every repetition", examples: ["msg_2f9"] }),
  "webhook-timestamp": Type.String({ description: "Seconds since the epoch", examples: ["1795341600"] }),
  "webhook-signature": Type.String({
    description: "`v1,` and the signature over id, timestamp and body",
    examples: ["v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="],
  }),
});

/** One signed message that no order takes. */
export const UnmatchedWebhook = Type.Object(
  {
    sender: oneOf(webhookSenders),
    id: Type.String({ description: "`webhook-id` of the message", examples: ["msg_2f9"] }),
    type: Type.String({ examples: ["payment.paid"] }),
    orderId: nullable(Type.String({ description: "As the message has it; null when it names no order" })),
    reason: oneOf(unmatchedReasons),
    body: Type.String({
      description: "The message as JSON. Card numbers and e-mail addresses in it are hidden",
    }),
    bodyCut: Type.Boolean({ description: "True when only the beginning of the body is kept" }),
    at: time,
  },
  { $id: "UnmatchedWebhook", title: "UnmatchedWebhook" },
);

/** One page of `GET /v1/webhooks/unmatched`. */
export const UnmatchedWebhookPage = Type.Object(
  {
    items: Type.Array(ref<Static<typeof UnmatchedWebhook>>("UnmatchedWebhook"), {
      description: "By sender, oldest first",
    }),
    nextCursor: nullable(Type.String({ description: "Null on the last page" })),
  },
  { $id: "UnmatchedWebhookPage", title: "UnmatchedWebhookPage" },
);

/** Query of the list. */
export const unmatchedQuery = Type.Object(
  {
    ...pageQuery.properties,
    sender: Type.Optional(oneOf(webhookSenders, "Only messages of this sender")),
  },
  { additionalProperties: false },
);
