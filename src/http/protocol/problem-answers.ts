/** Error answers on their way out: sending one, and the answers that several routes share. */
import type { UnavailableResult } from "../../services/unavailable.ts";
import { PROBLEM_TYPE, problems, toProblem } from "./problems.ts";
import type { ProblemCode, ProblemMembers } from "./problems.ts";

/** The part of a reply that a problem needs, whatever the route's types are. */
export type ProblemSink = {
  readonly request: { readonly id: string };
  code(status: number): unknown;
  header(name: string, value: string | number): unknown;
  send(payload: Buffer): unknown;
};

/** Sends a problem. As bytes, so that the media type stays exactly `application/problem+json`. */
export function sendProblem<S extends ProblemSink>(reply: S, code: ProblemCode, members?: ProblemMembers): S {
  reply.code(problems[code].status);
  reply.header("content-type", PROBLEM_TYPE);
  reply.send(Buffer.from(JSON.stringify(toProblem(code, reply.request.id, members))));
  return reply;
}

/** Sets `Retry-After`, in whole seconds and at least one. */
export function retryAfter<S extends ProblemSink>(reply: S, ms: number): S {
  reply.header("retry-after", Math.max(1, Math.ceil(ms / 1000)));
  return reply;
}

/** Answers for a service that could not serve: 429, 503 or, for an actor that is set aside, 409. */
export function sendUnserved<S extends ProblemSink>(reply: S, result: UnavailableResult): S {
  switch (result.status) {
    case "overloaded":
      return sendProblem(retryAfter(reply, result.retryAfterMs), "overloaded");
    case "unavailable":
    case "storage_unavailable":
      return sendProblem(retryAfter(reply, result.retryAfterMs), result.status);
    default:
      return sendProblem(reply, "refused", { refusal: result.code });
  }
}
