/** Answers for addresses that no route serves: 405 if another method would do, otherwise 404. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { sendProblem } from "./problem-answers.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/**
 * Sends 405 with `Allow` where other methods would do, otherwise 404. The router itself says which methods the address
 * takes, so both always agree.
 */
export function answerUnknownRoute(
  app: Pick<FastifyInstance, "findRoute">,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const [url = "/"] = request.url.split("?", 1);
  const allowed = methods.filter((method) => app.findRoute({ method, url }) !== null);
  // A file that the address of a route names may be missing.
  if (allowed.length === 0 || allowed.some((method) => method === request.method))
    return sendProblem(reply, "not_found");
  reply.header("allow", allowed.join(", "));
  return sendProblem(reply, "method_not_allowed");
}
