/** Schemas of parked orders, for operators. */
import { type Static, Type } from "typebox";
import { closed, nullable, oneOf, ORDER_ID, pageQuery, text, time } from "../protocol/schema-parts.ts";

/** Why no input reaches an order. */
export const parkedKinds = ["input", "newer", "unreadable"] as const;

/** Query of `GET /v1/parked`. */
export const parkedQuery = Type.Object(
  { ...pageQuery.properties, kind: Type.Optional(oneOf(parkedKinds, "Orders of this kind alone")) },
  { additionalProperties: false },
);

const parkedOrder = {
  orderId: Type.String(),
  kind: Type.Optional(oneOf(parkedKinds, "Present when the list was asked for one kind")),
  parkingId: nullable(
    Type.String({
      description:
        "Id of this parking; name it to skip its input. Null: nothing is stored about it, and there is nothing to skip or resume",
    }),
  ),
  since: time,
  reason: Type.String({
    description: "In the words of the machine that refused the input, or why the stored order cannot be read",
  }),
  input: nullable(
    Type.String({
      description: "As the history names it; null when no input is at fault",
      examples: ["inbox:payment.settled"],
    }),
  ),
  version: Type.Integer({ description: "Of the last good state; 0 when that cannot be read" }),
};

/** One parked order. */
export const ParkedOrderSchema = Type.Object(parkedOrder, { $id: "ParkedOrder", title: "ParkedOrder" });

/** One page of `GET /v1/parked`. */
export const ParkedPage = Type.Object(
  {
    items: Type.Array(Type.Object(parkedOrder)),
    nextCursor: nullable(Type.String()),
    missing: Type.Optional(
      Type.Object(
        {
          partitions: Type.Array(Type.Integer({ description: "Its owner has not answered" })),
          orders: Type.Integer({ description: "Beyond the bound of an owner's list, of both kinds" }),
        },
        { description: "What a list of newer or unreadable orders does not show; absent when it is whole" },
      ),
    ),
  },
  { $id: "ParkedPage", title: "Parked orders" },
);

/** Path parameters of one parked order. */
export const parkedParams = Type.Object({
  order: Type.String({ pattern: ORDER_ID, description: "Order id", examples: ["ord_4f0v5Xk2"] }),
});

/** Body of the command `skip`. */
export const SkipInput = closed(
  {
    parkingId: Type.Optional(
      text(100, "From the list: a repetition then drops no other input. Without it, the present parking"),
    ),
    reason: Type.Optional(text(500, "Why; recorded in the order's history")),
  },
  { $id: "SkipInput", examples: [{ parkingId: "k3Jd0a1Zp9" }] },
);

/** The validated body of `skip`. */
export type SkipInput = Static<typeof SkipInput>;
