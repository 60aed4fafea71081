/** The payment gateway simulator's HTTP interface. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { isCurrency } from "../../config/currencies.ts";
import type { KnownHosts } from "../../src/http/connections/known-hosts.ts";
import { ownPagesOnly } from "../simulators/own-pages.ts";
import type { Refusal } from "../simulators/refusal.ts";
import { attempt, type Ledger } from "./ledger.ts";
import { failOnPurpose } from "./outage.ts";
import type { Operation, OperationKind } from "./operation.ts";
import { pageRoutes } from "./page-routes.ts";
import { AuthorizeBody, LedgerQuery, OperationHeaders, OperationParams, SettleBody } from "./schemas.ts";
import { behaviorOf, FaultCounter } from "./tokens.ts";

/** What the interface is built from. */
export type GatewayOptions = {
  readonly ledger: Ledger;
  /** Pause of `tok_slow`. */
  readonly slowMs: number;
  /** Life of an authorization, ms, and that of `tok_lapses_soon`. */
  readonly lifeMs: number;
  readonly shortLifeMs: number;
  /** Public address of its pages, no slash at the end. */
  readonly publicUrl: string;
  /** Names of the simulator besides addresses of digits and `localhost`; none when absent. */
  readonly knownHosts?: KnownHosts;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
  /** Called when a customer has decided on a page: reports it to the shop. `id` names the message permanently. */
  readonly decided: (id: string, message: object) => void;
  /** Requests are logged as `info`, requests about operations as `debug`. */
  readonly log?: FastifyBaseLogger;
};

const FAULTS_REMEMBERED = 100_000;
/** Longer than any client keeps a connection idle, so that the server never closes one that is in use. */
const KEEP_ALIVE_MS = 75_000;

/**
 * The payment gateway simulator's HTTP interface. Closing it drops the connections that are never answered.
 * Errors are `{ error, message? }`; `error` is a stable code in snake_case.
 */
export function createGatewayApp(options: GatewayOptions): FastifyInstance {
  const { ledger, slowMs, lifeMs, shortLifeMs } = options;
  const closing = new AbortController();
  const errors = new FaultCounter(2, FAULTS_REMEMBERED);
  const lostAnswers = new FaultCounter(1, FAULTS_REMEMBERED);
  const refusedCaptures = new FaultCounter(2, FAULTS_REMEMBERED);
  const capturesToRefuse = new Set<string>();

  const app = Fastify({
    ...(options.log && { loggerInstance: options.log }),
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, formats: { currency: isCurrency } },
    },
    routerOptions: { maxParamLength: 500 },
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
  }).withTypeProvider<TypeBoxTypeProvider>();
  ownPagesOnly(app, options.knownHosts);
  app.addHook("preClose", async () => closing.abort());
  app.setErrorHandler<Error & { validation?: unknown; statusCode?: number }>((error, _request, reply) => {
    const status = error.statusCode ?? 500;
    const code = status < 500 ? "invalid_request" : "gateway_error";
    return reply.status(status).send({ error: code, message: error.message });
  });
  app.setNotFoundHandler((_request, reply) => reply.status(404).send({ error: "not_found" }));

  failOnPurpose(app, { closing: closing.signal, now: options.now, slowMs });
  app.post(
    "/payments/authorize",
    { schema: { body: AuthorizeBody, headers: OperationHeaders } },
    async (request, reply) => {
      const { orderId, method, token, amount, currency } = request.body;
      const key = request.headers["idempotency-key"];
      const tried = attempt(key, "authorize", [orderId, method, token, amount, currency]);
      const earlier = ledger.repeated(tried);
      note(request, key, "authorize", earlier !== undefined);
      if (earlier !== undefined) return answer(reply, earlier);
      const behavior = behaviorOf(token);
      if (behavior === "never_answer") return neverAnswer(reply);
      if (behavior === "fail_twice" && errors.strikes(key)) {
        return reply.status(500).send({ error: "gateway_error" });
      }
      if (behavior === "slow") await pause(slowMs, undefined, { signal: closing.signal });
      const operation = ledger.book(tried, (books, at) => {
        if (behavior === "decline") return books.decline(orderId, "card_declined");
        if (behavior === "unknown") return books.decline(orderId, "unknown_token");
        const expiresAt = at + (behavior === "lapse_soon" ? shortLifeMs : lifeMs);
        return books.authorize(request.body, `auth_${randomUUID()}`, { expiresAt });
      });
      if ("result" in operation && operation.result.status === "authorized") {
        if (behavior === "refuse_captures") capturesToRefuse.add(operation.result.id);
      }
      if (behavior === "lose_answer" && lostAnswers.strikes(key)) return dropConnection(reply);
      return answer(reply, operation);
    },
  );

  for (const kind of ["capture", "void", "refund"] as const) {
    app.post(
      `/payments/${kind}`,
      { schema: { body: SettleBody, headers: OperationHeaders } },
      async (request, reply) => {
        const { orderId, authorization, amount, currency } = request.body;
        const key = request.headers["idempotency-key"];
        const fields = [orderId, authorization, amount ?? null, currency ?? null];
        const tried = attempt(key, kind, fields);
        note(request, key, kind, ledger.find(key) !== undefined);
        const operation = ledger.book(tried, (books, at) => {
          if (kind === "capture" && authorization !== null && capturesToRefuse.has(authorization)) {
            if (refusedCaptures.strikes(authorization)) return { refused: 409, code: "capture_refused" };
            capturesToRefuse.delete(authorization);
          }
          return books[kind](request.body, at);
        });
        return answer(reply, operation);
      },
    );
  }

  pageRoutes(app, { ...options, answer });
  app.get("/operations/:idempotencyKey", { schema: { params: OperationParams } }, async (request, reply) => {
    const { idempotencyKey } = request.params;
    const operation = ledger.find(idempotencyKey);
    note(request, idempotencyKey, "lookup", operation !== undefined);
    if (operation === undefined) return reply.status(404).send({ error: "unknown_key" });
    return reply.send(resultOf(operation));
  });
  app.get("/ledger", { schema: { querystring: LedgerQuery } }, (request, reply) =>
    reply.send({ entries: ledger.entries(request.query.orderId) }),
  );
  for (const path of ["/health/live", "/health/ready"]) {
    app.get(path, (_request, reply) => reply.send({ status: "ok" }));
  }
  return app;
}

function answer(reply: FastifyReply, operation: Operation | Refusal): FastifyReply {
  if ("refused" in operation) return reply.status(operation.refused).send({ error: operation.code });
  return reply.status(operation.result.status === "declined" ? 402 : 200).send(resultOf(operation));
}

/** The stored result, and the time at which the authorization lapses. */
function resultOf({ result, expiresAt }: Operation): object {
  return expiresAt === undefined ? result : { ...result, expiresAt: new Date(expiresAt).toISOString() };
}

/** Logs one request. Tests count these lines per operation; `known`: the operation was booked already. */
function note(request: FastifyRequest, key: string, kind: OperationKind | "lookup", known: boolean): void {
  request.log.debug({ key, kind, known }, "operation requested");
}

/** The socket stays open until the client closes it or the simulator closes. */
function neverAnswer(reply: FastifyReply): FastifyReply {
  return reply.hijack();
}

function dropConnection(reply: FastifyReply): FastifyReply {
  reply.hijack();
  reply.raw.socket?.destroy();
  return reply;
}
