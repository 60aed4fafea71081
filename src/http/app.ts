/**
 * The public HTTP API of a node, built from the services' contracts. Knows no broker and no store.
 * Owns: connections and the requests on them.  Does not own: orders, stock, deadlines (each service has its own).
 * Invariants
 *   http.H1. Every error answer is a problem (RFC 9457) with a code of src/http/protocol/problems.ts.
 *   http.H2. No text of an error object reaches a client, except on parked orders and dead letters: there the
 *            operator needs the words of the machine or the worker.
 *   http.H3. Input is taken as it is or refused: nothing is coerced, trimmed or dropped.
 * Proved by: test/integration/http/*.test.ts
 */
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import fastify, { type FastifyBaseLogger, type FastifyInstance } from "fastify";
import { isCurrency } from "../../config/currencies.ts";
import type { ApiKeys, Reveals } from "../services/access/contract.ts";
import type { Bulk } from "../services/bulk/contract.ts";
import type { DeadLetterService } from "../services/dead-letters/contract.ts";
import type { Inventory } from "../services/inventory/contract.ts";
import type { OrderInsights } from "../services/insight/contract.ts";
import type { Invoices } from "../services/invoice/contract.ts";
import type { Maintenance } from "../services/maintenance/contract.ts";
import type { LiveList, LiveOrders } from "../services/live/contract.ts";
import type { Machines } from "../services/machines/contract.ts";
import type { OrderPredictions } from "../services/predictions/contract.ts";
import type { Orders } from "../services/orders/contract.ts";
import type { OutgoingWebhooks } from "../services/outgoing/contract.ts";
import type { ParkedOrders } from "../services/parked/contract.ts";
import type { Placements } from "../services/placement/contract.ts";
import type { OrderList } from "../services/projection/contract.ts";
import type { Customers } from "../services/personal/contract.ts";
import type { UnmatchedMessages, WebhookIntake } from "../services/webhooks/contract.ts";
import { guardRoutes } from "./access/access.ts";
import type { Audit } from "../services/audit/contract.ts";
import { recordCalls } from "./audit/record-calls.ts";
import { auditRoutes } from "./audit/routes.ts";
import { showByRole } from "./access/personal-view.ts";
import { revealRoute } from "./access/reveal.ts";
import { accessRoutes } from "./access/routes.ts";
import { bulkRoutes } from "./bulk/routes.ts";
import { components } from "./components.ts";
import { type ConsoleSource, consoleRoutes } from "./console/routes.ts";
import { boundedServer } from "./connections/bounded-server.ts";
import { closeGracefully } from "./connections/graceful-close.ts";
import { refuseWhenIsolated } from "./connections/isolation.ts";
import type { KnownHosts } from "./connections/known-hosts.ts";
import { refuseForeign } from "./connections/refuse-foreign.ts";
import { customerRoutes } from "./customers/routes.ts";
import type { DevSources } from "./dev/dev-sources-port.ts";
import { devRoutes } from "./dev/routes.ts";
import { eventDocumentRoute } from "./events/asyncapi.ts";
import { inventoryRoutes } from "./inventory/routes.ts";
import { collectOpenApi, serveOpenApi } from "./openapi.ts";
import { machineRoutes } from "./machines/routes.ts";
import { deadLetterRoutes } from "./operations/dead-letters.ts";
import { maintenanceRoutes } from "./maintenance/routes.ts";
import { liveRoutes } from "./live/routes.ts";
import type { Operations, Ownerships, SamplesOf } from "./operations/operations-port.ts";
import { placementRoutes } from "./operations/placement.ts";
import { projectionRoutes } from "./operations/projection.ts";
import { operationRoutes } from "./operations/routes.ts";
import { listOrderRoutes } from "./orders/list-orders.ts";
import { orderCommandRoutes } from "./orders/order-commands.ts";
import { parkedOrderRoutes } from "./orders/parked-orders.ts";
import { annotateOrderRoute } from "./orders/annotate-order.ts";
import { placeOrderRoute } from "./orders/place-order.ts";
import { readOrderRoutes } from "./orders/read-order.ts";
import { outgoingRoutes } from "./outgoing/routes.ts";
import { refuseCardNumbers } from "./protocol/card-numbers.ts";
import { clientErrors } from "./protocol/client-errors.ts";
import { handleError } from "./protocol/error-handler.ts";
import type { HttpApp } from "./protocol/http-app.ts";
import { assertPlainUtf8, readJson } from "./protocol/json-body.ts";
import { LazySerializers } from "./protocol/lazy-serializers.ts";
import { httpLimits } from "./protocol/limits.ts";
import { requestIds } from "./protocol/request-id.ts";
import { type AnsweredRequest, measureRequests } from "./protocol/request-meter.ts";
import { RequestLog } from "./protocol/request-log.ts";
import { setStandardHeaders } from "./protocol/response-headers.ts";
import { answerUnknownRoute } from "./protocol/unknown-routes.ts";
import { webhookRoutes } from "./webhooks/routes.ts";
import { unmatchedRoutes } from "./webhooks/unmatched.ts";

