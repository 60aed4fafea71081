/** Groups of parked orders and of dead letters, by their errors. */
import { Type } from "typebox";
import { oneOf, time } from "../protocol/schema-parts.ts";

/** Query of both routes. */
export const groupsQuery = Type.Object(
  {
    by: Type.Optional({
      ...oneOf(["error"], "By what; the only one, and the default"),
      default: "error" as const,
    }),
  },
  { additionalProperties: false },
);

/** The groups, the most frequent first. */
export const ErrorGroups = Type.Object(
  {
    groups: Type.Array(
      Type.Object({
        error: Type.String({ description: "With … in place of ids and numbers" }),
        where: Type.String({ description: "The worker, or the input as the history names it" }),
        count: Type.Integer(),
        oldest: time,
        newest: time,
        ids: Type.Array(Type.String(), { description: "The oldest ones, at most 10" }),
      }),
      { description: "The most frequent first" },
    ),
    isComplete: Type.Boolean({ description: "False: only the oldest 1000 were read" }),
  },
  { $id: "ErrorGroups", title: "ErrorGroups" },
);
