/** Stock per SKU: set, adjust, read, list. */
import { Type } from "typebox";
import type {
  Inventory,
  PredictedPut,
  PutHow,
  PutRefusal,
  StockCondition,
  StockView,
} from "../../services/inventory/contract.ts";
import { dryRunQuery, isDryRun } from "../orders/dry-run.ts";
import { etagOf, matches, versionsIn } from "../protocol/etag.ts";
import type { Fault } from "../protocol/faults.ts";
import { isAllowed } from "../../services/access/contract.ts";
import { forbidden } from "../access/access.ts";
import type { Caller } from "../access/caller.ts";
import { idempotencyKey, requireIdempotencyKey, takesKey } from "../protocol/idempotency-key.ts";
import { type ProblemCode, ProblemError, type ProblemMembers, problems } from "../protocol/problems.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { httpLimits } from "../protocol/limits.ts";
import { decodeCursor, encodeCursor, readLimit } from "../protocol/page-cursor.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { pageQuery, ref, skuParams } from "../protocol/schema-parts.ts";
import type { AdjustStockBody, PutStockBody } from "./schemas.ts";

const etag = {
  etag: { type: "string", description: "Version of the stock: every change of it has another" },
};

const putSchema = {
  operationId: "putStock",
  tags: ["Inventory"],
  summary: "Set name and price of a SKU, its quantity on hand, and whether it is for sale",
  description:
    "What is left out stays as it is. `listed: false` takes the SKU off sale: new orders for it are refused, open ones go on.",
  params: skuParams,
  querystring: dryRunQuery,
  headers: Type.Object({
    "if-match": Type.Optional(
      Type.String({ description: "Only while the version is this one, else 412", examples: ['"7"'] }),
    ),
    "if-none-match": Type.Optional(
      Type.String({ description: "`*`: only while there is no such SKU, else 412", examples: ["*"] }),
    ),
    "idempotency-key": Type.Optional(
      idempotencyKey(
        "The same key with the same SKU and body is done once; its repetition is answered with the stock as it is then",
      ),
    ),
  }),
  body: ref<PutStockBody>("PutStock"),
  response: {
    200: { ...ref("Stock"), description: "The stock as it is now", headers: etag },
  },
  also: { schema: "StockDryRun", when: "With `dryRun=true`:" },
  problems: [
    ...bodyProblems,
    "below_reserved",
    "version_changed",
    "invalid_idempotency_key",
    "idempotency_key_reused",
    "refused",
    ...serviceProblems,
  ],
} as const;

