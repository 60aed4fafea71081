/** Live views over Server-Sent Events. */
import { Type } from "typebox";
import type { Bulk } from "../../services/bulk/contract.ts";
import type { LiveList, LiveOrders } from "../../services/live/contract.ts";
import type { Operations } from "../operations/operations-port.ts";
import { withoutPids } from "../operations/routes.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { type ProblemSink, retryAfter, sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { serviceProblems } from "../protocol/problem-schema.ts";
import { orderParams } from "../protocol/schema-parts.ts";
import { EventStreams } from "./event-stream.ts";
import { SharedView } from "./shared-view.ts";
import { beginTopics, POSITIONS, SharedBulks, type Topic, TOPICS, type TopicSources } from "./topics.ts";

/** Streams end seldom: a client asks again after some time. */
const RETRY_AFTER_MS = 5000;

/** Members of the cluster's view that change all the time. */
const MEASURES = ["clockOffsetMs", "outboxDepth", "lag", "oldestMs", "commitMs", "lanes"];

const config = { unknownParameter: "order_not_found" } as const;

/** A stream sequence as text: it stays exact, and headers are text anyway. */
const position = (description: string) =>
  Type.String({ pattern: "^\\d{1,15}$", description, examples: ["133"] });

const orderStreamSchema = {
  operationId: "streamOrder",
  tags: ["Live"],
  summary: "Watch an order",
  description: [
    "Server-Sent Events: `record` for each commit of the order, with `item` (as in its history) and `order` (as it was",
    "then). Its `id` is the stream sequence: a client that comes again with `Last-Event-ID`, or with `after`, at this",
    "node or another one, loses and repeats nothing. Without a position the newest commit comes first. `reset`: the",
    "position is gone (what follows begins with the newest commit), or the client reads too slowly (the stream ends).",
    "`bye`: the node ends the stream; ask again, here or elsewhere. A comment comes every 15 seconds.",
  ].join(" "),
  params: orderParams,
  querystring: Type.Object(
    { after: Type.Optional(position("Only commits after this stream sequence")) },
    { additionalProperties: false },
  ),
  headers: Type.Object({
    "last-event-id": Type.Optional(
      position("The same; it wins, because clients repeat the address as it was"),
    ),
  }),
  response: {
    200: {
      description: "The stream",
      content: { "text/event-stream": { schema: Type.Unsafe<unknown>({ type: "string" }) } },
    },
  },
  problems: ["validation_failed", "order_not_found", "too_many_streams", "refused", ...serviceProblems],
} as const;

const streamSchema = {
  operationId: "stream",
  tags: ["Live"],
  summary: "Watch orders, the cluster, messages and bulk operations",
  description: [
    "Server-Sent Events on one connection. Topics: `orders` sends `rows` (orders that have changed, as in the list, at",
    "most 200; `more`: there are others, read the list again) a few times a second, and `counts` (by status).",
    "`cluster` sends `cluster`, as `GET /v1/cluster`, and `messages` sends `messages` (what waits for the workers, and",
    "dead letters), when they have changed; measures alone every 5 seconds at most. `order:ID` sends `record`, as the",
    "stream of that order. `bulk:ID` sends `bulk`, as `GET /v1/bulk/{id}`, when it has changed. An `id` has the positions of the topics `orders` and `order:ID`, in the order of the",
    "request, with `~`: a client that comes again with it as `Last-Event-ID`, or as `after`, at any node, loses",
    "nothing. `reset` and `bye` as in the stream of an order.",
  ].join(" "),
  querystring: Type.Object(
    {
      topics: Type.String({ pattern: TOPICS, description: "1 to 10 topics", examples: ["orders,cluster"] }),
      after: Type.Optional(
        Type.String({ pattern: POSITIONS, description: "An id, or one position for all", examples: ["133"] }),
      ),
    },
    { additionalProperties: false },
  ),
  headers: Type.Object({
    "last-event-id": Type.Optional(Type.String({ pattern: POSITIONS, description: "The same; it wins" })),
  }),
  response: {
    200: {
      description: "The stream",
      content: { "text/event-stream": { schema: Type.Unsafe<unknown>({ type: "string" }) } },
    },
  },
  problems: ["validation_failed", "too_many_streams", "refused", ...serviceProblems],
} as const;

/** What the live views show. */
export type LiveSources = {
  readonly live: LiveOrders;
  readonly liveList: LiveList;
  readonly operations: Operations;
  readonly bulk: Bulk;
  readonly development: boolean;
};

/** Adds the routes. */
export function liveRoutes(
  app: HttpApp,
  { bulk, development, live, liveList, operations }: LiveSources,
): void {
  const streams = new EventStreams(app, operations);
  // Fastify would answer HEAD with these handlers, which do not end.
  const ofOrder = {
    schema: orderStreamSchema,
    config: { ...config, access: "orders:read" },
    exposeHeadRoute: false,
  } as const;
  app.get("/v1/orders/:id/stream", ofOrder, async (request, reply) => {
    const from = request.headers["last-event-id"] ?? request.query.after;
    if (!streams.hasRoom()) return sendFull(reply);
    const followed = await live.follow(request.params.id, from === undefined ? undefined : Number(from));
    if (followed.status === "not_found") return sendProblem(reply, "order_not_found");
    if (followed.status !== "found") return sendUnavailable(reply, followed);
    const stream = streams.begin(reply, () => followed.stop());
    if (!stream) return sendFull(reply);
    if (stream.ended()) return reply;
    if (followed.positionGone) stream.send("reset", { why: "position_gone" });
    followed.begin({
      commit: ({ item, order }) => stream.send("record", { item, order }, item.sequence),
      ended: () => stream.end("bye", { why: "unavailable" }),
    });
    return reply;
  });

  const view = async () => {
    const found = await operations.cluster();
    return "status" in found ? undefined : found;
  };
  const sources: TopicSources = {
    live,
    list: liveList,
    bulks: new SharedBulks(bulk),
    cluster: new SharedView(async () => {
      const found = await view();
      return found && (development ? found : withoutPids(found));
    }, MEASURES),
    messages: new SharedView(async () => {
      const found = await view();
      return found && { workers: found.workers };
    }, MEASURES),
  };
  app.get(
    "/v1/stream",
    { schema: streamSchema, exposeHeadRoute: false, config: { access: "orders:follow" } },
    async (request, reply) => {
      const { after, topics } = request.query;
      const named = [...new Set(topics.split(","))] as Topic[];
      let end: (() => void) | undefined;
      const stream = streams.begin(reply, () => end?.());
      if (!stream) return sendFull(reply);
      if (!stream.ended())
        end = beginTopics(stream, named, request.headers["last-event-id"] ?? after, sources);
      return reply;
    },
  );
}

function sendFull<S extends ProblemSink>(reply: S): S {
  return sendProblem(retryAfter(reply, RETRY_AFTER_MS), "too_many_streams");
}
