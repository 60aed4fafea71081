/** Payments on the gateway's pages: for the shop under /payments/pages, for its customers under /pay. */
import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply } from "fastify";
import { Value } from "typebox/value";
import type { Refusal } from "../simulators/refusal.ts";
import { attempt, type Ledger } from "./ledger.ts";
import type { Operation } from "./operation.ts";
import { paymentPage, unknownPaymentPage } from "./page-html.ts";
import { ChoiceBody, OperationHeaders, PageBody, PageParams } from "./schemas.ts";

/** Sends the answer to an operation. */
export type OperationAnswer = (reply: FastifyReply, operation: Operation | Refusal) => FastifyReply;

/** What the routes are built from. */
export type PageOptions = {
  readonly ledger: Ledger;
  /** Public address of the pages, no slash at the end. */
  readonly publicUrl: string;
  readonly now: () => number;
  /** Called when the customer has decided: reports it to the shop. `id` names the message permanently. */
  readonly decided: (id: string, message: object) => void;
  readonly answer: OperationAnswer;
};

const HTML = "text/html; charset=utf-8";

/** Adds the routes. */
export function pageRoutes(app: FastifyInstance, options: PageOptions): void {
  const { ledger, publicUrl, now, decided, answer } = options;

  app.post<{ Body: { orderId: string; amount: number; currency: string; expiresInMs: number } }>(
    "/payments/pages",
    { schema: { body: PageBody, headers: OperationHeaders } },
    (request, reply) => {
      const { orderId, amount, currency, expiresInMs } = request.body;
      const key = String(request.headers["idempotency-key"]);
      const tried = attempt(key, "page", [orderId, amount, currency, expiresInMs]);
      const id = `pay_${randomUUID()}`;
      return answer(
        reply,
        ledger.book(tried, () => ledger.pages.create(request.body, id, `${publicUrl}/pay/${id}`, now())),
      );
    },
  );

  app.get<{ Params: { id: string } }>(
    "/payments/pages/:id",
    { schema: { params: PageParams } },
    (request, reply) => {
      const page = ledger.pages.find(request.params.id, now());
      if (page === undefined) return reply.status(404).send({ error: "unknown_payment" });
      return reply.send({ ...page, expiresAt: new Date(page.expiresAt).toISOString() });
    },
  );

  const show = (id: string): { readonly status: number; readonly page: string } => {
    const page = ledger.pages.find(id, now());
    return page === undefined
      ? { status: 404, page: unknownPaymentPage() }
      : { status: 200, page: paymentPage(page) };
  };

  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string", bodyLimit: 1024 },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );

  app.get<{ Params: { id: string } }>("/pay/:id", { schema: { params: PageParams } }, (request, reply) => {
    const { status, page } = show(request.params.id);
    return reply.status(status).header("cache-control", "no-store").type(HTML).send(page);
  });

  app.post<{ Params: { id: string }; Body: unknown }>(
    "/pay/:id",
    { schema: { params: PageParams } },
    (request, reply) => {
      const { id } = request.params;
      if (!Value.Check(ChoiceBody, request.body)) return reply.status(400).send({ error: "invalid_request" });
      const refused = ledger.choose(id, request.body.action, `auth_${randomUUID()}`);
      // A second choice is refused, and its sender sees the outcome of the first.
      if (refused === undefined) reportDecision(id);
      const { status, page } = show(id);
      return reply
        .status(refused?.refused ?? status)
        .header("cache-control", "no-store")
        .type(HTML)
        .send(page);
    },
  );

  const reportDecision = (id: string): void => {
    const page = ledger.pages.find(id, now());
    if (page === undefined) return;
    const { orderId, amount, currency, authorization, reason, status } = page;
    decided(`msg_${id}_${status}`, {
      type: `payment.${status}`,
      timestamp: new Date(now()).toISOString(),
      data: { payment: id, orderId, amount, currency, authorization, reason },
    });
  };
}
