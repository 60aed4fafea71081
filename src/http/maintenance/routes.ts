/** `GET` and `POST /v1/maintenance`. For operators. */
import type { Maintenance } from "../../services/maintenance/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { sendUnavailable } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { ref } from "../protocol/schema-parts.ts";
import type { SetMaintenance } from "./schemas.ts";

const tags = ["Operations"];

const getSchema = {
  operationId: "getMaintenance",
  tags,
  summary: "Whether new orders are taken",
  response: { 200: { ...ref("Maintenance"), description: "As this node knows it" } },
  problems: ["refused", ...serviceProblems],
} as const;

const setSchema = {
  operationId: "setMaintenance",
  tags,
  summary: "Stop or resume the taking of new orders",
  description:
    "On all nodes, and over restarts. Open orders go on: their commands, webhooks and timers are served. A repetition of an order that exists gets that order.",
  body: ref<SetMaintenance>("SetMaintenance"),
  response: { 200: { ...ref("Maintenance"), description: "Stored, and in effect on this node" } },
  problems: [...bodyProblems, "refused", ...serviceProblems],
} as const;

/** Adds the routes. */
export function maintenanceRoutes(app: HttpApp, maintenance: Maintenance): void {
  app.get(
    "/v1/maintenance",
    { schema: getSchema, config: { access: "cluster:read" } },
    async (_request, reply) => reply.code(200).send(maintenance.state()),
  );
  app.post(
    "/v1/maintenance",
    { schema: setSchema, config: { access: "cluster:operate" } },
    async (request, reply) => {
      const result = await maintenance.set(request.body);
      if (result.status !== "set") return sendUnavailable(reply, result);
      return reply.code(200).send(result.state);
    },
  );
}
