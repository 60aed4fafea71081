/** `POST /v1/webhooks/...`: signed messages of the payment gateway and of the carrier. The signature comes first. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { type Static, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import type { IntakeResult, WebhookIntake, WebhookSender } from "../../services/webhooks/contract.ts";
import type { HttpApp } from "../http-app.ts";
import { readJson } from "../json-body.ts";
import { sendProblem, sendUnserved } from "../problem-answers.ts";
import { DeliveryReportBody, PaymentReportBody } from "../schemas/webhooks.ts";
import { serviceProblems } from "../schemas/problem.ts";

const schemaOf = (operationId: string, tag: string, sender: string) =>
  ({
    operationId,
    tags: [tag],
    summary: `Take a message of the ${sender}`,
    description:
      "Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature` over the body, five minutes' tolerance. Answered when the message is stored for good; a repeated one changes nothing, and one about an order that does not exist is ignored.",
    response: { 200: { description: "Stored", ...Type.Object({}) } },
    problems: [
      "invalid_signature",
      "malformed_json",
      "duplicate_key",
      "validation_failed",
      "body_too_large",
      ...serviceProblems,
    ],
  }) as const;

const payments = schemaOf("receivePaymentWebhook", "Payments", "payment gateway");
const carrier = schemaOf("receiveCarrierWebhook", "Fulfillment", "carrier");

const NO_BODY = Buffer.alloc(0);

/** One sender's messages: what they look like, and who takes them. */
type Messages<S extends TSchema> = {
  readonly sender: WebhookSender;
  readonly body: S;
  /** For the problem's detail: what the body is not. */
  readonly about: string;
  readonly take: (id: string, report: Static<S>) => Promise<IntakeResult>;
};

/** Adds the routes, which read their bodies as bytes: these are what is signed. */
export function webhookRoutes(app: HttpApp, intake: WebhookIntake): void {
  const receiver =
    <S extends TSchema>({ sender, body: wanted, about, take }: Messages<S>) =>
    async (request: FastifyRequest, reply: FastifyReply) => {
      const body = bytesOf(request);
      const id = intake.verify(sender, request.headers, body);
      if (id === undefined) return sendProblem(reply, "invalid_signature");
      const report = readJson(body);
      if (!Value.Check(wanted, report)) {
        return sendProblem(reply, "validation_failed", { detail: `The body is no message about ${about}.` });
      }
      const result = await take(id, report);
      return result.status === "taken" ? reply.code(200).send({}) : sendUnserved(reply, result);
    };
  void app.register(async (scope: HttpApp) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    scope.post(
      "/v1/webhooks/payments",
      { schema: payments },
      receiver({
        sender: "payments",
        body: PaymentReportBody,
        about: "a payment",
        take: (id, report) => intake.payment(id, report),
      }),
    );
    scope.post(
      "/v1/webhooks/carrier",
      { schema: carrier },
      receiver({
        sender: "carrier",
        body: DeliveryReportBody,
        about: "a parcel",
        take: (id, report) => intake.delivery(id, report),
      }),
    );
  });
}

function bytesOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : NO_BODY;
}
