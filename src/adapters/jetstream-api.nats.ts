/** Requests to the JetStream API, with the server's error codes kept apart from "no answer". */
import { errors } from "@nats-io/transport-node";
import { Unavailable } from "../runtime/ports.ts";
import type { NatsLink } from "./connection.nats.ts";
import { isTransient } from "./jetstream-codes.ts";
import type { ErrorBody } from "./jetstream-codes.ts";

/** The server's definite refusal. `code` is its `err_code` (nats-server, errors.json). */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: number;
  constructor(code: number, description: string) {
    super(`${description} (${code})`);
    this.code = code;
  }
}

/** Refusals that the adapters tell apart (nats-server, errors.json). */
export const ApiCode = {
  consumerNotFound: 10014,
  messageNotFound: 10037,
  streamNotFound: 10059,
  streamNameInUse: 10058,
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
  const answer = await request(link, `$JS.API.${subject}`, body, timeoutMs);
  const error = (answer as { error?: ErrorBody }).error;
  if (error === undefined) return answer as T;
  const description = error.description ?? "refused";
  if (isTransient(error)) throw new Unavailable(`${description} (${error.err_code ?? error.code})`);
  throw new ApiError(error.err_code ?? error.code, description);
}

async function request(
  link: NatsLink,
  subject: string,
  body: object | undefined,
  timeout: number,
): Promise<unknown> {
  if (!link.connected()) throw new Unavailable("not connected to NATS");
  try {
    const reply = await link.nc.request(subject, body === undefined ? "" : JSON.stringify(body), { timeout });
    return reply.json();
  } catch (error) {
    throw new Unavailable(describe(error), { cause: error });
  }
}

/** A short reason for logs. */
export function describe(error: unknown): string {
  if (error instanceof errors.TimeoutError) return "no answer in time";
  if (isNoResponders(error)) return "no responders";
  return error instanceof Error ? error.message : String(error);
}

/** Nobody is subscribed: the request was certainly not received. */
export function isNoResponders(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  return error instanceof errors.RequestError && error.isNoResponders();
}
