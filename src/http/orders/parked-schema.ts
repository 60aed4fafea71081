/** Schemas of parked orders, for operators. */
import { type Static, Type } from "typebox";
import { closed, nullable, text, time } from "../protocol/schema-parts.ts";

/** One page of `GET /v1/parked`. */
export const ParkedPage = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        orderId: Type.String(),
        parkingId: Type.String({ description: "Id of this parking; name it to skip its input" }),
        since: time,
        reason: Type.String({ description: "In the words of the machine that refused the input" }),
        input: nullable(
          Type.String({
            description: "As the history names it; null when the stored order itself cannot be read",
            examples: ["inbox:payment.settled"],
          }),
        ),
        version: Type.Integer({ description: "Of the last good state; 0 when that cannot be read" }),
      }),
    ),
    nextCursor: nullable(Type.String()),
  },
  { $id: "ParkedPage", title: "Parked orders" },
);

/** Body of the command `skip`. */
export const SkipInput = closed(
  {
    parkingId: Type.Optional(
      text(100, "From the list: a repetition then drops no other input. Without it, the present parking"),
    ),
  },
  { $id: "SkipInput", examples: [{ parkingId: "k3Jd0a1Zp9" }] },
);

/** The validated body of `skip`. */
export type SkipInput = Static<typeof SkipInput>;
