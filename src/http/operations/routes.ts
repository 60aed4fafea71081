/** Health, metrics and the cluster, for load balancers, monitoring and operators. */
import type { HttpApp } from "../protocol/http-app.ts";
import { retryAfter, sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { serviceProblems } from "../protocol/problem-schema.ts";
import { ref } from "../protocol/schema-parts.ts";
import type { ClusterView, Operations, Ownerships, SamplesOf } from "./operations-port.ts";
import { historyQuery, samplesQuery } from "./operations-schema.ts";

const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const tags = ["Operations"] as const;

const liveSchema = {
  operationId: "live",
  tags,
  summary: "Is the process alive?",
  response: { 200: { ...ref("Live"), description: "Alive" } },
  problems: [],
} as const;

const readySchema = {
  operationId: "ready",
  tags,
  summary: "Can the node serve orders?",
  response: {
    200: { ...ref("Ready"), description: "Ready" },
  },
  problems: ["not_ready"],
} as const;

const metricsSchema = {
  operationId: "metrics",
  tags,
  summary: "Metrics in Prometheus text format",
  response: {
    200: { description: "Metrics", content: { "text/plain": { schema: { type: "string" } } } },
  },
  problems: [],
} as const;

const clusterSchema = {
  operationId: "cluster",
  tags,
  summary: "Nodes, partitions and their owners",
  response: {
    200: { ...ref("Cluster"), description: "The cluster as this node sees it" },
  },
  problems: ["refused", ...serviceProblems],
} as const;

const historySchema = {
  operationId: "clusterHistory",
  tags,
  summary: "Which node owned which partition when",
  querystring: historyQuery,
  response: { 200: { ...ref("ClusterHistory"), description: "Newest first" } },
  problems: ["validation_failed", "refused", ...serviceProblems],
} as const;

const samplesSchema = {
  operationId: "clusterSamples",
  tags,
  summary: "What the nodes did in the last minutes, a sample a second",
  querystring: samplesQuery,
  response: { 200: { ...ref("ClusterSamples"), description: "As this node saw it" } },
  problems: ["validation_failed", "refused", ...serviceProblems],
} as const;

const HISTORY_MS = 3_600_000;
/** Samples are kept so long. */
const WINDOW_MS = 900_000;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Adds the routes. While `closing`, the node is not ready: it finishes the answers that are under way. */
export function operationRoutes(
  app: HttpApp,
  node: {
    readonly operations: Operations;
    readonly ownerships: Ownerships;
    readonly samples: SamplesOf;
    readonly development: boolean;
    readonly now: () => number;
    readonly closing: () => boolean;
  },
): void {
  app.get("/health/live", { schema: liveSchema, config: { access: "public" } }, async (_request, reply) =>
    reply.code(200).send({ status: "live" }),
  );

  app.get("/health/ready", { schema: readySchema, config: { access: "public" } }, async (_request, reply) => {
    const { ready, checks } = await node.operations.health();
    if (!ready || node.closing()) return sendProblem(retryAfter(reply, 1000), "not_ready", { checks });
    const checkedAt = new Date(node.now()).toISOString();
    return reply.code(200).send({ status: "ready", checkedAt, checks });
  });

  app.get(
    "/metrics",
    { schema: metricsSchema, config: { access: "cluster:read" } },
    async (_request, reply) =>
      reply.header("content-type", METRICS_TYPE).send(await node.operations.metrics()),
  );

  app.get(
    "/v1/cluster",
    { schema: clusterSchema, config: { access: "cluster:read" } },
    async (_request, reply) => {
      const view = await node.operations.cluster();
      if ("status" in view) return sendUnavailable(reply, view);
      return reply.code(200).send(node.development ? view : withoutPids(view));
    },
  );

  app.get(
    "/v1/cluster/samples",
    { schema: samplesSchema, config: { access: "cluster:read" } },
    async (request, reply) => {
      const { window = "15m" } = request.query;
      const ms = Number(window.slice(0, -1)) * (UNIT_MS[window.slice(-1)] ?? 0);
      return reply.code(200).send(node.samples(Math.min(ms, WINDOW_MS)));
    },
  );

  app.get(
    "/v1/cluster/history",
    { schema: historySchema, config: { access: "cluster:read" } },
    async (request, reply) => {
      const { since } = request.query;
      const spans = await node.ownerships(since === undefined ? node.now() - HISTORY_MS : Date.parse(since));
      return "status" in spans ? sendUnavailable(reply, spans) : reply.code(200).send(spans);
    },
  );
}

/** The cluster as it is shown outside development. */
export function withoutPids(view: ClusterView): ClusterView {
  return { ...view, nodes: view.nodes.map(({ pid: _pid, ...node }) => node) };
}
