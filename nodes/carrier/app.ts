/** The carrier simulator's HTTP interface. */
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply } from "fastify";
import { isCurrency } from "../../config/currencies.ts";
import type { KnownHosts } from "../../src/http/connections/known-hosts.ts";
import { ownPagesOnly } from "../simulators/own-pages.ts";
import type { Refusal } from "../simulators/refusal.ts";
import type { Courier } from "./courier.ts";
import { shipmentsPage } from "./page-html.ts";
import {
  DeliverBody,
  HandOverBody,
  KeyParams,
  LabelBody,
  LabelHeaders,
  ShipmentParams,
  ShipmentsQuery,
} from "./schemas.ts";
import { misfortunes, type Shipment, type Shipments } from "./shipments.ts";

/** What the interface is built from. */
export type CarrierOptions = {
  readonly shipments: Shipments;
  readonly courier: Courier;
  /** Names of the simulator besides addresses of digits and `localhost`; none when absent. */
  readonly knownHosts?: KnownHosts;
  /** Requests are logged as `info`. */
  readonly log?: FastifyBaseLogger;
};

/** Longer than any client keeps a connection idle, so that the server never closes one that is in use. */
const KEEP_ALIVE_MS = 75_000;
const HTML = "text/html; charset=utf-8";
/** Number of shipments on the page: the newest ones. */
const SHOWN = 50;

/**
 * The carrier simulator's HTTP interface, and a page on which people deliver or lose parcels.
 * Errors are `{ error, message? }`; `error` is a stable code in snake_case.
 */
export function createCarrierApp(options: CarrierOptions): FastifyInstance {
  const { shipments, courier, log } = options;
  const app = Fastify({
    ...(log && { loggerInstance: log }),
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, formats: { currency: isCurrency } },
    },
    routerOptions: { maxParamLength: 500 },
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
  }).withTypeProvider<TypeBoxTypeProvider>();
  ownPagesOnly(app, options.knownHosts);
  app.setErrorHandler<Error & { statusCode?: number }>((error, _request, reply) => {
    const status = error.statusCode ?? 500;
    const code = status < 500 ? "invalid_request" : "carrier_error";
    return reply.status(status).send({ error: code, message: error.message });
  });
  app.setNotFoundHandler((_request, reply) => reply.status(404).send({ error: "not_found" }));
  // The buttons of the page send an empty form.
  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string", bodyLimit: 1024 },
    (_request, _body, done) => done(null, {}),
  );

  app.post("/shipments", { schema: { body: LabelBody, headers: LabelHeaders } }, (request, reply) => {
    const { orderId, shippingAddress, collect } = request.body;
    return answerLabel(
      reply,
      shipments.label(request.headers["idempotency-key"], { orderId, shippingAddress, collect }),
    );
  });
  app.get("/labels/:idempotencyKey", { schema: { params: KeyParams } }, (request, reply) => {
    const label = shipments.labelOf(request.params.idempotencyKey);
    return answerLabel(reply, label ?? { refused: 404, code: "unknown_key" });
  });
  app.get("/shipments", { schema: { querystring: ShipmentsQuery } }, (request, reply) =>
    reply.send({ shipments: shipments.list(request.query.orderId) }),
  );
  app.get("/shipments/:trackingNumber", { schema: { params: ShipmentParams } }, (request, reply) => {
    const shipment = shipments.find(request.params.trackingNumber);
    return answer(reply, shipment ?? { refused: 404, code: "unknown_shipment" });
  });
  app.post(
    "/shipments/:trackingNumber/hand-over",
    { schema: { params: ShipmentParams, body: HandOverBody } },
    (request, reply) => answer(reply, courier.handOver(request.params.trackingNumber, request.body.orderId)),
  );
  app.post(
    "/shipments/:trackingNumber/deliver",
    {
      schema: { params: ShipmentParams, body: DeliverBody },
      // An empty body is valid too.
      preValidation: async (request) => {
        request.body ??= {};
      },
    },
    (request, reply) => {
      const shipment = courier.deliver(request.params.trackingNumber, request.body.collected);
      return isForm(request.headers["content-type"]) ? reply.redirect("/", 303) : answer(reply, shipment);
    },
  );
  for (const misfortune of misfortunes)
    app.post(
      `/shipments/:trackingNumber/${misfortune}`,
      { schema: { params: ShipmentParams } },
      (request, reply) => {
        const shipment = courier.fail(request.params.trackingNumber, misfortune);
        return isForm(request.headers["content-type"]) ? reply.redirect("/", 303) : answer(reply, shipment);
      },
    );
  app.get("/", (_request, reply) =>
    reply
      .header("cache-control", "no-store")
      .type(HTML)
      .send(shipmentsPage(shipments.list().slice(-SHOWN).toReversed())),
  );
  for (const path of ["/health/live", "/health/ready"]) {
    app.get(path, (_request, reply) => reply.send({ status: "ok" }));
  }
  return app;
}

const isForm = (type: string | undefined): boolean =>
  type?.startsWith("application/x-www-form-urlencoded") ?? false;

function answer(reply: FastifyReply, shipment: Shipment | Refusal): FastifyReply {
  return "refused" in shipment
    ? reply.status(shipment.refused).send({ error: shipment.code })
    : reply.send(shipment);
}

/** The answer to a request for a label is its number and nothing else. */
function answerLabel(reply: FastifyReply, label: Shipment | Refusal): FastifyReply {
  return "refused" in label
    ? reply.status(label.refused).send({ error: label.code })
    : reply.send({ trackingNumber: label.trackingNumber });
}