/** What the app is built from: the services, and the parts of the node that tests replace. */
export type AppDependencies = {
  readonly orders: Orders;
  readonly live: LiveOrders;
  readonly liveList: LiveList;
  readonly predictions: OrderPredictions;
  readonly maintenance: Maintenance;
  readonly list: OrderList;
  readonly bulk: Bulk;
  readonly outgoing: OutgoingWebhooks;
  readonly insights: OrderInsights;
  readonly machines: Machines;
  readonly keys: ApiKeys;
  readonly reveals: Reveals;
  readonly audit: Audit;
  /** `off`: every caller may do everything. */
  readonly auth: "off" | "keys";
  readonly parked: ParkedOrders;
  readonly inventory: Inventory;
  readonly invoices: Invoices;
  readonly customers: Customers;
  readonly operations: Operations;
  readonly ownerships: Ownerships;
  readonly placements: Placements;
  readonly samples: SamplesOf;
  readonly deadLetters: DeadLetterService;
  readonly webhooks: WebhookIntake;
  readonly unmatched: UnmatchedMessages;
  /** Takes each request when its answer has ended; for metrics. */
  readonly answered?: (request: AnsweredRequest) => void;
  /** A pino logger. */
  readonly log: FastifyBaseLogger;
  /** A fresh URL-safe token, for request ids. */
  readonly nextId: () => string;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
  /** How long a client waits for its order to settle unless it states otherwise, ms. */
  readonly defaultWaitMs: number;
  /** Names of this node besides addresses of digits and `localhost`. */
  readonly knownHosts: KnownHosts;
  /** With true, `GET /v1/cluster` shows process ids. */
  readonly development: boolean;
  readonly console: ConsoleSource;
  /** What a developer reads; absent, and outside development: there are no such routes. */
  readonly dev?: DevSources;
  /** Tests only: they compile all of them. */
  readonly serializers?: LazySerializers;
};

/**
 * Builds the app; the caller listens on it and closes it. `close()` ends within `stopping.closeGraceMs`.
 * @throws when a route or a schema of requests is broken (programmer fault)
 */
export async function createApp(dependencies: AppDependencies): Promise<FastifyInstance> {
  const app = bareApp(dependencies);
  if (dependencies.answered) measureRequests(app, dependencies.answered);
  refuseForeign(app, dependencies.knownHosts);
  readBodies(app);
  answerErrors(app);
  for (const component of components) app.addSchema(component);
  const closing = closeGracefully(app);
  refuseWhenIsolated(app, dependencies.operations);
  refuseCardNumbers(app);

  guardRoutes(app, dependencies);
  showByRole(app, dependencies.reveals);
  recordCalls(app, dependencies.audit);

  await collectOpenApi(app);
  placeOrderRoute(app, dependencies);
  readOrderRoutes(app, dependencies);
  revealRoute(app, dependencies);
  liveRoutes(app, dependencies);
  listOrderRoutes(app, dependencies.list);
  bulkRoutes(app, dependencies.bulk);
  outgoingRoutes(app, dependencies.outgoing);
  orderCommandRoutes(app, dependencies.orders, dependencies.predictions);
  machineRoutes(app, dependencies.machines, dependencies.list);
  annotateOrderRoute(app, dependencies.orders, dependencies.predictions);
  parkedOrderRoutes(app, dependencies.parked, dependencies.predictions);
  customerRoutes(app, dependencies.customers);
  maintenanceRoutes(app, dependencies.maintenance);
  inventoryRoutes(app, dependencies.inventory);
  operationRoutes(app, { ...dependencies, closing });
  placementRoutes(app, dependencies.placements);
  if (dependencies.development && dependencies.dev) devRoutes(app, dependencies.dev);
  projectionRoutes(app, dependencies.list);
  deadLetterRoutes(app, dependencies.deadLetters);
  accessRoutes(app, dependencies);
  auditRoutes(app, dependencies.audit);
  webhookRoutes(app, dependencies.webhooks);
  unmatchedRoutes(app, dependencies.unmatched);
  await consoleRoutes(app, dependencies.console);
  eventDocumentRoute(app);
  serveOpenApi(app);
  await app.ready();
  return app;
}

function bareApp({ log, nextId, serializers = new LazySerializers() }: AppDependencies): HttpApp {
  return fastify({
    schemaController: { compilersFactory: { buildSerializer: serializers.build } },
    loggerInstance: log,
    logController: new RequestLog(),
    genReqId: requestIds(nextId),
    bodyLimit: httpLimits.bodyBytes,
    serverFactory: (listener) => boundedServer(httpLimits, listener),
    // The framework's own 503 while closing is no problem document, and the request can still be served.
    return503OnClosing: false,
    clientErrorHandler: clientErrors(nextId),
    frameworkErrors: (error, request, reply) => {
      setStandardHeaders(reply);
      void handleError(error, request, reply);
    },
    // The schemas check ids; a longer one is an id that does not exist.
    routerOptions: { maxParamLength: 16_384 },
    ajv: {
      customOptions: {
        removeAdditional: false,
        coerceTypes: false,
        useDefaults: false,
        allErrors: true,
        formats: { currency: isCurrency },
      },
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
}

function readBodies(app: HttpApp): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    try {
      if (request.headers["content-type"] !== "application/json" || "content-encoding" in request.headers)
        assertPlainUtf8(request.headers);
      done(null, readJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function answerErrors(app: HttpApp): void {
  app.setErrorHandler(handleError);
  app.setNotFoundHandler((request, reply) => answerUnknownRoute(app, request, reply));
  app.addHook("onRequest", (request, reply, done) => {
    setStandardHeaders(reply);
    // Before the body is read: an unknown address is unknown whatever body comes with it.
    if (request.is404) answerUnknownRoute(app, request, reply);
    else done();
  });
}
