/**
 * `POST /v1/webhooks/...`: signed messages of the payment gateway and of the carrier. The signature is checked first,
 * before an answer says anything about the body or this node: its headers before the body is read, the rest as soon as
 * the body is there. A body that is too large to be read is refused as such, since its signature cannot be checked.
 */
import type { FastifyRequest } from "fastify";
import { type Static, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import type { IntakeResult, WebhookIntake, WebhookSender } from "../../services/webhooks/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { readJson } from "../protocol/json-body.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { serviceProblems } from "../protocol/problem-schema.ts";
import { ref } from "../protocol/schema-parts.ts";
import { AboutOrder, AnyMessage, DeliveryReportBody, PaymentReportBody, webhookHeaders } from "./schemas.ts";

const schemaOf = (operationId: string, tag: string, sender: string, body: string) =>
  ({
    operationId,
    tags: [tag],
    summary: `Take a message of the ${sender}`,
    description:
      "Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature` over the body, with a tolerance of five minutes. Answered when the message is durably stored. A repeated one changes nothing, whatever its body. One of an unknown type, or about an order that does not exist, changes nothing and is kept for operators (`GET /v1/webhooks/unmatched`).",
    readsBytes: { headers: webhookHeaders, body: ref(body) },
    response: { 200: { description: "Stored", ...Type.Object({}) } },
    problems: [
      "invalid_signature",
      "malformed_json",
      "duplicate_key",
      "validation_failed",
      "body_too_large",
      "unsupported_media_type",
      ...serviceProblems,
    ],
  }) as const;

const payments = schemaOf("receivePaymentWebhook", "Payments", "payment gateway", "PaymentWebhook");
const carrier = schemaOf("receiveCarrierWebhook", "Fulfillment", "carrier", "CarrierWebhook");

const NO_BODY = Buffer.alloc(0);

/** One sender's messages: their form, and the method of the intake that takes them. */
type Messages<S extends TSchema> = {
  readonly sender: WebhookSender;
  readonly schema: ReturnType<typeof schemaOf>;
  readonly body: S;
  /** Every type that the body may have. */
  readonly types: readonly string[];
  /** For the problem's detail: what the body is not about. */
  readonly about: string;
  readonly take: (id: string, report: Static<S>, body: Buffer) => Promise<IntakeResult>;
};

/** Adds the routes. They read their bodies as bytes, since the signature covers the bytes. */
export function webhookRoutes(app: HttpApp, intake: WebhookIntake): void {
  void app.register(async (scope: HttpApp) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    receive(scope, intake, {
      sender: "payments",
      schema: payments,
      body: PaymentReportBody,
      types: ["payment.paid", "payment.declined"],
      about: "a payment",
      take: (id, report, bytes) => intake.payment(id, report, bytes),
    });
    receive(scope, intake, {
      sender: "carrier",
      schema: carrier,
      body: DeliveryReportBody,
      types: [
        "shipment.delivered",
        "shipment.refused",
        "shipment.unclaimed",
        "shipment.lost",
        "shipment.returned",
      ],
      about: "a parcel",
      take: (id, report, bytes) => intake.delivery(id, report, bytes),
    });
  });
}

/** The route of one sender, in a scope of its own: its hooks check this sender's signature. */
function receive<S extends TSchema>(parent: HttpApp, intake: WebhookIntake, messages: Messages<S>): void {
  const { sender, schema, body, types, about, take } = messages;
  const taken = async (id: string, bytes: Buffer): Promise<IntakeResult | undefined> => {
    const message = readJson(bytes);
    if (Value.Check(body, message)) return take(id, message, bytes);
    if (!Value.Check(AnyMessage, message) || types.includes(message.type)) return undefined;
    const { type, data } = message;
    const orderId = Value.Check(AboutOrder, data) ? data.orderId : null;
    return intake.unknownType(sender, id, { type, orderId }, bytes);
  };
  void parent.register(async (scope: HttpApp) => {
    const idOf = signatureFirst(scope, intake, sender);
    scope.post(`/v1/webhooks/${sender}`, { schema, config: { access: "signed" } }, async (request, reply) => {
      const result = await taken(idOf(request), bytesOf(request));
      if (result === undefined) {
        return sendProblem(reply, "validation_failed", { detail: `The body is no message about ${about}.` });
      }
      return result.status === "taken" ? reply.code(200).send({}) : sendUnavailable(reply, result);
    });
  });
}

/** Answers 401 to every message that this sender has not signed. @returns the message's id, in a handler */
function signatureFirst(
  scope: HttpApp,
  intake: WebhookIntake,
  sender: WebhookSender,
): (request: FastifyRequest) => string {
  const ids = new WeakMap<FastifyRequest, string>();
  scope.addHook("onRequest", (request, reply, done) => {
    if (intake.hasSignature(request.headers)) done();
    else sendProblem(reply, "invalid_signature");
  });
  scope.addHook("preValidation", (request, reply, done) => {
    const id = intake.verify(sender, request.headers, bytesOf(request));
    if (id === undefined) {
      sendProblem(reply, "invalid_signature");
      return;
    }
    ids.set(request, id);
    done();
  });
  return (request) => {
    const id = ids.get(request);
    if (id === undefined) throw new Error("a handler ran before the signature was checked");
    return id;
  };
}

function bytesOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : NO_BODY;
}
