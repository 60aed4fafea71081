/** Reads of one order: the order, its history, its messages, its invoice and credit note. */
import type { FastifyReply } from "fastify";
import { Type } from "typebox";
import type { InvoiceResult, Invoices } from "../../services/invoice/contract.ts";
import type { OrderInsights } from "../../services/insight/contract.ts";
import type { Orders } from "../../services/orders/contract.ts";
import { etagOf, matches } from "../protocol/etag.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { httpLimits } from "../protocol/limits.ts";
import { readNumbers } from "../protocol/page-cursor.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { serviceProblems } from "../protocol/problem-schema.ts";
import type { ProblemCode } from "../protocol/problems.ts";
import { orderParams, ref } from "../protocol/schema-parts.ts";
import { commandInfos, includeQuery, instantParams, partsOf } from "./insight-schema.ts";
import { sendOrder } from "./order-answers.ts";
import { historyQuery } from "./order-schema.ts";

const config = { access: "orders:read", unknownParameter: "order_not_found" } as const;

const orderSchema = {
  operationId: "getOrder",
  tags: ["Orders"],
  summary: "Read an order",
  description: "The durably stored state. It may lag for a moment while a partition changes hands.",
  params: orderParams,
  querystring: includeQuery,
  headers: Type.Object({
    "if-none-match": Type.Optional(
      Type.String({ description: "Answer 304 when the version is still this one", examples: ['"3"'] }),
    ),
  }),
  response: {
    200: {
      ...ref("Order"),
      description: "The order",
      headers: { etag: { type: "string", description: "Version of the order" } },
    },
    304: { type: "null", description: "The version in If-None-Match is still the newest" },
  },
  also: { schema: "OrderInsight", together: true, when: "With `include`: the order, and" },
  problems: ["validation_failed", "order_not_found", "refused", ...serviceProblems],
} as const;

const instantSchema = {
  operationId: "getOrderInstant",
  tags: ["Orders"],
  summary: "Read one commit of an order with the state that it left",
  description:
    "States, open calls and timers as they were, and the events that were published. It never changes.",
  params: instantParams,
  response: { 200: { ...ref("OrderInstant"), description: "The commit" } },
  problems: ["order_not_found", "version_not_found", ...serviceProblems],
} as const;

const historySchema = {
  operationId: "getOrderHistory",
  tags: ["Orders"],
  summary: "Read the history of an order",
  description:
    "Every commit of the order, from the journal, oldest first: what came in, from whom and why, which transitions of which machines it took, and what they sent, emitted, called and armed.",
  params: orderParams,
  querystring: historyQuery,
  response: {
    200: { ...ref("History"), description: "One page of the history" },
  },
  problems: ["validation_failed", "order_not_found", "refused", ...serviceProblems],
} as const;

const messagesSchema = {
  operationId: "getOrderMessages",
  tags: ["Orders"],
  summary: "Read the messages about an order",
  description:
    "The latest 200 messages of the payment gateway, of the carrier and of the workers, oldest first; also those that changed nothing.",
  params: orderParams,
  response: {
    200: { ...ref("OrderMessages"), description: "The messages" },
  },
  problems: ["order_not_found", "refused", ...serviceProblems],
} as const;

const pdf = { "application/pdf": { schema: Type.Unsafe<unknown>({ type: "string", format: "binary" }) } };

const invoiceSchema = {
  operationId: "getInvoice",
  tags: ["Orders"],
  summary: "Download the invoice",
  description:
    "An invoice stays available once it is made, also when the order is cancelled or returned; a credit note then cancels it.",
  params: orderParams,
  response: { 200: { description: "The invoice", content: pdf } },
  problems: ["order_not_found", "invoice_not_ready", ...serviceProblems],
} as const;

const creditNoteSchema = {
  operationId: "getCreditNote",
  tags: ["Orders"],
  summary: "Download the credit note",
  description: "Of an order that was cancelled or returned after it had an invoice.",
  params: orderParams,
  response: { 200: { description: "The credit note", content: pdf } },
  problems: ["order_not_found", "credit_note_not_ready", ...serviceProblems],
} as const;

