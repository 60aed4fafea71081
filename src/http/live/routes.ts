/** Live views over Server-Sent Events. */
import { Type } from "typebox";
import type { LiveOrders } from "../../services/live/contract.ts";
import type { Operations } from "../operations/operations-port.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { retryAfter, sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { serviceProblems } from "../protocol/problem-schema.ts";
import { orderParams } from "../protocol/schema-parts.ts";
import { EventStreams } from "./event-stream.ts";

/** Streams end seldom: a client asks again after some time. */
const RETRY_AFTER_MS = 5000;

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

/** Adds the routes. */
export function liveRoutes(app: HttpApp, live: LiveOrders, operations: Operations): void {
  const streams = new EventStreams(app, operations);
  // Fastify would answer HEAD with this handler, which does not end.
  const options = { schema: orderStreamSchema, config, exposeHeadRoute: false };
  app.get("/v1/orders/:id/stream", options, async (request, reply) => {
    const from = request.headers["last-event-id"] ?? request.query.after;
    if (!streams.hasRoom()) return sendProblem(retryAfter(reply, RETRY_AFTER_MS), "too_many_streams");
    const followed = await live.follow(request.params.id, from === undefined ? undefined : Number(from));
    if (followed.status === "not_found") return sendProblem(reply, "order_not_found");
    if (followed.status !== "found") return sendUnavailable(reply, followed);
    const stream = streams.begin(reply, () => followed.stop());
    if (!stream) return sendProblem(retryAfter(reply, RETRY_AFTER_MS), "too_many_streams");
    if (followed.positionGone) stream.send("reset", { why: "position_gone" });
    followed.begin({
      commit: ({ item, order }) => stream.send("record", { item, order }, item.sequence),
      ended: () => stream.end("bye", { why: "unavailable" }),
    });
    return reply;
  });
}
