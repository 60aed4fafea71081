/** Dead letters, events that workers abandoned: listed, grouped, given to their workers again, or discarded. */
import type { DeadLetterService } from "../../services/dead-letters/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { httpLimits } from "../protocol/limits.ts";
import { readLimit } from "../protocol/page-cursor.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { ProblemError } from "../protocol/problems.ts";
import { pageQuery, ref } from "../protocol/schema-parts.ts";
import { requesterOf } from "../access/caller.ts";
import { DEAD_LETTER_ID, deadLetterParams, type DiscardDeadLetter } from "./dead-letters-schema.ts";
import { groupsQuery } from "./error-groups-schema.ts";

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
  problems: [...bodyProblems, "dead_letter_not_found", "dead_letter_closed", "refused", ...serviceProblems],
} as const;

const readSchema = {
  operationId: "readDeadLetter",
  tags: ["Operations"],
  summary: "Read one dead letter, also after it was replayed or discarded",
  params: deadLetterParams,
  response: { 200: { ...ref("DeadLetterState"), description: "The dead letter" } },
  problems: ["dead_letter_not_found", "refused", ...serviceProblems],
} as const;

const groupsSchema = {
  operationId: "groupDeadLetters",
  tags: ["Operations"],
  summary: "Group the open dead letters by their errors",
  querystring: groupsQuery,
  response: { 200: { ...ref("ErrorGroups"), description: "The most frequent first" } },
  problems: ["validation_failed", "refused", ...serviceProblems],
} as const;

const discardSchema = {
  operationId: "discardDeadLetter",
  tags: ["Operations"],
  summary: "Take a dead letter off the list permanently, with a reason",
  description:
    "Its worker never gets the event. A repetition of the request changes nothing; the first reason is kept.",
  params: deadLetterParams,
  body: ref<DiscardDeadLetter>("DiscardDeadLetter"),
  response: { 200: { ...ref("DiscardedDeadLetter"), description: "It is discarded" } },
  problems: [...bodyProblems, "dead_letter_not_found", "dead_letter_closed", "refused", ...serviceProblems],
} as const;

/** Adds the routes. */
export function deadLetterRoutes(app: HttpApp, deadLetters: DeadLetterService): void {
  app.get(
    "/v1/dead-letters",
    { schema: listSchema, preValidation: readLimit, config: { access: "dead-letters:read" } },
    async (request, reply) => {
      const { limit = httpLimits.page.default, cursor } = request.query;
      const result = await deadLetters.list({
        limit,
        ...(cursor === undefined ? {} : { after: idOf(cursor) }),
      });
      if (result.status !== "found") return sendUnavailable(reply, result);
      return reply.code(200).send({ items: result.items, nextCursor: result.next });
    },
  );

  const config = { unknownParameter: "dead_letter_not_found" } as const;
  app.post(
    "/v1/dead-letters/:id/replay",
    { schema: replaySchema, config: { ...config, access: "dead-letters:resolve" } },
    async (request, reply) => {
      const { id } = request.params;
      const result = await deadLetters.replay(id);
      if (result.status === "not_found") return sendProblem(reply, "dead_letter_not_found");
      if (result.status === "discarded")
        return sendProblem(reply, "dead_letter_closed", { state: "discarded" });
      if (result.status !== "replayed") return sendUnavailable(reply, result);
      return reply.code(202).send({ id, status: "replayed" });
    },
  );

  app.get(
    "/v1/dead-letters/groups",
    { schema: groupsSchema, config: { access: "dead-letters:read" } },
    async (_, reply) => {
      const result = await deadLetters.groups();
      if (result.status !== "found") return sendUnavailable(reply, result);
      return reply.code(200).send({ groups: result.groups, isComplete: result.isComplete });
    },
  );

  app.get(
    "/v1/dead-letters/:id",
    { schema: readSchema, config: { ...config, access: "dead-letters:read" } },
    async (request, reply) => {
      const result = await deadLetters.read(request.params.id);
      if (result.status === "not_found") return sendProblem(reply, "dead_letter_not_found");
      if (result.status !== "found") return sendUnavailable(reply, result);
      return reply.code(200).send(result.letter);
    },
  );

  app.post(
    "/v1/dead-letters/:id/discard",
    { schema: discardSchema, config: { ...config, access: "dead-letters:resolve" } },
    async (request, reply) => {
      const { id } = request.params;
      const result = await deadLetters.discard(id, { by: requesterOf(request), reason: request.body.reason });
      if (result.status === "not_found") return sendProblem(reply, "dead_letter_not_found");
      if (result.status === "replayed")
        return sendProblem(reply, "dead_letter_closed", { state: "replayed" });
      if (result.status === "discarded") return reply.code(200).send({ id, status: "discarded" });
      return sendUnavailable(reply, result);
    },
  );
}

/** A cursor is the id of the last dead letter of the page before. @throws ProblemError */
function idOf(cursor: string): string {
  if (new RegExp(DEAD_LETTER_ID, "u").test(cursor)) return cursor;
  throw new ProblemError("validation_failed", {
    errors: [{ pointer: "/cursor", code: "invalid_format", message: "is not a cursor of this list" }],
  });
}
