/** Refuses at once the requests that an isolated node cannot serve: their callers would wait in vain. */
import { RETRY_AFTER_MS } from "../../services/unavailable.ts";
import type { Operations } from "../operations/operations-port.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { retryAfter, sendProblem } from "../protocol/problem-answers.ts";

/** The last known view of the cluster is shown nevertheless. */
const FROM_MEMORY: ReadonlySet<string> = new Set(["/v1/cluster"]);

/** While the node is isolated, `/v1/` routes that are added after this answer 503. Invalid input is answered 400. */
export function refuseWhenIsolated(app: HttpApp, operations: Pick<Operations, "isolation">): void {
  app.addHook("preHandler", (request, reply, done) => {
    const { url = "" } = request.routeOptions;
    if (request.validationError) return done();
    const reason = url.startsWith("/v1/") && !FROM_MEMORY.has(url) ? operations.isolation() : undefined;
    if (reason === undefined) return done();
    request.log.debug({ reason }, "refused: the node is isolated");
    sendProblem(retryAfter(reply, RETRY_AFTER_MS), "unavailable");
  });
}
