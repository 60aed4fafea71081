/** Answers about the node and the cluster. */
import { Type } from "typebox";
import { nullable, time } from "../protocol/schema-parts.ts";

const checks = Type.Array(Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.String() }));

/** Answer of `GET /health/ready` from a ready node; another one answers with the problem `not_ready`. */
export const Ready = Type.Object(
  { status: Type.Literal("ready", { type: "string" }), checkedAt: time, checks },
  { $id: "Ready", title: "Ready" },
);

/** Answer of `GET /health/live`. */
export const Live = Type.Object(
  { status: Type.Literal("live", { type: "string" }) },
  { $id: "Live", title: "Live" },
);

/** Answer of `GET /v1/cluster`. */
export const Cluster = Type.Object(
  {
    nodes: Type.Array(
      Type.Object({
        id: Type.String(),
        startedAt: time,
        roles: Type.Array(Type.String()),
        partitions: Type.Array(Type.Integer(), { description: "Partitions that the node owns" }),
        outboxDepth: Type.Integer({ description: "Commits that wait for the journal's acknowledgement" }),
        clockOffsetMs: nullable(
          Type.Integer({
            description:
              "How far the node's own clock is ahead of the NATS server's, ms; negative when it is slow. " +
              "Null: the node's program does not measure it",
          }),
        ),
        url: Type.String({ description: "Where the node listens, without a slash at the end" }),
        version: Type.Optional(
          Type.String({ description: "Version of its program; absent when the node does not say" }),
        ),
        definition: Type.Optional(Type.Integer({ description: "Version of its definition of an order" })),
        commit: Type.Optional(
          Type.String({ description: "Commit that its program is of; absent when it is not known" }),
        ),
        draining: nullable(
          Type.Object(
            { reason: nullable(Type.String()), since: time },
            { description: "The node gives everything away and takes nothing; null: it takes part" },
          ),
        ),
        commitMs: Type.Object(
          { p50: nullable(Type.Number()), p99: nullable(Type.Number()) },
          {
            description:
              "Of its newest commits, from the decision to the acknowledgement; null without any for a minute",
          },
        ),
        lanes: Type.Array(
          Type.Object({
            provider: Type.String({ examples: ["gateway"] }),
            inUse: Type.Integer({ description: "Calls under way" }),
            limit: Type.Integer({ description: "Calls that may be under way at once" }),
            waiting: Type.Integer({ description: "Calls in the queue" }),
            breaker: Type.String({ description: "`closed`, `open` or `half-open`" }),
          }),
          { description: "The limiters of its calls to providers" },
        ),
        pid: Type.Optional(Type.Integer({ description: "In development only" })),
      }),
    ),
    partitions: Type.Array(
      Type.Object({
        partition: Type.Integer(),
        node: nullable(Type.String({ description: "The owner; null when there is none" })),
        epoch: Type.Integer({ description: "Revision of the lock" }),
        lag: Type.Integer({ description: "Inputs that the owner has not evaluated yet" }),
        answers: nullable(
          Type.Boolean({
            description:
              "Whether the partition has answered this node's newest probe, a read of an order that does not exist; null when there is no result",
          }),
        ),
      }),
    ),
    workers: Type.Array(
      Type.Object({
        worker: Type.String({ examples: ["email"] }),
        pending: nullable(
          Type.Integer({
            description:
              "Events of all nodes that the worker has not acknowledged, retries included; " +
              "null while the node cannot ask the server",
          }),
        ),
        oldestMs: nullable(Type.Integer({ description: "Age of the oldest of them; 0 when there is none" })),
        deadLetters: nullable(Type.Integer({ description: "Dead letters that no operator has replayed" })),
      }),
      { description: "The workers that run on this node, as it counted some seconds ago" },
    ),
  },
  { $id: "Cluster", title: "Cluster" },
);

/** Query of `GET /v1/cluster/samples`. */
export const samplesQuery = Type.Object(
  {
    window: Type.Optional(
      Type.String({
        pattern: "^[1-9]\\d{0,5}[smh]$",
        description: "How far back: seconds, minutes or hours, 15 minutes at most; without it, 15 minutes",
        examples: ["15m"],
      }),
    ),
  },
  { additionalProperties: false },
);

/** What the cluster did lately. */
export const ClusterSamplesSchema = Type.Object(
  {
    everyMs: Type.Integer({ description: "Pause between two samples" }),
    samples: Type.Array(
      Type.Object({
        at: time,
        nodes: Type.Array(
          Type.Object({
            id: Type.String(),
            partitions: Type.Integer({ description: "Partitions that it owned" }),
            outboxDepth: Type.Integer(),
            lag: Type.Integer({ description: "Inputs that its partitions had not evaluated" }),
            commitsPerSecond: nullable(Type.Number()),
            commitP99Ms: nullable(Type.Number()),
          }),
        ),
      }),
      { description: "Oldest first; those since the start of this node at most" },
    ),
  },
  { $id: "ClusterSamples", title: "ClusterSamples", description: "The nodes as this node saw them" },
);

/** Query of `GET /v1/cluster/history`. */
export const historyQuery = Type.Object(
  {
    since: Type.Optional({
      ...time,
      description: "Ownerships that had not ended then; without it, those of the last hour",
    }),
  },
  { additionalProperties: false },
);

/** Who owned which partition when. */
export const ClusterHistory = Type.Array(
  Type.Object({
    partition: Type.Integer(),
    node: Type.String(),
    epoch: Type.Integer({ description: "Revision of the lock" }),
    from: time,
    to: nullable({ ...time, description: "Null: it has not ended" }),
    gapMs: nullable(
      Type.Integer({
        description:
          "How long no node held the lock before; null after an owner that did not release it, because its end is not in the lock",
      }),
    ),
  }),
  { $id: "ClusterHistory", title: "ClusterHistory", description: "Newest first, at most 1000" },
);
