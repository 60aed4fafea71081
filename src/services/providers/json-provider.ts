/**
 * Calls an outside system over HTTP with JSON and `Idempotency-Key`, and classifies answers that are no outcome. 4xx is
 * a definite refusal; 429 and 503 mean that nothing was done; after 5xx, broken connections and answers that are
 * unreadable or longer than 64 KiB the outcome is unknown; a refused connection proves that the call never arrived.
 */
import { Pool } from "undici";
import { EffectError } from "../../runtime/definition.ts";
import { codeField, field } from "./answer-fields.ts";

/** An answer is a few fields. A longer one is not read further: its outcome is unknown. */
const ANSWER_BYTES = 64 * 1024;

/** One answer, the body unchecked. */
export type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

/** `path` begins with a slash. Both throw EffectError when there is no readable answer. */
export type JsonProvider = {
  post(
    path: string,
    body: object,
    call: { readonly key: string; readonly signal: AbortSignal },
  ): Promise<Answer>;
  get(path: string, signal: AbortSignal): Promise<Answer>;
};

/**
 * A client of one outside system.
 * @param name of the system, as its effects name it; the prefix of failure codes
 * @param baseUrl without a slash at the end. Connections are kept open; idle ones do not keep the process alive.
 */
export function jsonProvider(name: string, baseUrl: string): JsonProvider {
  const { origin, pathname } = new URL(baseUrl);
  const prefix = pathname === "/" ? "" : pathname;
  const pool = new Pool(origin, { maxResponseSize: ANSWER_BYTES });
  return {
    post: (path, body, { key, signal }) =>
      exchange(name, pool, {
        method: "POST",
        path: prefix + path,
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify(body),
        signal,
      }),
    get: (path, signal) => exchange(name, pool, { method: "GET", path: prefix + path, signal }),
  };
}

/** Throws the failure that an answer without an outcome means. @throws EffectError always */
export function failed(name: string, { status, body }: Answer): never {
  const code = field(codeField, body["error"]) ?? `http_${status}`;
  const message = `the ${name} answered ${status} ${code}`;
  if (status === 429 || status === 503) throw new EffectError("retryable", code, message);
  if (status >= 400 && status < 500) throw new EffectError("refused", code, message);
  throw new EffectError("unknown", code, message);
}

async function exchange(name: string, pool: Pool, request: Parameters<Pool["request"]>[0]): Promise<Answer> {
  try {
    const response = await pool.request(request);
    const body: unknown = await response.body.json();
    if (typeof body === "object" && body !== null) {
      return { status: response.statusCode, body: body as Record<string, unknown> };
    }
    throw new EffectError("unknown", "unreadable_answer", `the ${name}'s answer is no JSON object`);
  } catch (error) {
    if (error instanceof EffectError) throw error;
    // Only a refused connection proves that the call never arrived.
    const kind = isRefused(error) ? "retryable" : "unknown";
    const code = kind === "retryable" ? `${name}_unreachable` : `${name}_no_answer`;
    throw new EffectError(kind, code, `the ${name} did not answer`, { cause: error });
  }
}

/** A host with several addresses fails with one error for all of them; each must be a refusal. */
function isRefused(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isRefused);
  return error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
}