/** What the routes read from. */
export type ReadServices = {
  readonly orders: Orders;
  readonly insights: OrderInsights;
  readonly invoices: Invoices;
};

/** Adds the routes. */
export function readOrderRoutes(app: HttpApp, { insights, invoices, orders }: ReadServices): void {
  app.get("/v1/orders/:id", { schema: orderSchema, config }, async (request, reply) => {
    const parts = partsOf(request.query);
    if (parts.length > 0) return sendInsight(reply, await insights.read(request.params.id, parts));
    const result = await orders.get(request.params.id);
    if (result.status === "not_found") return sendProblem(reply, "order_not_found");
    if (result.status !== "found") return sendUnavailable(reply, result);
    const etag = etagOf(result.order.version);
    if (!matches(request.headers["if-none-match"], etag)) return sendOrder(reply, 200, result.order);
    return reply.code(304).header("etag", etag).header("cache-control", "private, no-cache").send();
  });

  const history = { schema: historySchema, config, preValidation: readNumbers("after", "limit") };
  app.get("/v1/orders/:id/history", history, async (request, reply) => {
    const { after = 0, limit = httpLimits.historyPage.default } = request.query;
    const result = await orders.history(request.params.id, { after, limit });
    if (result.status === "not_found") return sendProblem(reply, "order_not_found");
    if (result.status !== "found") return sendUnavailable(reply, result);
    return reply.code(200).send({ items: result.items, nextAfter: result.nextAfter });
  });

  app.get("/v1/orders/:id/history/:version", { schema: instantSchema, config }, async (request, reply) => {
    const { id, version } = request.params;
    const result = await insights.instant(id, Number(version));
    if (result.status === "not_found") return sendProblem(reply, "order_not_found");
    if (result.status === "version_not_found") return sendProblem(reply, "version_not_found");
    if (result.status !== "found") return sendUnavailable(reply, result);
    return reply
      .code(200)
      .header("cache-control", "private, max-age=31536000, immutable")
      .send(result.instant);
  });

  app.get("/v1/orders/:id/messages", { schema: messagesSchema, config }, async (request, reply) => {
    const result = await orders.messages(request.params.id);
    if (result.status === "not_found") return sendProblem(reply, "order_not_found");
    if (result.status !== "found") return sendUnavailable(reply, result);
    return reply.code(200).send({ items: result.items });
  });

  app.get("/v1/orders/:id/invoice", { schema: invoiceSchema, config }, async (request, reply) =>
    sendPdf(reply, await invoices.read(request.params.id), "invoice_not_ready"),
  );

  app.get("/v1/orders/:id/credit-note", { schema: creditNoteSchema, config }, async (request, reply) =>
    sendPdf(reply, await invoices.creditNote(request.params.id), "credit_note_not_ready"),
  );
}

/** The order with what was asked for; as bytes, because the serializer of the order has another schema. */
function sendInsight(reply: FastifyReply, result: Awaited<ReturnType<OrderInsights["read"]>>): FastifyReply {
  if (result.status === "not_found") return sendProblem(reply, "order_not_found");
  if (result.status !== "found") return sendUnavailable(reply, result);
  const { insight, order } = result;
  const actions = insight.actions?.map((action) => {
    const { body, danger = false, needsReason = false, path, title } = commandInfos[action.event];
    return { ...action, title, path, schema: body, danger, needsReason };
  });
  reply.code(200).header("etag", etagOf(order.version)).header("cache-control", "private, no-store");
  reply.header("content-type", "application/json; charset=utf-8");
  return reply.send(Buffer.from(JSON.stringify({ ...order, ...insight, ...(actions && { actions }) })));
}

function sendPdf(reply: FastifyReply, result: InvoiceResult, missing: ProblemCode): FastifyReply {
  if (result.status === "not_found") return sendProblem(reply, "order_not_found");
  if (result.status === "not_ready") return sendProblem(reply, missing);
  if (result.status !== "found") return sendUnavailable(reply, result);
  // The number goes into a header: only characters that need no quoting there.
  const name = result.number.replaceAll(/[^A-Za-z0-9._-]/gu, "_");
  reply.header("content-disposition", `inline; filename="${name}.pdf"`);
  return reply.type("application/pdf").send(result.pdf);
}
