/** Schemas of the requests about a customer. */
import { type Static, Type } from "typebox";
import { closed, text, time } from "../protocol/schema-parts.ts";

/** Path parameters of the routes of one customer. */
export const customerParams = Type.Object({
  id: { ...text(200), description: "The customer's id, as in its orders", examples: ["cus_1"] },
});

/** Body of `POST /v1/customers/{id}/erase`. */
export const EraseCustomer = closed(
  { reason: { ...text(200), description: "Recorded permanently; without personal data" } },
  { $id: "EraseCustomer", examples: [{ reason: "request 4711 of 2026-11-30" }] },
);

/** Answer of it. */
export const ErasedCustomer = Type.Object(
  {
    status: Type.Literal("erased", { type: "string" }),
    at: time,
    reason: Type.String({ description: "Of the request that deleted the keys" }),
    orders: Type.Integer({ description: "Orders whose personal data reads `erased`" }),
  },
  { $id: "ErasedCustomer", title: "ErasedCustomer" },
);

/** The validated body. */
export type EraseCustomer = Static<typeof EraseCustomer>;
