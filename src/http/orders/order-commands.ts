/**
 * Commands to an existing order: cancel, an operator's retry, the five manual steps of fulfillment, and an operator's
 * reports about a parcel in transit.
 */
import type { OrderPredictions } from "../../services/predictions/contract.ts";
import type { OrderCommand, Orders } from "../../services/orders/contract.ts";
import { emptyBodyIsEmptyObject } from "../protocol/empty-body.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { takesKey } from "../protocol/idempotency-key.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import type { ProblemCode } from "../protocol/problems.ts";
import { requesterOf } from "../access/caller.ts";
import type { Permission } from "../../services/access/contract.ts";
import { orderParams, ref } from "../protocol/schema-parts.ts";
import {
  type CancelOrder,
  DEFAULT_CANCEL_REASON,
  type DeliverOrder,
  mayBeEmpty,
  type QualityCheck,
  type SettleDispute,
  type ReceiveParcel,
  type WithReason,
} from "./command-schemas.ts";
import { commandHeaders, commandHow } from "./command-headers.ts";
import { dryRunAnswer, dryRunQuery, isDryRun, sendPredicted } from "./dry-run.ts";
import { sendCommanded, sequenceHeader } from "./order-answers.ts";

/** What commands are passed to, and what predicts them. */
type CommandServices = { readonly orders: Orders; readonly predictions: OrderPredictions };

/** One command as its route has it. `body`: the component of its body. */
type CommandRoute<B> = {
  readonly path: string;
  readonly operationId: string;
  readonly access: Permission;
  readonly tag: "Orders" | "Fulfillment";
  readonly summary: string;
  readonly body: string;
  readonly command: (body: B) => OrderCommand;
  readonly problems?: readonly ProblemCode[];
};

function schemaOf<B>({ body, operationId, problems = [], summary, tag }: CommandRoute<B>) {
  return {
    operationId,
    tags: [tag],
    summary,
    params: orderParams,
    querystring: dryRunQuery,
    headers: commandHeaders,
    body: ref<B>(body),
    response: {
      200: {
        ...ref("Order"),
        description: "The order after the command",
        headers: { etag: { type: "string", description: "Version of the order" }, ...sequenceHeader },
      },
    },
    also: dryRunAnswer,
    problems: [
      ...bodyProblems,
      "order_not_found",
      "illegal_transition",
      "version_changed",
      "invalid_idempotency_key",
      "idempotency_key_reused",
      "refused",
      ...serviceProblems,
      ...problems,
    ] as const,
  };
}

function commandRoute<B extends { readonly reason?: string }>(
  app: HttpApp,
  { predictions, orders }: CommandServices,
  route: CommandRoute<B>,
): void {
  const preValidation = mayBeEmpty.has(route.body) ? [takesKey, emptyBodyIsEmptyObject] : [takesKey];
  const schema = schemaOf(route);
  const config = { access: route.access, unknownParameter: "order_not_found" } as const;
  app.post(`/v1/orders/:id/${route.path}`, { config, preValidation, schema }, async (request, reply) => {
    const body = request.body as B;
    const { id } = request.params;
    const command = route.command(body);
    const { reason } = body;
    const how = { ...(reason === undefined ? {} : { reason }), ...commandHow(request) };
    if (isDryRun(request.query)) return sendPredicted(reply, await predictions.command(id, command, how));
    return sendCommanded(reply, await orders.command(id, command, { by: requesterOf(request), ...how }));
  });
}

/** Adds the routes. */
export function orderCommandRoutes(app: HttpApp, orders: Orders, predictions: OrderPredictions): void {
  const services = { orders, predictions };
  commandRoute<CancelOrder>(app, services, {
    path: "cancel",
    operationId: "cancelOrder",
    access: "orders:cancel",
    tag: "Orders",
    summary: "Cancel an order",
    body: "CancelOrder",
    command: ({ reason = DEFAULT_CANCEL_REASON }) => ({ type: "cancel", reason }),
  });
  commandRoute<WithReason>(app, services, {
    path: "retry",
    operationId: "retryOrder",
    access: "orders:retry",
    tag: "Orders",
    summary: "Retry a failed capture, void, refund, label, retrieval or hand-over at once",
    body: "WithReason",
    command: () => ({ type: "retry" }),
  });
  stepRoutes(app, services);
  parcelRoutes(app, services);
}

/** The manual steps of the warehouse. */
function stepRoutes(app: HttpApp, services: CommandServices): void {
  const steps = [
    ["pick", "Pick the items"],
    ["pack", "Pack the parcel; label, capture and invoice follow automatically"],
    ["ship", "Hand the parcel to the carrier"],
  ] as const;
  for (const [type, summary] of steps) {
    const operationId = `${type}Order`;
    const command = (): OrderCommand => ({ type });
    const route = {
      path: `fulfillment/${type}`,
      operationId,
      access: "orders:fulfill",
      tag: "Fulfillment",
      summary,
    } as const;
    commandRoute<WithReason>(app, services, { ...route, body: "WithReason", command });
  }
  commandRoute<QualityCheck>(app, services, {
    path: "fulfillment/quality-check",
    operationId: "checkQuality",
    access: "orders:fulfill",
    tag: "Fulfillment",
    summary: "Record the quality check",
    body: "QualityCheck",
    command: ({ passed }) => ({ type: "quality-check", passed }),
  });
  commandRoute<DeliverOrder>(app, services, {
    path: "fulfillment/deliver",
    operationId: "deliverOrder",
    access: "orders:fulfill",
    tag: "Fulfillment",
    summary: "Record the delivery, and what was collected",
    body: "DeliverOrder",
    command: ({ collected }) => ({ type: "deliver", ...(collected === undefined ? {} : { collected }) }),
    problems: ["amount_mismatch"],
  });
}

/** What an operator reports about a parcel when its carrier does not, in every mode of fulfillment. */
function parcelRoutes(app: HttpApp, services: CommandServices): void {
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
    const command = (): OrderCommand => ({ type });
    const route = {
      path: `fulfillment/${type}`,
      operationId,
      access: "orders:fulfill",
      tag: "Fulfillment",
      summary,
    } as const;
    commandRoute<WithReason>(app, services, { ...route, body: "WithReason", command });
  }
  commandRoute<ReceiveParcel>(app, services, {
    path: "fulfillment/receive",
    operationId: "receiveParcel",
    access: "orders:fulfill",
    tag: "Fulfillment",
    summary:
      "Receive the parcel back: its goods go back into stock or are written off, the order is returned",
    body: "ReceiveParcel",
    command: ({ restock }) => ({ type: "receive", restock }),
  });
  commandRoute<SettleDispute>(app, services, {
    path: "fulfillment/settle",
    operationId: "settleDispute",
    access: "orders:settle",
    tag: "Fulfillment",
    summary: "Accept the amount that the carrier collected instead of the amount due",
    body: "SettleDispute",
    command: ({ reason }) => ({ type: "settle", reason }),
  });
}
