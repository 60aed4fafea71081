/** `GET /v1/audit`: who has asked for which change. */
import type { Audit } from "../../services/audit/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { httpLimits } from "../protocol/limits.ts";
import { decodeCursor, encodeCursor, readLimit } from "../protocol/page-cursor.ts";
import { sendUnavailable } from "../protocol/problem-answers.ts";
import { serviceProblems } from "../protocol/problem-schema.ts";
import { ref } from "../protocol/schema-parts.ts";
import { auditQuery } from "./schemas.ts";

const schema = {
  operationId: "listAudit",
  tags: ["Operations"],
  summary: "Who has asked for which change, the newest first",
  description:
    "Calls that change something, of callers that are neither `customer` nor `channel`, and changes of keys on the command line. `node orderly.mjs audit verify` shows whether the log was changed.",
  querystring: auditQuery,
  response: { 200: { ...ref("AuditPage"), description: "One page" } },
  problems: ["validation_failed", "refused", ...serviceProblems],
} as const;

const CURSOR = /^[1-9]\d{0,15}$/u;

/** Adds the route. */
export function auditRoutes(app: HttpApp, audit: Pick<Audit, "list">): void {
  app.get(
    "/v1/audit",
    { schema, preValidation: readLimit, config: { access: "audit:read" } },
    async (request, reply) => {
      const { cursor, limit = httpLimits.page.default, ...which } = request.query;
      const before = cursor === undefined ? {} : { before: Number(decodeCursor(cursor, CURSOR)) };
      const result = await audit.list({ ...which, ...before, limit });
      if (result.status !== "found") return sendUnavailable(reply, result);
      const nextCursor = result.next === null ? null : encodeCursor(String(result.next));
      return reply
        .code(200)
        .header("cache-control", "private, no-store")
        .send({ items: [...result.items], nextCursor });
    },
  );
}
