/**
 * `/v1/dev`: the mailbox and the books of the simulators, for a developer on this machine. Everywhere else, and for
 * requests without the header that no page of another site can send, there are no such routes.
 */
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import type { HttpApp } from "../protocol/http-app.ts";
import { sendProblem } from "../protocol/problem-answers.ts";
import { ProblemError } from "../protocol/problems.ts";
import type { DevSources } from "./dev-sources-port.ts";
import { drillRoutes } from "./drills.ts";

/** A page of another site cannot send it without being asked first, and is refused then. */
const HEADER = "x-orderly-dev";

const headers = Type.Object({
  [HEADER]: Type.String({ description: "`1`; without it the route is not there", examples: ["1"] }),
});

const sources = [
  ["mail", "readDevMail", "The mails in the mailbox of the local cluster"],
  ["ledger", "readDevLedger", "What the gateway simulator has booked"],
  ["parcels", "readDevParcels", "The parcels of the carrier simulator"],
] as const;

const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/u;

/** A `onRequest` hook. @throws ProblemError `not_found` for a caller elsewhere, and without the header */
async function localOnly({ headers: sent, socket }: FastifyRequest): Promise<void> {
  if (!LOOPBACK.test(socket.remoteAddress ?? "") || sent[HEADER] !== "1") throw new ProblemError("not_found");
}

/** Adds the routes. */
export function devRoutes(app: HttpApp, dev: DevSources): void {
  drillRoutes(app, dev, { headers, onRequest: localOnly });
  for (const [name, operationId, summary] of sources) {
    const read = dev[name];
    if (!read) continue;
    const schema = {
      operationId,
      tags: ["Development"],
      summary,
      description: "Development only, and only from this machine. The answer of the simulator as it is.",
      headers,
      response: {
        200: { description: "Its JSON", content: { "application/json": { schema: {} } } },
      },
      problems: ["not_found", "unavailable"],
    } as const;
    app.get(
      `/v1/dev/${name}`,
      { schema, config: { access: "cluster:operate" }, onRequest: localOnly },
      async (_request, reply) => {
        const answer = await read();
        if (!answer) return sendProblem(reply, "unavailable");
        return reply
          .code(200)
          .header("content-type", "application/json; charset=utf-8")
          .header("cache-control", "no-store")
          .send(answer);
      },
    );
  }
}
