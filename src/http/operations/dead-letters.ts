/** Dead letters, events that workers abandoned: listed, and given to their workers again. */
import type { DeadLetterService } from "../../services/dead-letters/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { httpLimits } from "../protocol/limits.ts";
import { readLimit } from "../protocol/page-cursor.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { ProblemError } from "../protocol/problems.ts";
import { pageQuery, ref } from "../protocol/schema-parts.ts";
import { DEAD_LETTER_ID, deadLetterParams } from "./dead-letters-schema.ts";

const listSchema = {
  operationId: "listDeadLetters",
  tags: ["Operations"],
  summary: "Events that a worker abandoned, oldest first",
  querystring: pageQuery,
  response: { 200: { ...ref("DeadLetterPage"), description: "One page" } },
  problems: ["validation_failed", "refused", ...serviceProblems],
} as const;

const replaySchema = {
  operationId: "replayDeadLetter",
  tags: ["Operations"],
  summary: "Give the event to its worker again, with a new count of attempts",
  description:
    "The dead letter leaves the list. If the worker abandons the event again, a new dead letter appears. A repetition of the request changes nothing.",
  params: deadLetterParams,
  response: { 202: { ...ref("ReplayedDeadLetter"), description: "The worker receives the event again" } },
  problems: [...bodyProblems, "dead_letter_not_found", "refused", ...serviceProblems],
} as const;

/** Adds the routes. */
export function deadLetterRoutes(app: HttpApp, deadLetters: DeadLetterService): void {
  app.get("/v1/dead-letters", { schema: listSchema, preValidation: readLimit }, async (request, reply) => {
    const { limit = httpLimits.page.default, cursor } = request.query;
    const result = await deadLetters.list({
      limit,
      ...(cursor === undefined ? {} : { after: idOf(cursor) }),
    });
    if (result.status !== "found") return sendUnavailable(reply, result);
    return reply.code(200).send({ items: result.items, nextCursor: result.next });
  });

  const config = { unknownParameter: "dead_letter_not_found" } as const;
  app.post("/v1/dead-letters/:id/replay", { schema: replaySchema, config }, async (request, reply) => {
    const { id } = request.params;
    const result = await deadLetters.replay(id);
    if (result.status === "not_found") return sendProblem(reply, "dead_letter_not_found");
    if (result.status !== "replayed") return sendUnavailable(reply, result);
    return reply.code(202).send({ id, status: "replayed" });
  });
}

/** A cursor is the id of the last dead letter of the page before. @throws ProblemError */
function idOf(cursor: string): string {
  if (new RegExp(DEAD_LETTER_ID, "u").test(cursor)) return cursor;
  throw new ProblemError("validation_failed", {
    errors: [{ pointer: "/cursor", code: "invalid_format", message: "is not a cursor of this list" }],
  });
}
