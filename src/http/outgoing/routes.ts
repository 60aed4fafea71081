/** Outgoing webhooks: endpoints, their deliveries, and replays. For operators. */
import { Type } from "typebox";
import type { OutgoingWebhooks } from "../../services/outgoing/contract.ts";
import { emptyBodyIsEmptyObject } from "../protocol/empty-body.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { httpLimits } from "../protocol/limits.ts";
import { decodeCursor, encodeCursor, readLimit, readNumbers } from "../protocol/page-cursor.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { ref } from "../protocol/schema-parts.ts";
import {
  type CreateWebhookEndpoint,
  deliveriesQuery,
  deliveryParams,
  endpointParams,
  replayQuery,
} from "./schemas.ts";

const tags = ["Outgoing webhooks"];
const problems = ["webhook_endpoint_not_found", "refused", ...serviceProblems] as const;

const createSchema = {
  operationId: "createWebhookEndpoint",
  tags,
  summary: "Make an endpoint that is notified of orders' events",
  description: [
    "Each event is one signed request (Standard Webhooks) with `type`, `timestamp` and `data`: `eventId`, `orderId`,",
    "`version`, `sequence`, `stream`; no personal data. The events of one order come in order; each is sent again, after",
    "growing pauses for about six hours, until the answer is 2xx. A receiver recognizes a repeat by its `webhook-id`.",
  ].join(" "),
  body: ref<CreateWebhookEndpoint>("CreateWebhookEndpoint"),
  response: {
    201: {
      ...ref("CreatedWebhookEndpoint"),
      description: "It gets the events from now on",
      headers: { location: { type: "string", description: "Where it is read" } },
    },
  },
  problems: [...bodyProblems, "too_many_endpoints", "refused", ...serviceProblems],
} as const;

const listSchema = {
  operationId: "listWebhookEndpoints",
  tags,
  summary: "List the endpoints",
  response: {
    200: { ...ref("WebhookEndpoints"), description: "All of them, oldest first, without secrets" },
  },
  problems: ["refused", ...serviceProblems],
} as const;

const removeSchema = {
  operationId: "removeWebhookEndpoint",
  tags,
  summary: "Remove an endpoint",
  params: endpointParams,
  response: {
    204: Type.Unsafe<unknown>({ type: "null", description: "Nothing more is sent to it, within moments" }),
  },
  problems: [...bodyProblems, ...problems],
} as const;

const deliveriesSchema = {
  operationId: "listWebhookDeliveries",
  tags,
  summary: "List the deliveries of an endpoint",
  description: "Of the last 30 days, by the time of their latest try, oldest first.",
  params: endpointParams,
  querystring: deliveriesQuery,
  response: { 200: { ...ref("WebhookDeliveryPage"), description: "One page" } },
  problems: ["validation_failed", ...problems],
} as const;

const replaySchema = {
  operationId: "replayWebhookDelivery",
  tags,
  summary: "Send one delivery again, now",
  params: deliveryParams,
  body: ref("NoFields"),
  response: { 200: { ...ref("WebhookDelivery"), description: "The delivery after this try" } },
  problems: [...bodyProblems, "webhook_delivery_not_found", ...problems],
} as const;

const replayFromSchema = {
  operationId: "replayWebhookEndpoint",
  tags,
  summary: "Send all events again from a sequence on",
  description:
    "In order, also those that were delivered; then those that come. With several streams: of each of them.",
  params: endpointParams,
  querystring: replayQuery,
  body: ref("NoFields"),
  response: { 202: { ...ref("WebhookEndpoint"), description: "The replay has begun" } },
  problems: [...bodyProblems, ...problems],
} as const;

const rotateSchema = {
  operationId: "rotateWebhookSecret",
  tags,
  summary: "Give an endpoint a new secret",
  description: [
    "Requests are signed with the new secret and, for 24 hours, with the one before too: `webhook-signature` has both, and",
    "a receiver that knows either takes them. A second rotation within that time ends the oldest one at once.",
  ].join(" "),
  params: endpointParams,
  body: ref("NoFields"),
  response: { 200: { ...ref("RotatedWebhookEndpoint"), description: "The endpoint with its new secret" } },
  problems: [...bodyProblems, ...problems],
} as const;

