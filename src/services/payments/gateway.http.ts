/**
 * A payment gateway over HTTP with `Idempotency-Key` (the simulator's interface).
 * Answers: 2xx an outcome; 402 a declined card; other 4xx a definite no; 429 and 503 with nothing done; 5xx, broken
 * connections and unreadable answers unknown.
 */
import { EffectError } from "../../runtime/definition.ts";
import type {
  AuthorizeOutput,
  CaptureOutput,
  RefundOutput,
  SettleInput,
  VoidInput,
  VoidOutput,
} from "../../../machines/types.ts";
import type { GatewayCall, GatewayOutcome, PaymentGateway } from "./gateway.ts";

/** One answer of the gateway, the body unchecked. */
type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

/** @param baseUrl without a slash at the end */
export function httpGateway(baseUrl: string): PaymentGateway {
  const post = (path: string, body: object, { key, signal }: GatewayCall): Promise<Answer> =>
    exchange(`${baseUrl}/payments/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify(body),
      signal,
    });
  return {
    async authorize({ orderId, method, token, amount }, call) {
      const answer = await post("authorize", { orderId, method, token, ...amount }, call);
      return authorized(answer) ?? fail(answer);
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
    async lookup({ key, signal }): Promise<GatewayOutcome | undefined> {
      const answer = await exchange(`${baseUrl}/operations/${encodeURIComponent(key)}`, { signal });
      if (answer.status === 404) return undefined;
      return authorized(answer) ?? captured(answer) ?? voided(answer) ?? refunded(answer) ?? fail(answer);
    },
  };
}

function reference({ orderId, authorization }: VoidInput): object {
  return { orderId, authorization };
}

function settlement(request: SettleInput): object {
  return { ...reference(request), ...request.amount };
}

function authorized({ status, body }: Answer): AuthorizeOutput | undefined {
  if (status === 200 && body["status"] === "authorized" && typeof body["id"] === "string") {
    return { outcome: "authorized", authorization: body["id"] };
  }
  // 402 from the call itself, 200 with the stored result from a look-up.
  if ((status === 402 || status === 200) && body["status"] === "declined") {
    return { outcome: "declined", reason: text(body["reason"], "declined") };
  }
  return undefined;
}

/** A capture that the gateway does not allow is an answer: the order is held. */
function captured({ status, body }: Answer): CaptureOutput | undefined {
  if (status === 200 && body["status"] === "captured") return { outcome: "captured" };
  if (status === 402 || status === 409) {
    return { outcome: "declined", reason: text(body["reason"] ?? body["error"], "declined") };
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

function text(value: unknown, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value : otherwise;
}

/** Turns an answer that is no outcome into the failure it stands for. */
function fail({ status, body }: Answer): never {
  const code = text(body["error"], `http_${status}`);
  const message = `the gateway answered ${status} ${code}`;
  if (status === 429 || status === 503) throw new EffectError("retryable", code, message);
  if (status >= 400 && status < 500) throw new EffectError("refused", code, message);
  throw new EffectError("unknown", code, message);
}

async function exchange(url: string, init: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(url, init);
    const body: unknown = await response.json();
    if (typeof body === "object" && body !== null) {
      return { status: response.status, body: body as Record<string, unknown> };
    }
    throw new EffectError("unknown", "unreadable_answer", "the gateway's answer is no JSON object");
  } catch (error) {
    if (error instanceof EffectError) throw error;
    // Only a refused connection proves that the gateway never saw the call.
    const kind = codeOf(error) === "ECONNREFUSED" ? "retryable" : "unknown";
    const code = kind === "retryable" ? "gateway_unreachable" : "gateway_no_answer";
    throw new EffectError(kind, code, "the gateway did not answer", { cause: error });
  }
}

/** The system's error code; `fetch` hides it in the cause. */
function codeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
}
