/**
 * A payment gateway over HTTP with `Idempotency-Key` (the simulator's interface). json-provider.ts reads its answers;
 * 402 is a declined card.
 */
import { EffectError } from "../../runtime/definition.ts";
import type {
  AuthorizeOutput,
  CaptureOutput,
  CheckInput,
  CheckOutput,
  PageOutput,
  RefundOutput,
  SettleInput,
  VoidInput,
  VoidOutput,
} from "../../../machines/types.ts";
import { field, idField, textField, timeField, urlField } from "../providers/answer-fields.ts";
import { type Answer, failed, jsonProvider } from "../providers/json-provider.ts";
import type { GatewayCall, GatewayOutcome, PaymentGateway } from "./gateway.ts";

/**
 * Implements the port over one pool of connections.
 * @param baseUrl without a slash at the end. Connections are kept open; idle ones do not keep the process alive.
 * @param now ms since the epoch, by the server's clock: the gateway states when an authorization lapses
 */
export function httpGateway(baseUrl: string, now: () => number): PaymentGateway {
  const provider = jsonProvider("gateway", baseUrl);
  const post = (path: string, body: object, call: GatewayCall): Promise<Answer> =>
    provider.post(`/payments/${path}`, body, call);
  return {
    async authorize({ orderId, method, token, amount }, call) {
      const answer = await post("authorize", { orderId, method, token, ...amount }, call);
      return authorized(answer, now()) ?? fail(answer);
    },
    async createPage({ orderId, amount, expiresInMs }, call) {
      const answer = await post("pages", { orderId, ...amount, expiresInMs }, call);
      return page(answer) ?? fail(answer);
    },
    async checkPayment(request, { signal }) {
      const answer = await provider.get(`/payments/pages/${encodeURIComponent(request.payment)}`, signal);
      return checked(answer, request) ?? fail(answer);
    },
    async capture(request, call) {
      const answer = await post("capture", settlement(request), call);
      return captured(answer) ?? fail(answer);
    },
    async void(request, call) {
      const answer = await post("void", reference(request), call);
      return voided(answer) ?? fail(answer);
    },
    async refund(request, call) {
      const answer = await post("refund", settlement(request), call);
      return refunded(answer) ?? fail(answer);
    },
    async queryStatus({ key, signal }): Promise<GatewayOutcome | undefined> {
      const answer = await provider.get(`/operations/${encodeURIComponent(key)}`, signal);
      if (answer.status === 404) return undefined;
      return (
        authorized(answer, now()) ??
        page(answer) ??
        captured(answer) ??
        voided(answer) ??
        refunded(answer) ??
        fail(answer)
      );
    },
  };
}

function reference({ orderId, authorization }: VoidInput): object {
  return { orderId, authorization };
}

function settlement(request: SettleInput): object {
  return { ...reference(request), ...request.amount };
}

function authorized({ status, body }: Answer, now: number): AuthorizeOutput | undefined {
  const authorization = field(idField, body["id"]);
  if (status === 200 && body["status"] === "authorized" && authorization !== undefined) {
    const expiresAt = Date.parse(field(timeField, body["expiresAt"]) ?? "");
    return {
      outcome: "authorized",
      authorization,
      ...(!Number.isNaN(expiresAt) && { expiresInMs: Math.max(0, expiresAt - now) }),
    };
  }
  // 402 from the call itself, 200 with the stored result from a status query.
  if ((status === 402 || status === 200) && body["status"] === "declined") {
    return { outcome: "declined", reason: textField(body["reason"], "declined") };
  }
  return undefined;
}

function page({ status, body }: Answer): PageOutput | undefined {
  const payment = field(idField, body["id"]);
  const url = field(urlField, body["url"]);
  if (status !== 200 || body["status"] !== "pending") return undefined;
  return payment !== undefined && url !== undefined ? { payment, url } : undefined;
}

/** @throws EffectError `refused` for a payment of another order or amount than the requested one */
function checked({ status, body }: Answer, { orderId, amount }: CheckInput): CheckOutput | undefined {
  if (status !== 200) return undefined;
  if (
    body["orderId"] !== orderId ||
    body["amount"] !== amount.amount ||
    body["currency"] !== amount.currency
  ) {
    throw new EffectError(
      "refused",
      "payment_differs",
      "the gateway's payment has another order, amount or currency",
    );
  }
  switch (body["status"]) {
    case "pending":
    case "closed":
      return { outcome: body["status"] };
    case "paid": {
      const authorization = field(idField, body["authorization"]);
      return authorization === undefined ? undefined : { outcome: "paid", authorization };
    }
    case "declined":
      return { outcome: "declined", reason: textField(body["reason"], "declined") };
    default:
      return undefined;
  }
}

/** A capture that the gateway does not allow is an answer: the order is held. */
function captured({ status, body }: Answer): CaptureOutput | undefined {
  if (status === 200 && body["status"] === "captured") return { outcome: "captured" };
  if (status === 402 || status === 409) {
    return { outcome: "declined", reason: textField(body["reason"] ?? body["error"], "declined") };
  }
  return undefined;
}

function voided({ status, body }: Answer): VoidOutput | undefined {
  if (status !== 200) return undefined;
  const outcome = body["status"];
  return outcome === "voided" || outcome === "nothing_to_void" ? { outcome } : undefined;
}

function refunded({ status, body }: Answer): RefundOutput | undefined {
  return status === 200 && body["status"] === "refunded" ? { outcome: "refunded" } : undefined;
}

const fail = (answer: Answer): never => failed("gateway", answer);
