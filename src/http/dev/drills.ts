/** `POST /v1/dev/nodes/{id}/...` and `POST /v1/dev/gateway/faults`: failures on purpose, on this machine alone. */
import type { FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import { emptyBodyIsEmptyObject } from "../protocol/empty-body.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { sendProblem } from "../protocol/problem-answers.ts";
import { bodyProblems } from "../protocol/problem-schema.ts";
import { closed, nullable, oneOf, ref, time } from "../protocol/schema-parts.ts";
import { type DevSources, drillActions, gatewayFaults } from "./dev-sources-port.ts";

/** What all development routes have. */
type DevRoute = {
  readonly headers: object;
  readonly onRequest: (request: FastifyRequest) => Promise<void>;
};

const MAX_FAULT_MS = 600_000;
const FAULT_MS = 60_000;

const summaries = {
  kill: "End a node at once, as `kill -9`",
  freeze: "Stop a node without ending it, as `kill -STOP`; it goes on by itself after 30 seconds",
  resume: "Let a frozen node go on",
  start: "Start a node that has ended",
} as const;

/** The process of a node after a drill. */
export const NodeDrill = Type.Object(
  {
    node: Type.String(),
    state: oneOf(["running", "frozen", "ended"], "Of its process after the drill"),
    until: nullable({ ...time, description: "When a frozen process goes on by itself" }),
  },
  { $id: "NodeDrill", title: "NodeDrill" },
);

/** Body of `POST /v1/dev/gateway/faults`. */
export const GatewayFaults = closed(
  {
    mode: oneOf(
      gatewayFaults,
      "`errors`: 500; `silence`: no answer; `slow`: 2 s late; `none`: as always. Only `slow` books anything",
    ),
    forMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_FAULT_MS,
        description: "Then it works again; a minute by default",
      }),
    ),
  },
  { $id: "GatewayFaults", examples: [{ mode: "errors", forMs: 30000 }] },
);

/** Adds the routes. */
export function drillRoutes(app: HttpApp, dev: DevSources, { headers, onRequest }: DevRoute): void {
  const { drill, faults } = dev;
  const tags = ["Development"];
  const config = { access: "cluster:operate" } as const;
  const body = ref<Record<string, never>>("NoFields");
  const params = Type.Object({ id: Type.String({ description: "Id of a node", examples: ["node-2"] }) });
  for (const action of drill ? drillActions : []) {
    const schema = {
      operationId: `${action}DevNode`,
      tags,
      summary: summaries[action],
      description: "Development only, from this machine, for nodes that `npm start` has started.",
      headers,
      params,
      body,
      response: { 200: { ...ref("NodeDrill"), description: "Done, or done within a tenth of a second" } },
      problems: [...bodyProblems, "not_found", "node_not_found", "refused", "unavailable"],
    } as const;
    app.post(
      `/v1/dev/nodes/:id/${action}`,
      { schema, config, onRequest, preValidation: [emptyBodyIsEmptyObject] },
      async (request, reply) => {
        const { id } = request.params;
        const result = await drill?.(id, action);
        switch (result?.status) {
          case "done":
            return reply.code(200).send({ node: result.node, state: result.state, until: result.until });
          case "node_not_found":
            return sendProblem(reply, "node_not_found");
          case "refused":
            return sendProblem(reply, "refused", { refusal: `node_${result.state}` });
          default:
            return sendProblem(reply, "unavailable");
        }
      },
    );
  }
  const schema = {
    operationId: "setDevGatewayFaults",
    tags,
    summary: "Let the gateway simulator fail for a while",
    description: "Development only, and only from this machine.",
    headers,
    body: ref<Static<typeof GatewayFaults>>("GatewayFaults"),
    response: { 200: { description: "Its JSON", content: { "application/json": { schema: {} } } } },
    problems: [...bodyProblems, "not_found", "unavailable"],
  } as const;
  app.post("/v1/dev/gateway/faults", { schema, config, onRequest }, async (request, reply) => {
    const { forMs = FAULT_MS, mode } = request.body;
    const answer = await faults({ mode, forMs });
    if (!answer) return sendProblem(reply, "unavailable");
    return reply.code(200).header("content-type", "application/json; charset=utf-8").send(answer);
  });
}
