/** Stock per SKU: set, read, list. */
import type { Inventory } from "../../services/inventory/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { httpLimits } from "../protocol/limits.ts";
import { decodeCursor, encodeCursor, readLimit } from "../protocol/page-cursor.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { pageQuery, ref, skuParams } from "../protocol/schema-parts.ts";
import type { PutStockBody } from "./schemas.ts";

const putSchema = {
  operationId: "putStock",
  tags: ["Inventory"],
  summary: "Set name, price and quantity on hand of a SKU",
  params: skuParams,
  body: ref<PutStockBody>("PutStock"),
  response: {
    200: { ...ref("Stock"), description: "The stock as it is now" },
  },
  problems: [...bodyProblems, "below_reserved", "refused", ...serviceProblems],
} as const;

const getSchema = {
  operationId: "getStock",
  tags: ["Inventory"],
  summary: "Read the stock of a SKU",
  params: skuParams,
  response: {
    200: { ...ref("Stock"), description: "The stock" },
  },
  problems: ["sku_not_found", "refused", ...serviceProblems],
} as const;

const listSchema = {
  operationId: "listStock",
  tags: ["Inventory"],
  summary: "List the stock, by SKU",
  querystring: pageQuery,
  response: {
    200: {
      ...ref("StockPage"),
      description: "One page",
    },
  },
  problems: ["validation_failed", "refused", ...serviceProblems],
} as const;

/** Adds the routes. */
export function inventoryRoutes(app: HttpApp, inventory: Inventory): void {
  app.put("/v1/inventory/:sku", { schema: putSchema }, async (request, reply) => {
    const result = await inventory.put(request.params.sku, request.body);
    if (result.status === "stored") return reply.code(200).send(result.stock);
    if (result.status !== "below_reserved") return sendUnavailable(reply, result);
    return sendProblem(reply, "below_reserved", { reserved: result.reserved });
  });

  const config = { unknownParameter: "sku_not_found" } as const;
  app.get("/v1/inventory/:sku", { schema: getSchema, config }, async (request, reply) => {
    const result = await inventory.get(request.params.sku);
    if (result.status === "not_found") return sendProblem(reply, "sku_not_found");
    if (result.status !== "found") return sendUnavailable(reply, result);
    return reply.code(200).send(result.stock);
  });

  app.get("/v1/inventory", { schema: listSchema, preValidation: readLimit }, async (request, reply) => {
    const { limit = httpLimits.page.default, cursor } = request.query;
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    const result = await inventory.list({ limit, ...(after === undefined ? {} : { after }) });
    if (result.status !== "found") return sendUnavailable(reply, result);
    const nextCursor = result.next === null ? null : encodeCursor(result.next);
    return reply.code(200).send({ items: result.items, nextCursor });
  });
}
