/** `POST /v1/orders`: the hot path. It does nothing per request that it can do once. */
import { Type } from "typebox";
import type { OrderPredictions } from "../../services/predictions/contract.ts";
import type { Orders } from "../../services/orders/contract.ts";
import { faultsOf } from "../protocol/faults.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { idempotencyKey } from "../protocol/idempotency-key.ts";
import { readPreferences } from "../protocol/preferences.ts";
import { sendProblem } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { requesterOf } from "../access/caller.ts";
import { ref } from "../protocol/schema-parts.ts";
import { dryRunAnswer, dryRunQuery, isDryRun, sendPredicted } from "./dry-run.ts";
import { sendPlaced, sequenceHeader } from "./order-answers.ts";
import { orderFaults } from "./order-faults.ts";
import type { PlaceOrderBody } from "./place-order-schema.ts";

const headers = Type.Object({
  "idempotency-key": Type.Optional(
    idempotencyKey(
      "The same key with the same body gets the same order and the same status, while the order is stored",
    ),
  ),
  prefer: Type.Optional(
    Type.String({
      description:
        "`respond-async`: answer 202 after the first commit. `wait=N`: wait N seconds, 1 to 60, for the order to settle",
      examples: ["wait=5"],
    }),
  ),
});

const location = { location: { type: "string", description: "Address of the order" } };
const etag = { etag: { type: "string", description: "Version of the order" }, ...sequenceHeader };
const applied = { "preference-applied": { type: "string", description: "What `Prefer` achieved" } };

const schema = {
  operationId: "placeOrder",
  tags: ["Orders"],
  summary: "Place an order",
  description:
    "Reserves all lines or none, authorizes the payment and answers when the order is settled, or after the wait.",
  headers,
  querystring: dryRunQuery,
  body: ref<PlaceOrderBody>("PlaceOrder"),
  response: {
    201: {
      ...ref("Order"),
      description: "Confirmed, or waiting for the customer on the payment page (`payment.url`)",
      headers: { ...location, ...etag, ...applied },
    },
    202: {
      ...ref("Order"),
      description: "Not settled yet: the order as it is",
      headers: { ...location, ...etag, ...applied },
    },
  },
  also: dryRunAnswer,
  problems: [
    ...bodyProblems,
    "duplicate_sku",
    "invalid_idempotency_key",
    "payment_failed",
    "payment_expired",
    "out_of_stock",
    "price_changed",
    "reference_taken",
    "refused",
    "idempotency_key_reused",
    "unknown_sku",
    "sku_not_for_sale",
    "mixed_currency",
    "maintenance",
    ...serviceProblems,
  ],
} as const;

/** What the route needs. */
export type PlaceOrderServices = {
  readonly orders: Orders;
  readonly predictions: OrderPredictions;
  /** How long a client waits that states no preference, ms. */
  readonly defaultWaitMs: number;
};

/** Adds the route. */
export function placeOrderRoute(
  app: HttpApp,
  { defaultWaitMs, predictions, orders }: PlaceOrderServices,
): void {
  // The handler reports faults of the schema together with those of the rules beyond it.
  app.post(
    "/v1/orders",
    { schema, attachValidation: true, config: { access: "orders:place" } },
    async (request, reply) => {
      const broken = request.validationError;
      if (broken?.validationContext === "headers") return sendProblem(reply, "invalid_idempotency_key");
      if (broken?.validationContext === "querystring") throw broken;
      const faults = [...faultsOf(broken?.validation ?? []), ...orderFaults(request.body)];
      if (faults.length > 0) {
        const onlySkus = faults.every(({ code }) => code === "duplicate_sku");
        return sendProblem(reply, onlySkus ? "duplicate_sku" : "validation_failed", { errors: faults });
      }
      const key = request.headers["idempotency-key"];
      const preferences = readPreferences(request.headers.prefer, defaultWaitMs);
      const how = {
        ...(key === undefined ? {} : { idempotencyKey: key }),
        caller: request.caller.id,
        waitMs: preferences.waitMs,
      };
      if (isDryRun(request.query)) return sendPredicted(reply, await predictions.place(request.body, how));
      const result = await orders.place(request.body, { ...how, by: requesterOf(request) });
      return sendPlaced(reply, result, preferences);
    },
  );
}
