/** Parked orders: list, resume, skip. For operators. */
import type { ParkedOrders, UnparkResult } from "../../services/orders/contract.ts";
import type { Sequenced } from "../../services/unavailable.ts";
import { emptyBodyIsEmptyObject } from "../protocol/empty-body.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { httpLimits } from "../protocol/limits.ts";
import { decodeCursor, encodeCursor, readLimit } from "../protocol/page-cursor.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { orderParams, ref } from "../protocol/schema-parts.ts";
import { type OrderSink, sendOrder, sequenceHeader, stateSequence } from "./order-answers.ts";
import { parkedQuery, type SkipInput } from "./parked-schema.ts";

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
  body: ref<Record<string, never>>("NoFields"),
  response: { 200: answer },
  problems: [...bodyProblems, "order_not_found", "still_parked", "refused", ...serviceProblems],
} as const;

const skipSchema = {
  operationId: "skipInput",
  tags: ["Operations"],
  summary: "Drop the input that parked the order",
  description: "Drops exactly this input; later ones are applied. The order's history records it.",
  params: orderParams,
  body: ref<SkipInput>("SkipInput"),
  response: { 200: answer },
  problems: [
    ...bodyProblems,
    "order_not_found",
    "still_parked",
    "not_parked",
    "parked_otherwise",
    "nothing_to_skip",
    "refused",
    ...serviceProblems,
  ],
} as const;

const KEY = /^\d{1,16}\.[\w-]{1,200}$/u;

const config = { unknownParameter: "order_not_found" } as const;
const bodyless = { config, preValidation: emptyBodyIsEmptyObject };

/** Adds the routes. */
export function parkedOrderRoutes(app: HttpApp, parked: ParkedOrders): void {
  app.get("/v1/parked", { schema: listSchema, preValidation: readLimit }, async (request, reply) => {
    const { limit = httpLimits.page.default, cursor, kind } = request.query;
    const after = cursor === undefined ? {} : { after: decodeCursor(cursor, KEY) };
    const result = await parked.list({ limit, ...after, ...(kind === undefined ? {} : { kind }) });
    if (result.status !== "found") return sendUnavailable(reply, result);
    const { items, missing, next } = result;
    const nextCursor = next === null ? null : encodeCursor(next);
    return reply.code(200).send({ items, nextCursor, ...(missing ? { missing } : {}) });
  });

  app.post("/v1/orders/:id/resume", { ...bodyless, schema: resumeSchema }, async (request, reply) =>
    sendUnparked(reply, await parked.resume(request.params.id)),
  );

  app.post("/v1/orders/:id/skip", { ...bodyless, schema: skipSchema }, async (request, reply) =>
    sendUnparked(reply, await parked.skip(request.params.id, request.body.parkingId)),
  );
}

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
    case "not_found":
      return sendProblem(reply, "order_not_found");
    default:
      return sendUnavailable(reply, result);
  }
}