const getSchema = {
  operationId: "getStock",
  tags: ["Inventory"],
  summary: "Read the stock of a SKU",
  params: skuParams,
  headers: Type.Object({
    "if-none-match": Type.Optional(
      Type.String({ description: "Answer 304 when the version is still this one", examples: ['"7"'] }),
    ),
  }),
  response: {
    200: { ...ref("Stock"), description: "The stock", headers: etag },
    304: { type: "null", description: "The version in If-None-Match is still the newest" },
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

const adjustSchema = {
  operationId: "adjustStock",
  tags: ["Inventory"],
  summary: "Adjust the quantity on hand of a SKU by a difference, or to what was counted",
  description:
    "A count below what orders hold is accepted: the newest reservations give way. Their orders cannot ship until pieces arrive or other orders end.",
  params: skuParams,
  headers: Type.Object({
    "idempotency-key": idempotencyKey(
      "Required. The same key with the same SKU and body gets the same answer, and nothing is done twice",
    ),
  }),
  body: ref<AdjustStockBody>("AdjustStock"),
  response: {
    201: { ...ref("Adjustment"), description: "The adjustment" },
  },
  problems: [
    ...bodyProblems,
    "idempotency_key_required",
    "invalid_idempotency_key",
    "sku_not_found",
    "stock_changed",
    "below_zero",
    "idempotency_key_reused",
    "refused",
    ...serviceProblems,
  ],
} as const;

const movementsSchema = {
  operationId: "listStockMovements",
  tags: ["Inventory"],
  summary: "List what changed the stock of a SKU, newest first",
  params: skuParams,
  querystring: pageQuery,
  response: { 200: { ...ref("MovementPage"), description: "One page" } },
  problems: ["validation_failed", "sku_not_found", "refused", ...serviceProblems],
} as const;

const shortagesSchema = {
  operationId: "listStockShortages",
  tags: ["Inventory"],
  summary: "List the orders that give way while a SKU is short",
  params: skuParams,
  response: { 200: { ...ref("Shortages"), description: "The orders" } },
  problems: ["sku_not_found", "refused", ...serviceProblems],
} as const;

const config = { unknownParameter: "sku_not_found" } as const;
const MOVEMENT_CURSOR = /^[1-9]\d{0,15}\.\d{1,6}$/u;

/** Adds the routes. */
export function inventoryRoutes(app: HttpApp, inventory: Inventory): void {
  const put = { schema: putSchema, config: { access: "inventory:adjust" }, preValidation: takesKey } as const;
  app.put("/v1/inventory/:sku", put, async (request, reply) => {
    const { body, caller, params } = request;
    if (namesCatalogue(body) && !isAllowed(caller.roles, CATALOGUE)) return forbidden(reply, CATALOGUE);
    const how = putHow(request);
    if (isDryRun(request.query)) {
      const prediction = await inventory.predictPut(params.sku, body, how);
      if (prediction.status !== "predicted") return sendUnavailable(reply, prediction);
      reply.code(200).header("content-type", "application/json; charset=utf-8");
      reply.header("cache-control", "private, no-store");
      // As bytes: the serializer of this status has another schema.
      return reply.send(Buffer.from(JSON.stringify(predictionOf(prediction))));
    }
    const result = await inventory.put(params.sku, body, how);
    switch (result.status) {
      case "stored":
        return tagged(reply, result.stock).code(200).send(result.stock);
      case "below_reserved":
      case "version_changed":
      case "incomplete":
      case "idempotency_key_reused": {
        const { code, members } = putProblem(result);
        return sendProblem(reply, code, members);
      }
      default:
        return sendUnavailable(reply, result);
    }
  });

  app.get(
    "/v1/inventory/:sku",
    { schema: getSchema, config: { ...config, access: "inventory:read" } },
    async (request, reply) => {
      const result = await inventory.get(request.params.sku);
      if (result.status === "not_found") return sendProblem(reply, "sku_not_found");
      if (result.status !== "found") return sendUnavailable(reply, result);
      const { stock } = result;
      tagged(reply, stock);
      if (stock.version !== undefined && matches(request.headers["if-none-match"], etagOf(stock.version)))
        return reply.code(304).send(null);
      return reply.code(200).send(stock);
    },
  );

  app.get(
    "/v1/inventory",
    { schema: listSchema, preValidation: readLimit, config: { access: "inventory:read" } },
    async (request, reply) => {
      const { limit = httpLimits.page.default, cursor } = request.query;
      const after = cursor === undefined ? undefined : decodeCursor(cursor);
      const result = await inventory.list({ limit, ...(after === undefined ? {} : { after }) });
      if (result.status !== "found") return sendUnavailable(reply, result);
      const nextCursor = result.next === null ? null : encodeCursor(result.next);
      return reply.code(200).send({ items: result.items, nextCursor });
    },
  );

  const adjust = {
    schema: adjustSchema,
    config: { ...config, access: "inventory:adjust" },
    preValidation: requireIdempotencyKey,
  } as const;
  app.post("/v1/inventory/:sku/adjustments", adjust, async (request, reply) => {
    const errors = adjustmentFaults(request.body);
    if (errors.length > 0) return sendProblem(reply, "validation_failed", { errors });
    const call = { idempotencyKey: request.headers["idempotency-key"], caller: request.caller.id };
    const result = await inventory.adjust(request.params.sku, request.body, call);
    switch (result.status) {
      case "adjusted":
        return reply.code(201).send(result.adjustment);
      case "not_found":
        return sendProblem(reply, "sku_not_found");
      case "stock_changed":
      case "below_zero":
        return sendProblem(reply, result.status, { onHand: result.onHand });
      case "idempotency_key_reused":
        return sendProblem(reply, "idempotency_key_reused");
      default:
        return sendUnavailable(reply, result);
    }
  });

  const movements = {
    schema: movementsSchema,
    config: { ...config, access: "movements:read" },
    preValidation: readLimit,
  } as const;
  app.get("/v1/inventory/:sku/movements", movements, async (request, reply) => {
    const { limit = httpLimits.page.default, cursor } = request.query;
    const [sequence, index] = cursor === undefined ? [] : decodeCursor(cursor, MOVEMENT_CURSOR).split(".");
    const before =
      sequence === undefined ? {} : { before: { sequence: Number(sequence), index: Number(index) } };
    const result = await inventory.movements(request.params.sku, { limit, ...before });
    if (result.status === "not_found") return sendProblem(reply, "sku_not_found");
    if (result.status !== "found") return sendUnavailable(reply, result);
    const { items, next } = result;
    const nextCursor = next === null ? null : encodeCursor(`${next.sequence}.${next.index}`);
    return reply.code(200).send({ items, nextCursor });
  });

  app.get(
    "/v1/inventory/:sku/shortages",
    { schema: shortagesSchema, config: { ...config, access: "movements:read" } },
    async (request, reply) => {
      const result = await inventory.shortages(request.params.sku);
      if (result.status === "not_found") return sendProblem(reply, "sku_not_found");
      if (result.status !== "found") return sendUnavailable(reply, result);
      return reply.code(200).send({ items: result.items, unnamed: result.unnamed });
    },
  );
}

/** The problem of a put that changed nothing. */
function putProblem(refusal: PutRefusal): { readonly code: ProblemCode; readonly members?: ProblemMembers } {
  switch (refusal.status) {
    case "below_reserved":
      return { code: "below_reserved", members: { reserved: refusal.reserved } };
    case "version_changed":
      return { code: "version_changed", members: { version: refusal.version ?? null } };
    case "incomplete": {
      const errors = refusal.missing.map((field): Fault => {
        const message = "is required: there is no such SKU yet";
        return { pointer: `/${field}`, code: "required", message };
      });
      return { code: "validation_failed", members: { errors } };
    }
    // The key came with another put.
    default:
      return { code: "idempotency_key_reused" };
  }
}

/** The answer to a dry run, in the form of a dry run of an order. */
function predictionOf({ refusal, before, after }: PredictedPut): object {
  const problem = refusal && putProblem(refusal);
  return {
    dryRun: true,
    accepted: problem === undefined,
    ...(problem && {
      refusal: { code: problem.code, status: problems[problem.code].status, ...problem.members },
    }),
    before: before && withoutVersion(before),
    after: after && withoutVersion(after),
    basedOn: { version: before?.version ?? 0, source: "owner" },
  };
}

/** The body of stock: its version is the entity tag. */
function withoutVersion(view: StockView): Omit<StockView, "version"> {
  const { version: _, ...stock } = view;
  return stock;
}

function tagged<R extends { header(name: string, value: string): unknown }>(reply: R, stock: StockView): R {
  if (stock.version !== undefined) reply.header("etag", etagOf(stock.version));
  reply.header("cache-control", "private, no-cache");
  return reply;
}

/** What customers see of an item is not the warehouse's to change. */
const CATALOGUE = "inventory:catalogue";
const namesCatalogue = (put: object): boolean => ["name", "price", "listed"].some((one) => one in put);

/** How a put is made. @throws ProblemError `validation_failed` for a condition of another form */
function putHow({
  caller,
  headers,
}: {
  readonly caller: Caller;
  readonly headers: {
    readonly "if-match"?: string | undefined;
    readonly "if-none-match"?: string | undefined;
    readonly "idempotency-key"?: string | undefined;
  };
}): PutHow {
  const condition = conditionOf(headers);
  const { "idempotency-key": key } = headers;
  return {
    ...(condition && { condition }),
    ...(key !== undefined && { key: { idempotencyKey: key, caller: caller.id } }),
  };
}

/** The conditions of a put. @throws ProblemError for a header that is no list of entity tags */
function conditionOf(headers: {
  readonly "if-match"?: string | undefined;
  readonly "if-none-match"?: string | undefined;
}): StockCondition | undefined {
  const read = (name: "if-match" | "if-none-match") => {
    const header = headers[name];
    const versions = header === undefined ? undefined : versionsIn(header, { weak: name !== "if-match" });
    if (header === undefined || versions !== undefined) return versions;
    const message = 'must be * or entity tags like "7"';
    throw new ProblemError("validation_failed", {
      errors: [{ pointer: `/${name}`, code: "invalid_format", message }],
    });
  };
  const match = read("if-match");
  const noneMatch = read("if-none-match");
  if (match === undefined && noneMatch === undefined) return undefined;
  return { ...(match !== undefined && { match }), ...(noneMatch !== undefined && { noneMatch }) };
}

/** Rules of an adjustment that its schema cannot express. */
function adjustmentFaults({ delta, countedTo }: AdjustStockBody): Fault[] {
  if (delta === 0) return [{ pointer: "/delta", code: "out_of_range", message: "must not be 0" }];
  if (delta === undefined && countedTo === undefined)
    return [{ pointer: "/delta", code: "required", message: "is required, or countedTo is" }];
  if (delta !== undefined && countedTo !== undefined)
    return [{ pointer: "/countedTo", code: "not_allowed", message: "is not taken together with delta" }];
  return [];
}
