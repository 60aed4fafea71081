/** The projection of the node that is asked: how far it is, and how it is built anew. */
import type { OrderList } from "../../services/projection/contract.ts";
import { emptyBodyIsEmptyObject } from "../protocol/empty-body.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { sendProblem } from "../protocol/problem-answers.ts";
import { bodyProblems } from "../protocol/problem-schema.ts";
import { ref } from "../protocol/schema-parts.ts";

const answer = { ...ref("Projection"), description: "The projection of this node" } as const;

const getSchema = {
  operationId: "getProjection",
  tags: ["Operations"],
  summary: "Read how far the list of orders is",
  response: { 200: answer },
  problems: [],
} as const;

const rebuildSchema = {
  operationId: "rebuildProjection",
  tags: ["Operations"],
  summary: "Build the list of orders of this node anew",
  description:
    "It is read from the beginning of the order streams. Meanwhile lists come from another node, or are answered 503 `behind`.",
  body: ref<Record<string, never>>("NoFields"),
  response: { 202: answer },
  problems: [...bodyProblems, "projection_off"],
} as const;

/** Adds the routes. */
export function projectionRoutes(app: HttpApp, orders: OrderList): void {
  app.get(
    "/v1/projection",
    { schema: getSchema, config: { access: "cluster:read" } },
    async (_request, reply) => reply.code(200).send(orders.projection()),
  );

  const rebuild = {
    schema: rebuildSchema,
    config: { access: "cluster:operate" },
    preValidation: emptyBodyIsEmptyObject,
  } as const;
  app.post("/v1/projection/rebuild", rebuild, async (_request, reply) => {
    if (!(await orders.rebuild())) return sendProblem(reply, "projection_off");
    return reply.code(202).send(orders.projection());
  });
}
