/** Finding orders: lists, counts, and lists as CSV. */
import { Readable } from "node:stream";
import { Type } from "typebox";
import type { NoAnswer, OrderList, OrderPage, Sort } from "../../services/projection/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { httpLimits } from "../protocol/limits.ts";
import { readLimit } from "../protocol/page-cursor.ts";
import { type ProblemSink, retryAfter, sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { serviceProblems } from "../protocol/problem-schema.ts";
import { ref } from "../protocol/schema-parts.ts";
import { CSV_HEAD, csvLine } from "./list-csv.ts";
import { filterFor, knownOf } from "./list-filters.ts";
import { countsQuery, csvQuery, ordersQuery } from "./list-schema.ts";

const problems = ["validation_failed", "behind", "projection_off", "refused", ...serviceProblems] as const;

const description =
  "Answered from a projection: a list that follows the orders and may lag for a moment; `asOf` says how far it reaches. All filters combine.";

const listSchema = {
  operationId: "listOrders",
  tags: ["Orders"],
  summary: "Find orders",
  description,
  querystring: ordersQuery,
  response: { 200: { ...ref("OrderList"), description: "One page" } },
  problems,
} as const;

const countsSchema = {
  operationId: "countOrders",
  tags: ["Orders"],
  summary: "Count orders",
  description,
  querystring: countsQuery,
  response: { 200: { ...ref("OrderCounts"), description: "The counts" } },
  problems,
} as const;

const csvSchema = {
  operationId: "exportOrders",
  tags: ["Orders"],
  summary: "Export orders as CSV",
  description: `${description} The answer has every order that fits; it is cut where the list becomes unavailable.`,
  querystring: csvQuery,
  response: {
    200: {
      description: "One order a line",
      content: { "text/csv": { schema: Type.Unsafe<unknown>({ type: "string" }) } },
    },
  },
  problems,
} as const;

const NEWEST: Sort = "-createdAt";

/** Adds the routes. */
export function listOrderRoutes(app: HttpApp, orders: OrderList): void {
  app.get(
    "/v1/orders",
    { schema: listSchema, preValidation: readLimit, config: { access: "orders:list" } },
    async (request, reply) => {
      const { cursor, limit = httpLimits.page.default, minSequence, sort = NEWEST, ...query } = request.query;
      const result = await orders.list({
        filter: filterFor(request.caller, query),
        sort,
        limit,
        ...(cursor === undefined ? {} : { cursor }),
        ...(minSequence === undefined ? {} : { minSequence: knownOf(minSequence) }),
      });
      if (result.status !== "found") return sendNoAnswer(reply, result);
      const { status: _, ...page } = result;
      return reply.code(200).header("cache-control", "private, no-cache").send(page);
    },
  );

  app.get(
    "/v1/orders/counts",
    { schema: countsSchema, config: { access: "orders:list" } },
    async (request, reply) => {
      const { by, minSequence, ...query } = request.query;
      const known = minSequence === undefined ? {} : { minSequence: knownOf(minSequence) };
      const result = await orders.counts({ filter: filterFor(request.caller, query), by, ...known });
      if (result.status !== "counted") return sendNoAnswer(reply, result);
      const { status: _, ...counts } = result;
      return reply.code(200).header("cache-control", "private, no-cache").send(counts);
    },
  );

  app.get(
    "/v1/orders.csv",
    { schema: csvSchema, config: { access: "orders:list" } },
    async (request, reply) => {
      const { minSequence, sort = NEWEST, ...query } = request.query;
      const how = { filter: filterFor(request.caller, query), sort, limit: httpLimits.page.max };
      const known = minSequence === undefined ? {} : { minSequence: knownOf(minSequence) };
      const first = await orders.list({ ...how, ...known });
      if (first.status !== "found") return sendNoAnswer(reply, first);
      const next = (cursor: string) => orders.list({ ...how, cursor });
      reply.header("content-disposition", 'attachment; filename="orders.csv"');
      reply.header("cache-control", "private, no-cache");
      return reply.type("text/csv; charset=utf-8").send(Readable.from(csvOf(first, next)));
    },
  );
}

/** @throws Error when a page is missing: the answer is cut, and its receiver sees that */
async function* csvOf(
  first: OrderPage,
  next: (cursor: string) => Promise<OrderPage | NoAnswer>,
): AsyncGenerator<string> {
  yield CSV_HEAD;
  for (let page = first; ; ) {
    yield page.items.map(csvLine).join("");
    if (page.nextCursor === null) return;
    const following = await next(page.nextCursor);
    if (following.status !== "found") throw new Error(`the list of orders is ${following.status}`);
    page = following;
  }
}

/** Answers a request that no list of orders could answer. */
export function sendNoAnswer<S extends ProblemSink>(reply: S, result: NoAnswer): S {
  switch (result.status) {
    case "behind": {
      const { progress, retryAfterMs } = result;
      const detail = "The list of orders is being built; repeat the request later.";
      const building = progress === undefined ? {} : { progress, detail };
      return sendProblem(retryAfter(reply, retryAfterMs), "behind", building);
    }
    case "projection_off":
      return sendProblem(reply, "projection_off");
    case "invalid": {
      const { field, reason } = result;
      const fault = { pointer: `/${field}`, code: "invalid_format", message: reason } as const;
      return sendProblem(reply, "validation_failed", { errors: [fault] });
    }
    default:
      return sendUnavailable(reply, result);
  }
}
