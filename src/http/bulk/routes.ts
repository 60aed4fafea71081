/** Bulk operations: one command to many orders. Previewed first, then started with the preview's token. */
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import type { Bulk, BulkPlan, StartResult } from "../../services/bulk/contract.ts";
import { filterOf, knownOf } from "../orders/list-filters.ts";
import { sendNoAnswer } from "../orders/list-orders.ts";
import { emptyBodyIsEmptyObject } from "../protocol/empty-body.ts";
import type { Fault } from "../protocol/faults.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { checkIdempotencyKey, idempotencyKey, requireIdempotencyKey } from "../protocol/idempotency-key.ts";
import { httpLimits } from "../protocol/limits.ts";
import { decodeCursor, encodeCursor, readLimit } from "../protocol/page-cursor.ts";
import { type ProblemSink, sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { ProblemError } from "../protocol/problems.ts";
import { requesterOf } from "../access/caller.ts";
import { ref } from "../protocol/schema-parts.ts";
import { bulkItemsQuery, bulkParams, type BulkRequest } from "./schemas.ts";

const tags = ["Bulk"];
const listProblems = ["behind", "projection_off"] as const;

const postSchema = {
  operationId: "bulk",
  tags,
  summary: "Preview a command to many orders, or start it",
  description: [
    "With `action`, `reason`, `dryRun: true` and either `filter` or `ids`: the orders that fit now, and a token.",
    "With `token`: starts what was previewed. The orders are looked up again; the answer is 409 `selection_changed` when",
    "more than a tenth more of them fit. Each order gets an ordinary command with a key of its own, at most 200 a second",
    "on the whole cluster; an operation goes on when nodes die.",
  ].join(" "),
  headers: Type.Object({
    "idempotency-key": Type.Optional(
      idempotencyKey("Required with a token. The same key with the same token finds the operation"),
    ),
  }),
  body: ref<BulkRequest>("BulkRequest"),
  response: {
    200: { ...ref("BulkPreview"), description: "What the plan would reach; nothing was done" },
    202: {
      ...ref("BulkOperation"),
      description: "The operation goes on by itself",
      headers: { location: { type: "string", description: "Where it is read" } },
    },
  },
  problems: [
    ...bodyProblems,
    "idempotency_key_required",
    "invalid_idempotency_key",
    "idempotency_key_reused",
    "token_unknown",
    "token_expired",
    "token_used",
    "selection_changed",
    "selection_too_large",
    "refused",
    ...listProblems,
    ...serviceProblems,
  ],
} as const;

const problems = ["bulk_not_found", "refused", ...serviceProblems] as const;

const getSchema = {
  operationId: "getBulk",
  tags,
  summary: "Read a bulk operation",
  params: bulkParams,
  response: { 200: { ...ref("BulkOperation"), description: "How far it has come" } },
  problems,
} as const;

const itemsSchema = {
  operationId: "listBulkItems",
  tags,
  summary: "List the orders of a bulk operation, with their outcomes",
  description: "The lists are kept for 30 days.",
  params: bulkParams,
  querystring: bulkItemsQuery,
  response: { 200: { ...ref("BulkItemPage"), description: "One page, in the order of sending" } },
  problems: ["validation_failed", "bulk_items_expired", ...problems],
} as const;

const stopSchema = {
  operationId: "stopBulk",
  tags,
  summary: "Stop a bulk operation",
  description:
    "The orders that are being sent now, 100 at most, are finished; no others are reached. Without effect on an operation that has ended.",
  params: bulkParams,
  body: ref("NoFields"),
  response: { 200: { ...ref("BulkOperation"), description: "The operation" } },
  problems: [...bodyProblems, ...problems],
} as const;

const config = { unknownParameter: "bulk_not_found" } as const;
const ITEM_CURSOR = /^\d{1,6}\.\d{1,4}$/u;

/** Adds the routes. */
export function bulkRoutes(app: HttpApp, bulk: Bulk): void {
  app.post(
    "/v1/bulk",
    { schema: postSchema, preValidation: keyForToken, config: { access: "bulk:run" } },
    async (request, reply) => {
      const { body, headers } = request;
      const errors = requestFaults(body);
      if (errors.length > 0) return sendProblem(reply, "validation_failed", { errors });
      if (body.token === undefined) {
        const known = body.minSequence === undefined ? undefined : knownOf(body.minSequence);
        const result = await bulk.preview(planOf(body), known);
        if (result.status !== "previewed") return sendNotStarted(reply, result);
        const { status: _, ...preview } = result;
        return reply.code(200).header("cache-control", "no-store").send(preview);
      }
      const key = headers["idempotency-key"] ?? "";
      const how = { caller: request.caller.id, idempotencyKey: key, by: requesterOf(request) };
      const result = await bulk.start(body.token, how);
      if (result.status !== "started") return sendNotStarted(reply, result);
      return reply.code(202).header("location", `/v1/bulk/${result.bulk.id}`).send(result.bulk);
    },
  );

  app.get(
    "/v1/bulk/:id",
    { schema: getSchema, config: { ...config, access: "bulk:read" } },
    async (request, reply) => {
      const result = await bulk.get(request.params.id);
      if (result.status === "not_found") return sendProblem(reply, "bulk_not_found");
      if (result.status !== "found") return sendUnavailable(reply, result);
      return reply.code(200).header("cache-control", "private, no-cache").send(result.bulk);
    },
  );

  const items = {
    schema: itemsSchema,
    config: { ...config, access: "bulk:read" },
    preValidation: readLimit,
  } as const;
  app.get("/v1/bulk/:id/items", items, async (request, reply) => {
    const { cursor, limit = httpLimits.page.default, outcome } = request.query;
    const result = await bulk.items(request.params.id, {
      limit,
      ...(outcome === undefined ? {} : { outcome }),
      ...(cursor === undefined ? {} : { after: decodeCursor(cursor, ITEM_CURSOR) }),
    });
    if (result.status === "not_found") return sendProblem(reply, "bulk_not_found");
    if (result.status === "items_expired") return sendProblem(reply, "bulk_items_expired");
    if (result.status !== "found") return sendUnavailable(reply, result);
    const nextCursor = result.next === null ? null : encodeCursor(result.next);
    return reply
      .code(200)
      .header("cache-control", "private, no-cache")
      .send({ items: result.items, nextCursor });
  });

  app.post(
    "/v1/bulk/:id/stop",
    { schema: stopSchema, config: { ...config, access: "bulk:run" }, preValidation: emptyBodyIsEmptyObject },
    async (request, reply) => {
      const result = await bulk.stop(request.params.id, requesterOf(request));
      if (result.status === "not_found") return sendProblem(reply, "bulk_not_found");
      if (result.status !== "found") return sendUnavailable(reply, result);
      return reply.code(200).send(result.bulk);
    },
  );
}

/** A `preValidation` hook: a start needs a key, a preview does nothing that could be done twice. */
async function keyForToken(request: FastifyRequest): Promise<void> {
  const { body, headers } = request;
  if (typeof body === "object" && body !== null && "token" in body) await requireIdempotencyKey(request);
  else if (headers["idempotency-key"] !== undefined) checkIdempotencyKey(headers["idempotency-key"]);
}

const required = (name: string, message = "is required"): Fault => ({
  pointer: `/${name}`,
  code: "required",
  message,
});

/** Rules of a request that its schema cannot express. */
function requestFaults({ token, ...plan }: BulkRequest): Fault[] {
  if (token !== undefined)
    return Object.keys(plan).map((name) => ({
      pointer: `/${name}`,
      code: "not_allowed",
      message: "is not taken together with token",
    }));
  const { action, dryRun, filter, ids, reason } = plan;
  const faults: Fault[] = [];
  if (action === undefined) faults.push(required("action", "is required, or token is"));
  if (reason === undefined) faults.push(required("reason"));
  // Without any filter all orders there are would fit.
  const isEmpty = Object.keys(filter ?? {}).length === 0;
  if (isEmpty && ids === undefined)
    faults.push(required("filter", "is required with one filter at least, or ids are"));
  if (filter !== undefined && ids !== undefined)
    faults.push({ pointer: "/ids", code: "not_allowed", message: "is not taken together with filter" });
  if (dryRun !== true)
    faults.push(required("dryRun", "has to be true: a start takes the token of a preview"));
  return faults;
}

/** The plan of a request without faults. @throws ProblemError `validation_failed` for a filter's value */
function planOf({ action, filter, ids, reason }: BulkRequest): BulkPlan {
  const how = { action: action!, reason: reason! };
  if (ids !== undefined) return { ...how, ids };
  try {
    return { ...how, filter: filterOf(filter ?? {}) };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    const errors = error.members.errors?.map((fault) => ({ ...fault, pointer: `/filter${fault.pointer}` }));
    throw new ProblemError(error.code, errors ? { errors } : {});
  }
}

type NotStarted = Exclude<StartResult, { readonly status: "started" }>;

function sendNotStarted<S extends ProblemSink>(reply: S, result: NotStarted): S {
  switch (result.status) {
    case "token_unknown":
    case "token_expired":
      return sendProblem(reply, result.status);
    case "token_used":
    case "idempotency_key_reused":
      return sendProblem(reply, result.status, { bulkId: result.bulkId });
    case "selection_changed":
      return sendProblem(reply, result.status, { previewed: result.previewed, count: result.count });
    case "selection_too_large":
      return sendProblem(reply, result.status, { count: result.count });
    case "invalid": {
      const { field, reason } = result;
      const fault = { pointer: `/filter/${field}`, code: "invalid_format", message: reason } as const;
      return sendProblem(reply, "validation_failed", { errors: [fault] });
    }
    default:
      return sendNoAnswer(reply, result);
  }
}