const config = { access: "webhooks:manage", unknownParameter: "webhook_endpoint_not_found" } as const;
const CURSOR = /^\d{1,15}$/u;

/** Adds the routes. */
export function outgoingRoutes(app: HttpApp, outgoing: OutgoingWebhooks): void {
  app.post(
    "/v1/webhook-endpoints",
    { schema: createSchema, config: { access: "webhooks:manage" } },
    async (request, reply) => {
      const result = await outgoing.create(request.body);
      switch (result.status) {
        case "created": {
          const { endpoint, secret } = result;
          reply
            .header("location", `/v1/webhook-endpoints/${endpoint.id}`)
            .header("cache-control", "no-store");
          return reply.code(201).send({ ...endpoint, secret });
        }
        case "invalid_url": {
          const fault = { pointer: "/url", code: "not_allowed", message: result.reason } as const;
          return sendProblem(reply, "validation_failed", { errors: [fault] });
        }
        case "too_many_endpoints":
          return sendProblem(reply, "too_many_endpoints");
        default:
          return sendUnavailable(reply, result);
      }
    },
  );

  app.get(
    "/v1/webhook-endpoints",
    { schema: listSchema, config: { access: "webhooks:manage" } },
    async (_request, reply) => {
      const result = await outgoing.list();
      if (result.status !== "found") return sendUnavailable(reply, result);
      return reply.code(200).send({ items: result.items });
    },
  );

  app.delete("/v1/webhook-endpoints/:id", { schema: removeSchema, config }, async (request, reply) => {
    const result = await outgoing.remove(request.params.id);
    if (result.status === "not_found") return sendProblem(reply, "webhook_endpoint_not_found");
    if (result.status !== "removed") return sendUnavailable(reply, result);
    return reply.code(204).send(null);
  });

  const rotate = { schema: rotateSchema, config, preValidation: emptyBodyIsEmptyObject };
  app.post("/v1/webhook-endpoints/:id/rotate-secret", rotate, async (request, reply) => {
    const result = await outgoing.rotate(request.params.id);
    if (result.status === "not_found") return sendProblem(reply, "webhook_endpoint_not_found");
    if (result.status !== "rotated") return sendUnavailable(reply, result);
    const { endpoint, formerUntil, secret } = result;
    reply.header("cache-control", "no-store");
    return reply.code(200).send({ ...endpoint, secret, formerUntil });
  });

  const deliveries = { schema: deliveriesSchema, config, preValidation: readLimit };
  app.get("/v1/webhook-endpoints/:id/deliveries", deliveries, async (request, reply) => {
    const { cursor, limit = httpLimits.page.default, state } = request.query;
    const result = await outgoing.deliveries(request.params.id, {
      limit,
      ...(state === undefined ? {} : { state }),
      ...(cursor === undefined ? {} : { after: Number(decodeCursor(cursor, CURSOR)) }),
    });
    if (result.status === "not_found") return sendProblem(reply, "webhook_endpoint_not_found");
    if (result.status !== "found") return sendUnavailable(reply, result);
    const nextCursor = result.next === null ? null : encodeCursor(String(result.next));
    return reply.code(200).send({ items: result.items, nextCursor });
  });

  const replay = { schema: replaySchema, config, preValidation: emptyBodyIsEmptyObject };
  app.post("/v1/webhook-endpoints/:id/deliveries/:did/replay", replay, async (request, reply) => {
    const { did, id } = request.params;
    const result = await outgoing.replay(id, did);
    if (result.status === "not_found") return sendProblem(reply, "webhook_endpoint_not_found");
    if (result.status === "delivery_not_found") return sendProblem(reply, "webhook_delivery_not_found");
    if (result.status !== "sent") return sendUnavailable(reply, result);
    return reply.code(200).send(result.delivery);
  });

  const replayFrom = {
    schema: replayFromSchema,
    config,
    preValidation: [readNumbers("fromSequence"), emptyBodyIsEmptyObject],
  };
  app.post("/v1/webhook-endpoints/:id/replay", replayFrom, async (request, reply) => {
    const result = await outgoing.replayFrom(request.params.id, request.query.fromSequence);
    if (result.status === "not_found") return sendProblem(reply, "webhook_endpoint_not_found");
    if (result.status !== "replaying") return sendUnavailable(reply, result);
    return reply.code(202).send(result.endpoint);
  });
}
