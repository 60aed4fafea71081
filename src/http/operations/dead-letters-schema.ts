/** Schemas of dead letters: events that workers abandoned. */
import { type Static, Type } from "typebox";
import type { DeadLetterView } from "../../services/dead-letters/contract.ts";
import { closed, nullable, oneOf, ref, text, time } from "../protocol/schema-parts.ts";

/** Pattern of a dead letter's id; also of a cursor of the list. */
export const DEAD_LETTER_ID = "^dl_[1-9][0-9]{0,14}$";

const id = Type.String({
  pattern: DEAD_LETTER_ID,
  description: "Dead letter id",
  examples: ["dl_42"],
});

/** Path parameters of the routes of one dead letter. */
export const deadLetterParams = Type.Object({ id });

const kinds = [
  "failed",
  "not_an_event",
  "too_old",
  "unreadable_mark",
] as const satisfies readonly DeadLetterView["kind"][];
const KIND =
  "`failed`: too many attempts, or the worker refused the event; `not_an_event`; " +
  "`too_old`: older than the marks of processed events live; `unreadable_mark`: its mark cannot be read. " +
  "Of the last two the work may have been done before: compare before a replay";

/** One dead letter. */
export const DeadLetter = Type.Object(
  {
    id,
    worker: Type.String({ examples: ["email"] }),
    eventId: Type.String({ description: "Empty when the message that the worker received was not an event" }),
    type: Type.String({ examples: ["order.confirmed"] }),
    orderId: Type.String(),
    kind: oneOf(kinds, KIND),
    reason: Type.String({ description: "What was wrong with the last attempt, or why there was none" }),
    attempts: Type.Integer({ description: "0: the event was never worked on" }),
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
        kind: "failed",
        reason: "550 no such user",
        attempts: 1,
        at: "2026-11-22T10:00:00.000Z",
      },
    ],
  },
);

/** One dead letter, also after it was replayed or discarded. */
export const DeadLetterState = Type.Object(
  {
    ...DeadLetter.properties,
    state: oneOf(["open", "replayed", "discarded"]),
    closedAt: Type.Optional({ ...time, description: "When it was replayed or discarded" }),
    closedBy: Type.Optional(
      Type.Object(
        { kind: Type.String(), id: nullable(Type.String()) },
        { description: "Who has discarded it" },
      ),
    ),
    closedReason: Type.Optional(Type.String({ description: "Why it was discarded" })),
  },
  { $id: "DeadLetterState", title: "DeadLetterState" },
);

/** Body of a discard. */
export const DiscardDeadLetter = closed(
  { reason: text(500, "Why its worker need not get the event; recorded") },
  { $id: "DiscardDeadLetter", examples: [{ reason: "The customer was called" }] },
);

/** The validated body of a discard. */
export type DiscardDeadLetter = Static<typeof DiscardDeadLetter>;

/** Answer of a discard. */
export const DiscardedDeadLetter = Type.Object(
  { id, status: oneOf(["discarded"]) },
  { $id: "DiscardedDeadLetter", title: "DiscardedDeadLetter" },
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
