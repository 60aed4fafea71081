/** Requests over core NATS that end with their connection, and the reasons for which they fail. */
import { errors, type Msg, type MsgHdrs, PermissionViolationError } from "@nats-io/transport-node";
import type { NatsLink } from "./link.ts";

/**
 * One request. A request of a lost connection is never answered: the wait ends with the connection, not at the time
 * limit. The request is published before this returns its promise, so it is in order with earlier publishes.
 * @throws Error; `describe` and `isNoResponders` explain it
 */
export async function request(
  link: NatsLink,
  subject: string,
  payload: string | Uint8Array,
  timeoutMs: number,
  headers?: MsgHdrs,
): Promise<Msg> {
  const lost = Promise.withResolvers<never>();
  const forget = link.onChange((connected) => {
    if (!connected) lost.reject(new Error("connection lost"));
  });
  try {
    const answer = link.nc.request(subject, payload, {
      timeout: timeoutMs,
      ...(headers === undefined ? {} : { headers }),
    });
    // When the connection is lost first, no other code handles the late failure.
    answer.catch(() => {});
    return await Promise.race([answer, lost.promise]);
  } finally {
    forget();
  }
}

/** A short reason for logs. */
export function describe(error: unknown): string {
  if (error instanceof errors.TimeoutError) return "no answer in time";
  if (isNoResponders(error)) return "no responders";
  const violation = violationIn(error);
  if (violation !== undefined) return `forbidden by the server: ${violation.operation} ${violation.subject}`;
  return error instanceof Error ? error.message : String(error);
}

/** The server's refusal in an error, or in the one that caused it. */
function violationIn(error: unknown): PermissionViolationError | undefined {
  if (error instanceof PermissionViolationError) return error;
  return error instanceof Error && error.cause !== undefined ? violationIn(error.cause) : undefined;
}

/** No process is subscribed: the request was certainly not received. */
export function isNoResponders(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  return error instanceof errors.RequestError && error.isNoResponders();
}
