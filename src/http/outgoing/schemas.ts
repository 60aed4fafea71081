/** Schemas of outgoing webhooks. */
import { type Static, Type } from "typebox";
import { publicEvents } from "../../services/events/contract.ts";
import { deliveryStates } from "../../services/outgoing/contract.ts";
import { httpLimits } from "../protocol/limits.ts";
import { closed, nullable, oneOf, time } from "../protocol/schema-parts.ts";

const eventTypes = publicEvents.map(({ type }) => type);
const types = Type.Array(oneOf(eventTypes), {
  minItems: 1,
  maxItems: 100,
  description: "Types of the events that it gets; `GET /asyncapi.json` describes them",
});
const url = Type.String({
  minLength: 1,
  maxLength: 2000,
  description:
    "`https:`, port 443 or 8443, without a user name; its host resolves to addresses of the public internet, at every try",
});

/** Body of `POST /v1/webhook-endpoints`. */
export const CreateWebhookEndpoint = closed(
  { url, types },
  {
    $id: "CreateWebhookEndpoint",
    examples: [{ url: "https://shop.example.com/hooks", types: ["order.confirmed", "order.shipped"] }],
  },
);

const endpoint = {
  id: Type.String({ examples: ["whe_4f0v5Xk2"] }),
  url: Type.String(),
  types: Type.Array(Type.String()),
  createdAt: time,
};

const secret = Type.String({
  description: "Signs every request (Standard Webhooks). Shown now and never again",
  examples: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
});

/** An endpoint. */
export const WebhookEndpoint = Type.Object(endpoint, { $id: "WebhookEndpoint", title: "WebhookEndpoint" });

/** A new endpoint, with its secret. */
export const CreatedWebhookEndpoint = Type.Object(
  {
    ...endpoint,
    secret,
  },
  { $id: "CreatedWebhookEndpoint", title: "CreatedWebhookEndpoint" },
);

/** An endpoint whose secret was rotated. */
export const RotatedWebhookEndpoint = Type.Object(
  {
    ...endpoint,
    secret,
    formerUntil: { ...time, description: "The secret before signs every request too, until then" },
  },
  { $id: "RotatedWebhookEndpoint", title: "RotatedWebhookEndpoint" },
);

/** All endpoints. */
export const WebhookEndpoints = Type.Object(
  { items: Type.Array(Type.Object(endpoint)) },
  { $id: "WebhookEndpoints", title: "WebhookEndpoints" },
);

const delivery = {
  id: Type.String({ description: "Id of the event, and the `webhook-id`", examples: ["ord_4f0v5Xk2.3.0"] }),
  type: Type.String({ examples: ["order.confirmed"] }),
  orderId: Type.String(),
  version: Type.Integer({ description: "Of the order" }),
  sequence: Type.Integer({ description: "Of the event in its stream; `fromSequence` takes it" }),
  stream: Type.Integer(),
  occurredAt: time,
  state: oneOf(
    deliveryStates,
    "`pending`: it is sent again. `failed`: it is not, unless it is replayed; later events of its order were sent",
  ),
  attempts: Type.Integer(),
  status: nullable(Type.Integer({ description: "HTTP status of the latest try; null without an answer" })),
  error: nullable(Type.String({ description: "Why the latest try failed", examples: ["http_500"] })),
  at: { ...time, description: "Of the latest try" },
};

/** One delivery. */
export const WebhookDelivery = Type.Object(delivery, { $id: "WebhookDelivery", title: "WebhookDelivery" });

/** One page of deliveries. */
export const WebhookDeliveryPage = Type.Object(
  {
    items: Type.Array(Type.Object(delivery)),
    nextCursor: nullable(Type.String({ description: "A page may be short although another one follows" })),
  },
  { $id: "WebhookDeliveryPage", title: "WebhookDeliveryPage" },
);

/** Query of the deliveries. */
export const deliveriesQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: httpLimits.page.max,
        description: `Items on the page; ${httpLimits.page.default} when absent`,
      }),
    ),
    cursor: Type.Optional(
      Type.String({ pattern: "^[A-Za-z0-9_-]{1,128}$", description: "`nextCursor` of the page before" }),
    ),
    state: Type.Optional(oneOf(deliveryStates, "Only deliveries in this state")),
  },
  { additionalProperties: false },
);

/** Query of a replay. */
export const replayQuery = Type.Object(
  {
    fromSequence: Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "Events at this sequence of their stream and after it are sent again",
      examples: [133],
    }),
  },
  { additionalProperties: false },
);

const id = Type.String({ pattern: "^whe_[A-Za-z0-9_-]{1,64}$", examples: ["whe_4f0v5Xk2"] });

/** Path parameters of the routes of one endpoint. */
export const endpointParams = Type.Object({ id });

/** Path parameters of the routes of one delivery. */
export const deliveryParams = Type.Object({
  id,
  did: Type.String({
    pattern: "^ord_[A-Za-z0-9_-]{1,64}\\.\\d{1,9}\\.\\d{1,6}$",
    examples: ["ord_4f0v5Xk2.3.0"],
  }),
});

/** The validated body. */
export type CreateWebhookEndpoint = Static<typeof CreateWebhookEndpoint>;
