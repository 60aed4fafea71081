/**
 * Commands to an existing order: cancel, an operator's retry, the five manual steps of fulfillment, and an operator's
 * reports about a parcel in transit.
 */
import type { OrderCommand, Orders } from "../../services/orders/contract.ts";
import { emptyBodyIsEmptyObject } from "../protocol/empty-body.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import type { ProblemCode } from "../protocol/problems.ts";
import { requester } from "../protocol/requester.ts";
import { orderParams, ref } from "../protocol/schema-parts.ts";
import {
  type CancelOrder,
  DEFAULT_CANCEL_REASON,
  type DeliverOrder,
  type QualityCheck,
  type SettleDispute,
  type ReceiveParcel,
} from "./command-schemas.ts";
import { sendCommanded } from "./order-answers.ts";

function schemaOf<B>(
  operationId: string,
  tag: string,
  summary: string,
  body: string,
  ...more: ProblemCode[]
) {
  return {
    operationId,
    tags: [tag],
    summary,
    params: orderParams,
    body: ref<B>(body),
    response: {
      200: {
        ...ref("Order"),
        description: "The order after the command",
        headers: { etag: { type: "string", description: "Version of the order" } },
      },
    },
    problems: [
      ...bodyProblems,
      "order_not_found",
      "illegal_transition",
      "refused",
      ...serviceProblems,
      ...more,
    ] as const,
  };
}

const config = { unknownParameter: "order_not_found" } as const;
const bodyless = { config, preValidation: emptyBodyIsEmptyObject };

/** Adds the routes. */
export function orderCommandRoutes(app: HttpApp, orders: Orders): void {
  const cancel = schemaOf<CancelOrder>("cancelOrder", "Orders", "Cancel an order", "CancelOrder");
  app.post("/v1/orders/:id/cancel", { ...bodyless, schema: cancel }, async (request, reply) => {
    const reason = request.body.reason ?? DEFAULT_CANCEL_REASON;
    return sendCommanded(
      reply,
      await orders.command(request.params.id, { type: "cancel", reason }, requester),
    );
  });
  const retry = schemaOf<Record<string, never>>(
    "retryOrder",
    "Orders",
    "Retry a failed capture, void, refund, label, retrieval or hand-over at once",
    "NoFields",
  );
  app.post("/v1/orders/:id/retry", { ...bodyless, schema: retry }, async (request, reply) =>
    sendCommanded(reply, await orders.command(request.params.id, { type: "retry" }, requester)),
  );
  fulfillmentRoutes(app, orders);
  parcelRoutes(app, orders);
}

const path = (name: string): string => `/v1/orders/:id/fulfillment/${name}`;

/** What an operator reports about a parcel when its carrier does not, in every mode of fulfillment. */
function parcelRoutes(app: HttpApp, orders: Orders): void {
  const reports = [
    ["report-refused", "reportRefused", "Report that the receiver refused the parcel: it comes back"],
    [
      "report-unclaimed",
      "reportUnclaimed",
      "Report that the parcel was not collected in time: it comes back",
    ],
    [
      "report-lost",
      "reportLost",
      "Report that the parcel is lost: its goods are written off, the order is returned",
    ],
  ] as const;
  for (const [type, operationId, summary] of reports) {
    const schema = schemaOf<Record<string, never>>(operationId, "Fulfillment", summary, "NoFields");
    app.post(path(type), { ...bodyless, schema }, async (request, reply) =>
      sendCommanded(reply, await orders.command(request.params.id, { type }, requester)),
    );
  }
  const putBack = schemaOf<ReceiveParcel>(
    "receiveParcel",
    "Fulfillment",
    "Receive the parcel back: its goods go back into stock or are written off, the order is returned",
    "ReceiveParcel",
  );
  app.post(path("receive"), { config, schema: putBack }, async (request, reply) => {
    const { restock } = request.body;
    return sendCommanded(
      reply,
      await orders.command(request.params.id, { type: "receive", restock }, requester),
    );
  });
  const settle = schemaOf<SettleDispute>(
    "settleDispute",
    "Fulfillment",
    "Accept the amount that the carrier collected instead of the amount due",
    "SettleDispute",
  );
  app.post(path("settle"), { config, schema: settle }, async (request, reply) => {
    const { reason } = request.body;
    return sendCommanded(
      reply,
      await orders.command(request.params.id, { type: "settle", reason }, requester),
    );
  });
}

function fulfillmentRoutes(app: HttpApp, orders: Orders): void {
  const steps = [
    ["pick", "Pick the items"],
    ["pack", "Pack the parcel; label, capture and invoice follow automatically"],
    ["ship", "Hand the parcel to the carrier"],
  ] as const;
  for (const [type, summary] of steps) {
    const schema = schemaOf<Record<string, never>>(`${type}Order`, "Fulfillment", summary, "NoFields");
    app.post(`/v1/orders/:id/fulfillment/${type}`, { ...bodyless, schema }, async (request, reply) =>
      sendCommanded(reply, await orders.command(request.params.id, { type }, requester)),
    );
  }

  const check = schemaOf<QualityCheck>(
    "checkQuality",
    "Fulfillment",
    "Record the quality check",
    "QualityCheck",
  );
  app.post("/v1/orders/:id/fulfillment/quality-check", { config, schema: check }, async (request, reply) => {
    const command: OrderCommand = { type: "quality-check", passed: request.body.passed };
    return sendCommanded(reply, await orders.command(request.params.id, command, requester));
  });

  const deliver = schemaOf<DeliverOrder>(
    "deliverOrder",
    "Fulfillment",
    "Record the delivery, and what was collected",
    "DeliverOrder",
    "amount_mismatch",
  );
  app.post("/v1/orders/:id/fulfillment/deliver", { ...bodyless, schema: deliver }, async (request, reply) => {
    const { collected } = request.body;
    const command: OrderCommand = { type: "deliver", ...(collected === undefined ? {} : { collected }) };
    return sendCommanded(reply, await orders.command(request.params.id, command, requester));
  });
}
