/** `PATCH /v1/orders/{id}`: tags, metadata, external reference and note. It moves no machine of the order. */
import type { OrderPredictions } from "../../services/predictions/contract.ts";
import type { Orders } from "../../services/orders/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { takesKey } from "../protocol/idempotency-key.ts";
import { httpLimits } from "../protocol/limits.ts";
import { sendProblem } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { requesterOf } from "../access/caller.ts";
import { orderParams, ref } from "../protocol/schema-parts.ts";
import type { AnnotateOrder } from "./annotations-schema.ts";
import { commandHeaders, commandHow } from "./command-headers.ts";
import { dryRunAnswer, dryRunQuery, isDryRun, sendPredicted } from "./dry-run.ts";
import { sendCommanded, sequenceHeader } from "./order-answers.ts";

const schema = {
  operationId: "annotateOrder",
  tags: ["Orders"],
  summary: "Change tags, metadata, external reference and note of an order",
  description:
    "A member that is given replaces what was there, `null` removes it, and the others stay. At most 8 KiB together. It moves no machine.",
  params: orderParams,
  querystring: dryRunQuery,
  headers: commandHeaders,
  body: ref<AnnotateOrder>("AnnotateOrder"),
  response: {
    200: {
      ...ref("Order"),
      description: "The order with its changes",
      headers: { etag: { type: "string", description: "Version of the order" }, ...sequenceHeader },
    },
  },
  also: dryRunAnswer,
  problems: [
    ...bodyProblems,
    "order_not_found",
    "reference_taken",
    "version_changed",
    "invalid_idempotency_key",
    "idempotency_key_reused",
    "refused",
    ...serviceProblems,
  ],
} as const;

const config = { access: "orders:edit", unknownParameter: "order_not_found" } as const;

/** Adds the route. */
export function annotateOrderRoute(
  app: HttpApp,
  orders: Pick<Orders, "annotate">,
  predictions: Pick<OrderPredictions, "annotate">,
): void {
  app.patch("/v1/orders/:id", { schema, config, preValidation: takesKey }, async (request, reply) => {
    const { reason, ...changes } = request.body;
    if (Buffer.byteLength(JSON.stringify(changes)) > httpLimits.annotationBytes) {
      const message = `must be at most ${httpLimits.annotationBytes} bytes together`;
      return sendProblem(reply, "validation_failed", {
        errors: [{ pointer: "", code: "too_long", message }],
      });
    }
    const { id } = request.params;
    const how = { ...(reason === undefined ? {} : { reason }), ...commandHow(request) };
    if (isDryRun(request.query)) return sendPredicted(reply, await predictions.annotate(id, changes, how));
    return sendCommanded(reply, await orders.annotate(id, changes, { by: requesterOf(request), ...how }));
  });
}
