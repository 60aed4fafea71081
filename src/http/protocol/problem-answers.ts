/** Error answers: how one is sent, and those that several routes share. */
import type { UnavailableResult } from "../../services/unavailable.ts";
import { PROBLEM_TYPE, type ProblemCode, type ProblemMembers, problems, toProblem } from "./problems.ts";

/** The part of a reply that a problem needs, whatever the route's types are. */
export type ProblemSink = {
  readonly request: { readonly id: string };
  code(status: number): unknown;
  header(name: string, value: string | number): unknown;
  send(payload: Buffer): unknown;
};

/** Sends a problem. It is sent as bytes, so that the media type stays exactly `application/problem+json`. */
export function sendProblem<S extends ProblemSink>(reply: S, code: ProblemCode, members?: ProblemMembers): S {
  reply.code(problems[code].status);
  reply.header("content-type", PROBLEM_TYPE);
  reply.send(Buffer.from(JSON.stringify(toProblem(code, reply.request.id, members))));
  return reply;
}

/** Sets `Retry-After`: in whole seconds, rounded up, and at least one. */
export function retryAfter<S extends ProblemSink>(reply: S, ms: number): S {
  reply.header("retry-after", Math.max(1, Math.ceil(ms / 1000)));
  return reply;
}

/** Answers a request that the service could not take: 429, 503 or, for a parked actor or a refused input, 409. */
export function sendUnavailable<S extends ProblemSink>(reply: S, result: UnavailableResult): S {
  switch (result.status) {
    case "overloaded":
      return sendProblem(retryAfter(reply, result.retryAfterMs), "overloaded");
    case "unavailable":
    case "storage_unavailable":
      return sendProblem(retryAfter(reply, result.retryAfterMs), result.status);
    case "unreadable": {
      const { kind, reason, retryAfterMs } = result;
      return sendProblem(retryAfter(reply, retryAfterMs), "order_unreadable", { kind, reason });
    }
    default:
      return sendProblem(reply, "refused", { refusal: result.code });
  }
}
