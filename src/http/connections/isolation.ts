/** Requests that nothing can come of are refused at once: whoever waits for a node that is cut off waits in vain. */
import type { HttpApp } from "../protocol/http-app.ts";
import type { Operations } from "../operations/operations-port.ts";
import { RETRY_AFTER_MS } from "../../services/unavailable.ts";
import { retryAfter, sendProblem } from "../protocol/problem-answers.ts";

/** The cluster as the node last saw it is shown nevertheless. */
const FROM_MEMORY: ReadonlySet<string> = new Set(["/v1/cluster"]);

/** For the routes that are added after this. An input that is wrong in itself is told so. */
export function refuseWhenCutOff(app: HttpApp, operations: Pick<Operations, "isolation">): void {
  app.addHook("preHandler", (request, reply, done) => {
    const { url = "" } = request.routeOptions;
    if (request.validationError) return done();
    const reason = url.startsWith("/v1/") && !FROM_MEMORY.has(url) ? operations.isolation() : undefined;
    if (reason === undefined) return done();
    request.log.debug({ reason }, "refused: cut off");
    sendProblem(retryAfter(reply, RETRY_AFTER_MS), "unavailable");
  });
}
