/** `GET /v1/webhooks/unmatched`: signed messages that no order takes. For operators. */
import type { UnmatchedMessages } from "../../services/webhooks/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { httpLimits } from "../protocol/limits.ts";
import { decodeCursor, encodeCursor, readLimit } from "../protocol/page-cursor.ts";
import { sendUnavailable } from "../protocol/problem-answers.ts";
import { serviceProblems } from "../protocol/problem-schema.ts";
import { ref } from "../protocol/schema-parts.ts";
import { unmatchedQuery } from "./schemas.ts";

const listSchema = {
  operationId: "listUnmatchedWebhooks",
  tags: ["Operations"],
  summary: "List the signed webhooks that no order takes, by sender, oldest first",
  description:
    "Messages about orders that do not exist, and of types that are not known. They have changed nothing. A message with `reason` `unknown_order` may be about money that a customer has paid: docs/inspecting.md says what to do.",
  querystring: unmatchedQuery,
  response: { 200: { ...ref("UnmatchedWebhookPage"), description: "One page" } },
  problems: ["validation_failed", "refused", ...serviceProblems],
} as const;

/** The sender and the position at which the previous page ended. */
const KEY = /^(?:payments|carrier)\.\d{1,16}$/u;

/** Adds the route. */
export function unmatchedRoutes(app: HttpApp, unmatched: UnmatchedMessages): void {
  app.get(
    "/v1/webhooks/unmatched",
    { schema: listSchema, preValidation: readLimit, config: { access: "webhooks:read" } },
    async (request, reply) => {
      const { limit = httpLimits.page.default, cursor, sender } = request.query;
      const after = cursor === undefined ? {} : { after: decodeCursor(cursor, KEY) };
      const result = await unmatched.list({ limit, ...(sender === undefined ? {} : { sender }), ...after });
      if (result.status !== "found") return sendUnavailable(reply, result);
      const nextCursor = result.next === null ? null : encodeCursor(result.next);
      return reply.code(200).send({ items: result.items, nextCursor });
    },
  );
}
