/** Parked orders: list, groups, one, resume, skip. For operators. */
import type { ParkedOrders, UnparkResult } from "../../services/parked/contract.ts";
import type { Sequenced } from "../../services/unavailable.ts";
import type { OrderPredictions } from "../../services/predictions/contract.ts";
import { groupsQuery } from "../operations/error-groups-schema.ts";
import { takesKey } from "../protocol/idempotency-key.ts";
import { requesterOf } from "../access/caller.ts";
import { emptyBodyIsEmptyObject } from "../protocol/empty-body.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { httpLimits } from "../protocol/limits.ts";
import { decodeCursor, encodeCursor, readLimit } from "../protocol/page-cursor.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { orderParams, ref } from "../protocol/schema-parts.ts";
import { type OrderSink, sendOrder, sequenceHeader, stateSequence } from "./order-answers.ts";
import type { WithReason } from "./command-schemas.ts";
import { commandHeaders, commandHow } from "./command-headers.ts";
import { dryRunAnswer, dryRunQuery, isDryRun, sendPredicted } from "./dry-run.ts";
import { parkedParams, parkedQuery, type SkipInput } from "./parked-schema.ts";

/** What the headers of a request may lead to. */
const conditional = ["version_changed", "invalid_idempotency_key", "idempotency_key_reused"] as const;

const listSchema = {
  operationId: "listParked",
  tags: ["Operations"],
  summary: "List the parked orders, oldest parking first",
  description:
    "Orders that no input reaches. `input` (also without `kind`): an input has stopped them, until an operator resumes them. `newer`: a newer program wrote them. `unreadable`: the program that owns them does not know their states. The last two go on by themselves under a program that can read them.",
  querystring: parkedQuery,
  response: { 200: { ...ref("ParkedPage"), description: "One page" } },
  problems: ["validation_failed", "refused", ...serviceProblems],
} as const;

const answer = {
  ...ref("Order"),
  description: "The order, which is not parked any more",
  headers: { etag: { type: "string", description: "Version of the order" }, ...sequenceHeader },
} as const;

const resumeSchema = {
  operationId: "resumeOrder",
  tags: ["Operations"],
  summary: "Try the input that parked the order again",
  description:
    "The owner asks the services of open effects again, under the same keys. Then it applies every input that waited, in order. An order that is not parked is answered as it is.",
  params: orderParams,
  querystring: dryRunQuery,
  headers: commandHeaders,
  body: ref<WithReason>("WithReason"),
  response: { 200: answer },
  also: dryRunAnswer,
  problems: [
    ...bodyProblems,
    "order_not_found",
    "still_parked",
    ...conditional,
    "refused",
    ...serviceProblems,
  ],
} as const;

const skipSchema = {
  operationId: "skipInput",
  tags: ["Operations"],
  summary: "Drop the input that parked the order",
  description: "Drops exactly this input; later ones are applied. The order's history records it.",
  params: orderParams,
  headers: commandHeaders,
  body: ref<SkipInput>("SkipInput"),
  response: { 200: answer },
  problems: [
    ...bodyProblems,
    "order_not_found",
    "still_parked",
    "not_parked",
    "parked_otherwise",
    "nothing_to_skip",
    ...conditional,
    "refused",
    ...serviceProblems,
  ],
} as const;

const oneSchema = {
  operationId: "readParked",
  tags: ["Operations"],
  summary: "Read the parking of one order",
  params: parkedParams,
  response: { 200: { ...ref("ParkedOrder"), description: "Why no input reaches the order" } },
  problems: ["order_not_parked", "refused", ...serviceProblems],
} as const;

const groupsSchema = {
  operationId: "groupParked",
  tags: ["Operations"],
  summary: "Group the parked orders that an input has stopped by their errors",
  querystring: groupsQuery,
  response: { 200: { ...ref("ErrorGroups"), description: "The most frequent first" } },
  problems: ["validation_failed", "refused", ...serviceProblems],
} as const;

const KEY = /^\d{1,16}\.[\w-]{1,200}$/u;

const config = { access: "parked:resolve", unknownParameter: "order_not_found" } as const;
const bodyless = { config, preValidation: [takesKey, emptyBodyIsEmptyObject] };

/** Adds the routes. */
export function parkedOrderRoutes(
  app: HttpApp,
  parked: ParkedOrders,
  predictions: Pick<OrderPredictions, "resume">,
): void {
  app.get(
    "/v1/parked",
    { schema: listSchema, preValidation: readLimit, config: { access: "parked:read" } },
    async (request, reply) => {
      const { limit = httpLimits.page.default, cursor, kind } = request.query;
      const after = cursor === undefined ? {} : { after: decodeCursor(cursor, KEY) };
      const result = await parked.list({ limit, ...after, ...(kind === undefined ? {} : { kind }) });
      if (result.status !== "found") return sendUnavailable(reply, result);
      const { items, missing, next } = result;
      const nextCursor = next === null ? null : encodeCursor(next);
      return reply.code(200).send({ items, nextCursor, ...(missing ? { missing } : {}) });
    },
  );

  app.get(
    "/v1/parked/groups",
    { schema: groupsSchema, config: { access: "parked:read" } },
    async (_, reply) => {
      const result = await parked.groups();
      if (result.status !== "found") return sendUnavailable(reply, result);
      return reply.code(200).send({ groups: result.groups, isComplete: true });
    },
  );

  const one = {
    schema: oneSchema,
    config: { access: "parked:read", unknownParameter: "order_not_parked" } as const,
  };
  app.get("/v1/parked/:order", one, async (request, reply) => {
    const result = await parked.find(request.params.order);
    if (result.status === "not_parked") return sendProblem(reply, "order_not_parked");
    if (result.status !== "found") return sendUnavailable(reply, result);
    return reply.code(200).send(result.parked);
  });

  app.post("/v1/orders/:id/resume", { ...bodyless, schema: resumeSchema }, async (request, reply) => {
    const { id } = request.params;
    const how = commandHow(request);
    if (isDryRun(request.query)) return sendPredicted(reply, await predictions.resume(id, how));
    return sendUnparked(
      reply,
      await parked.resume(id, { by: requesterOf(request), ...why(request.body), ...how }),
    );
  });

  app.post("/v1/orders/:id/skip", { ...bodyless, schema: skipSchema }, async (request, reply) => {
    const { parkingId } = request.body;
    const how = { by: requesterOf(request), ...why(request.body), ...commandHow(request) };
    return sendUnparked(reply, await parked.skip(request.params.id, parkingId, how));
  });
}

const why = ({ reason }: { readonly reason?: string }) => (reason === undefined ? {} : { reason });

function sendUnparked<S extends OrderSink>(reply: S, { storedAt, ...result }: Sequenced<UnparkResult>): S {
  stateSequence(reply, storedAt);
  switch (result.status) {
    case "done":
      return sendOrder(reply, 200, result.order);
    case "still_parked":
      return sendProblem(reply, "still_parked", { reason: result.reason });
    case "not_parked":
    case "parked_otherwise":
    case "nothing_to_skip":
      return sendProblem(reply, result.status);
    case "version_changed":
      return sendProblem(reply, "version_changed", { version: result.version });
    case "idempotency_key_reused":
      return sendProblem(reply, "idempotency_key_reused", { orderId: result.orderId });
    case "not_found":
      return sendProblem(reply, "order_not_found");
    default:
      return sendUnavailable(reply, result);
  }
}
