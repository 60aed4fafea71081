/** Moves partitions to other nodes, and drains nodes before they are stopped. For operators. */
import { Type } from "typebox";
import type { Drain, Placements } from "../../services/placement/contract.ts";
import { dryRunQuery, isDryRun } from "../orders/dry-run.ts";
import { emptyBodyIsEmptyObject } from "../protocol/empty-body.ts";
import { versionsIn } from "../protocol/etag.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { ProblemError } from "../protocol/problems.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { ref } from "../protocol/schema-parts.ts";
import { type DrainNode, type MovePartition, nodeParams, partitionParams } from "./placement-schema.ts";

const tags = ["Operations"];

const moveHeaders = Type.Object({
  "if-match": Type.Optional(
    Type.String({
      description: "Only while the partition has this epoch, else 412 and nothing is done",
      examples: ['"412"'],
    }),
  ),
});

const moveSchema = {
  operationId: "movePartition",
  tags,
  summary: "Move a partition to another node",
  description:
    "Its owner ends what is under way and releases the lock for the named node. The other nodes leave it alone for ten " +
    "seconds; when the named node dies meanwhile, any of them takes it. The partition stays there until that node " +
    "ends, is drained, or it is moved again. A repetition of a move that is under way waits for its end.",
  params: partitionParams,
  querystring: dryRunQuery,
  headers: moveHeaders,
  body: ref<MovePartition>("MovePartition"),
  response: {
    200: { ...ref("PartitionMove"), description: "The node owns it; with `dryRun=true`, it would" },
    202: { ...ref("PartitionMove"), description: "Asked; the node does not own it yet" },
  },
  problems: [
    ...bodyProblems,
    "partition_not_found",
    "node_not_found",
    "already_owner",
    "already_moving",
    "node_draining",
    "node_incompatible",
    "version_changed",
    "refused",
    ...serviceProblems,
  ],
} as const;

const drainSchema = {
  operationId: "drainNode",
  tags,
  summary: "Drain a node: it gives everything away and takes nothing",
  description:
    "Before it is stopped, or to leave it alone. It serves HTTP by passing requests on, and stays ready. It ends when " +
    "the node is undrained or starts again.",
  params: nodeParams,
  querystring: dryRunQuery,
  body: ref<DrainNode>("DrainNode"),
  response: {
    200: {
      ...ref("NodeDrain"),
      description: "It has nothing left; with `dryRun=true`, what it would give away",
    },
    202: { ...ref("NodeDrain"), description: "Asked; it has something left" },
  },
  problems: [...bodyProblems, "node_not_found", "last_node", "refused", ...serviceProblems],
} as const;

const undrainSchema = {
  operationId: "undrainNode",
  tags,
  summary: "A drained node takes part again",
  params: nodeParams,
  querystring: dryRunQuery,
  body: ref<DrainNode>("DrainNode"),
  response: { 200: { ...ref("NodeDrain"), description: "Its share comes back to it within seconds" } },
  problems: [...bodyProblems, "node_not_found", "refused", ...serviceProblems],
} as const;

/** Adds the routes. */
export function placementRoutes(app: HttpApp, placements: Placements): void {
  const access = "cluster:operate";
  app.post(
    "/v1/partitions/:partition/move",
    { schema: moveSchema, config: { access, unknownParameter: "partition_not_found" } },
    async (request, reply) => {
      const { node, reason = null } = request.body;
      const ifEpochs = epochsIn(request.headers["if-match"]);
      const result = await placements.move({
        partition: Number(request.params.partition),
        node,
        reason,
        dryRun: isDryRun(request.query),
        ...(ifEpochs && { ifEpochs }),
      });
      switch (result.status) {
        case "moved":
        case "would_move":
        case "moving":
          return reply
            .code(result.status === "moving" ? 202 : 200)
            .send({ dryRun: result.status === "would_move", accepted: true, ...result });
        case "already_owner":
          return sendProblem(reply, result.status, { epoch: result.epoch });
        case "already_moving":
          return sendProblem(reply, result.status, { to: result.to });
        case "version_changed":
          return sendProblem(reply, result.status, { version: result.version });
        case "partition_not_found":
        case "node_not_found":
        case "node_draining":
        case "node_incompatible":
          return sendProblem(reply, result.status);
        default:
          return sendUnavailable(reply, result);
      }
    },
  );
  const config = { access, unknownParameter: "node_not_found" } as const;
  const preValidation = [emptyBodyIsEmptyObject];
  app.post("/v1/nodes/:id/drain", { schema: drainSchema, config, preValidation }, async (request, reply) => {
    const { reason = null } = request.body;
    const result = await placements.drain(request.params.id, { reason, dryRun: isDryRun(request.query) });
    if (result.status === "node_not_found" || result.status === "last_node")
      return sendProblem(reply, result.status);
    if (!("left" in result)) return sendUnavailable(reply, result);
    return reply
      .code(result.status === "draining" ? 202 : 200)
      .send(drainOf(result, isDryRun(request.query)));
  });
  app.post(
    "/v1/nodes/:id/undrain",
    { schema: undrainSchema, config, preValidation },
    async (request, reply) => {
      const { reason = null } = request.body;
      const result = await placements.undrain(request.params.id, { reason, dryRun: isDryRun(request.query) });
      if (result.status === "node_not_found" || result.status === "last_node")
        return sendProblem(reply, "node_not_found");
      if (!("left" in result)) return sendUnavailable(reply, result);
      return reply.code(200).send(drainOf(result, isDryRun(request.query)));
    },
  );
}

const drainOf = (drain: Drain, dryRun: boolean) => ({
  dryRun,
  accepted: true,
  ...drain,
  left: [...drain.left],
});

/** @throws ProblemError `validation_failed` for a header of another form */
function epochsIn(header = "*"): readonly number[] | undefined {
  const epochs = versionsIn(header, { weak: false });
  if (epochs === "any") return undefined;
  if (epochs) return epochs;
  const message = 'must be * or entity tags like "412"';
  throw new ProblemError("validation_failed", {
    errors: [{ pointer: "/if-match", code: "invalid_format", message }],
  });
}
