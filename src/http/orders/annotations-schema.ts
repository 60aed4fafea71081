/** What people and other systems add to an order. */
import { type Static, type TSchema, Type } from "typebox";
import { closed, nullable, text } from "../protocol/schema-parts.ts";

/** The client's own name of an order. */
export const externalReference = text(128, "The client's own name of the order: no other order may have it");

const removable = <S extends TSchema>(schema: S) => Type.Optional(nullable(schema));

/** Body of `PATCH /v1/orders/{id}`. */
export const AnnotateOrder = closed(
  {
    tags: removable(Type.Array(text(64), { maxItems: 20, uniqueItems: true })),
    metadata: removable(
      Type.Record(Type.String({ pattern: "^[A-Za-z0-9._-]{1,64}$" }), text(500), {
        maxProperties: 50,
        additionalProperties: false,
      }),
    ),
    externalReference: removable(externalReference),
    note: removable(text(4000, "Stored plain: no personal data")),
    reason: Type.Optional(text(500, "Why; recorded in the order's history")),
  },
  {
    $id: "AnnotateOrder",
    examples: [{ tags: ["gift"], externalReference: "shop-1042", note: "Call first" }],
  },
);

/** The validated body. */
export type AnnotateOrder = Static<typeof AnnotateOrder>;
