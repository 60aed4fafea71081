/** Requests to the JetStream API. They keep the server's error codes apart from "no answer". */
import { Unavailable } from "../../runtime/ports.ts";
import { type ErrorBody, isTransient } from "../jetstream/codes.ts";
import type { NatsLink } from "./link.ts";
import { describe, request } from "./request.ts";

/** The server's definite refusal. `code` is its `err_code` (nats-server, errors.json). */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: number;
  constructor(code: number, description: string) {
    super(`${description} (${code})`);
    this.code = code;
  }
}

/** Refusals that the adapters distinguish (nats-server, errors.json). */
export const ApiCode = {
  consumerNotFound: 10014,
  messageNotFound: 10037,
  streamNotFound: 10059,
  streamNameInUse: 10058,
  subjectsOverlap: 10065,
  replicasNeedCluster: 10074,
} as const;

/**
 * One request to `$JS.API.<subject>`.
 * @throws Unavailable (retryable: timeout, no responder, no connection, no leader)
 * @throws ApiError (the server's refusal)
 */
export async function apiRequest<T>(
  link: NatsLink,
  subject: string,
  body: object | undefined,
  timeoutMs: number,
): Promise<T> {
  const answer = await ask(link, subject, body, timeoutMs);
  const error = (answer as { error?: ErrorBody }).error;
  if (error === undefined) return answer as T;
  const description = error.description ?? "refused";
  if (isTransient(error)) throw new Unavailable(`${description} (${error.err_code ?? error.code})`);
  throw new ApiError(error.err_code ?? error.code, description);
}

async function ask(
  link: NatsLink,
  subject: string,
  body: object | undefined,
  timeoutMs: number,
): Promise<unknown> {
  if (!link.connected()) throw new Unavailable("not connected to NATS");
  try {
    const payload = body === undefined ? "" : JSON.stringify(body);
    return (await request(link, `$JS.API.${subject}`, payload, timeoutMs)).json();
  } catch (error) {
    throw new Unavailable(describe(error), { cause: error });
  }
}
