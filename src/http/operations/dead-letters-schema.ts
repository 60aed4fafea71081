/** Schemas of dead letters: events that workers abandoned. */
import { type Static, Type } from "typebox";
import { nullable, oneOf, ref, time } from "../protocol/schema-parts.ts";

/** Pattern of a dead letter's id; also of a cursor of the list. */
export const DEAD_LETTER_ID = "^dl_[1-9][0-9]{0,14}$";

const id = Type.String({
  pattern: DEAD_LETTER_ID,
  description: "Dead letter id",
  examples: ["dl_42"],
});

/** Path parameters of the routes of one dead letter. */
export const deadLetterParams = Type.Object({ id });

/** One dead letter. */
export const DeadLetter = Type.Object(
  {
    id,
    worker: Type.String({ examples: ["email"] }),
    eventId: Type.String({ description: "Empty when the message that the worker received was not an event" }),
    type: Type.String({ examples: ["order.confirmed"] }),
    orderId: Type.String(),
    reason: Type.String({ description: "What was wrong with the last attempt" }),
    attempts: Type.Integer(),
    at: time,
  },
  {
    $id: "DeadLetter",
    title: "DeadLetter",
    examples: [
      {
        id: "dl_42",
        worker: "email",
        eventId: "ord_4f0v5Xk2.1.0",
        type: "order.created",
        orderId: "ord_4f0v5Xk2",
        reason: "550 no such user",
        attempts: 1,
        at: "2026-11-22T10:00:00.000Z",
      },
    ],
  },
);

/** One page of `GET /v1/dead-letters`. */
export const DeadLetterPage = Type.Object(
  {
    items: Type.Array(ref<Static<typeof DeadLetter>>("DeadLetter"), { description: "Oldest first" }),
    nextCursor: nullable(Type.String({ description: "Null on the last page" })),
  },
  { $id: "DeadLetterPage", title: "DeadLetterPage" },
);

/** Answer of a replay. */
export const ReplayedDeadLetter = Type.Object(
  { id, status: oneOf(["replayed"]) },
  { $id: "ReplayedDeadLetter", title: "ReplayedDeadLetter" },
);
