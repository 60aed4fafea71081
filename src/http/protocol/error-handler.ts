/** Makes a problem of every error of a route or of the framework. No text of an error object leaves the node. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { discardBody } from "./discard-body.ts";
import { faultsOf } from "./faults.ts";
import { sendProblem } from "./problem-answers.ts";
import { type ProblemCode, ProblemError, type ProblemMembers } from "./problems.ts";

/** The framework's errors that the client caused. */
const problemOfCode: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_BAD_URL: "bad_request",
  FST_ERR_CTP_BODY_TOO_LARGE: "body_too_large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "unsupported_media_type",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "bad_request",
};

type Found = { readonly code: ProblemCode; readonly members?: ProblemMembers };

/**
 * The app's error handler. It logs faults of the node with the request's id, and no others.
 * @returns the reply, sent. A body that was not read is discarded first (see `discardBody`)
 */
export async function handleError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { code, members } = problemOf(error, request);
  if (code === "internal_error")
    request.log.error(
      { err: error, method: request.method, route: request.routeOptions.url },
      "request failed",
    );
  // The framework closes the connection after a body that it did not take.
  if (reply.getHeader("connection") === "close") await discardBody(request.raw);
  return sendProblem(reply, code, members);
}

function problemOf(error: FastifyError, request: FastifyRequest): Found {
  if (error instanceof ProblemError) return { code: error.code, members: error.members };
  if (error.validation !== undefined) {
    const unknown = request.routeOptions.config.unknownParameter;
    if (error.validationContext === "params" && unknown !== undefined) return { code: unknown };
    return { code: "validation_failed", members: { errors: faultsOf(error.validation) } };
  }
  const code = problemOfCode[error.code];
  if (code !== undefined) return { code };
  // The body's stream failed: its sender has disconnected and will not read the answer.
  if (request.raw.destroyed && !request.raw.complete) return { code: "bad_request" };
  return { code: "internal_error" };
}
