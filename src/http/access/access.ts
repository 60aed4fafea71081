/**
 * Decides who may call a route, before the body is read: a caller without rights learns nothing of schemas or orders.
 * Owns: `request.caller`; which streams a key has open.  Does not own: keys.
 * Invariants
 *   access.A1. A route that names no access stops the start of the app.
 *   access.A2. A caller with rights to its own orders alone is answered about another's as about one that does not
 *       exist, on every route of an order.
 *   access.A3. Streams of a key end when it is revoked.
 * Proved by: test/integration/http/access.test.ts
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import {
  type ApiKeys,
  isAllowed,
  isForOwn,
  type Permission,
  permissions,
  type Role,
} from "../../services/access/contract.ts";
import type { Orders, PlaceOrder } from "../../services/orders/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { sendProblem } from "../protocol/problem-answers.ts";
import { anonymous, type Caller, callerWith, type RouteAccess } from "./caller.ts";
import { keyInCookie } from "./session-cookie.ts";

/** What deciding needs. */
export type AccessOptions = {
  /** `off`: every caller may do everything. */
  readonly auth: "off" | "keys";
  readonly keys: Pick<ApiKeys, "find" | "isValid">;
  readonly orders: Pick<Orders, "get" | "history">;
};

const ADMIN: readonly Role[] = ["admin"];
const ORDER_ROUTE = "/v1/orders/:id";
const BEARER = /^Bearer +([\w-]+) *$/iu;
/** Half of the time within which a revoked key opens nothing on any node, ms. */
const CHECK_EVERY_MS = 1000;

/** Adds the hooks. Before the routes. */
export function guardRoutes(app: HttpApp, options: AccessOptions): void {
  requireAccess(app);
  const streams = cutStreams(app, options.keys);
  keepToOwn(app);
  app.decorateRequest("caller", undefined as unknown as Caller);
  app.addHook("onRequest", async (request, reply) => {
    const { access = "public" } = request.routeOptions.config;
    const caller = callerOf(request, access, options);
    if (caller === undefined) {
      unauthenticated(request, reply);
      return;
    }
    request.caller = caller;
    if (access === "public" || access === "signed") return;
    if (!isAllowed(caller.roles, access)) {
      forbidden(reply, access);
      return;
    }
    streams.note(request, reply);
    if (!isForOwn(caller.roles, access)) return;
    const isOrders = request.routeOptions.url?.startsWith(ORDER_ROUTE) === true;
    if (isOrders && (await isOthers(request, caller, options))) sendProblem(reply, "order_not_found");
  });
}

/** Callers with rights to their own orders alone place orders and list them for their customer. */
function keepToOwn(app: HttpApp): void {
  app.addHook("preValidation", async (request, reply) => {
    const { caller, query } = request;
    const { access } = request.routeOptions.config;
    if (access !== "orders:list" || !isForOwn(caller.roles, access)) return;
    // The list has the caller's own orders alone (list-filters.ts); one that asks for another's learns that it may not.
    const { customerId } = query as { customerId?: unknown };
    const isCustomer = caller.roles.includes("customer");
    if (isCustomer && customerId !== undefined && customerId !== caller.customerId) forbidden(reply, access);
  });
  app.addHook("preHandler", async (request, reply) => {
    const { body, caller } = request;
    const { access } = request.routeOptions.config;
    if (access !== "orders:place" || !isForOwn(caller.roles, access)) return;
    if (caller.roles.includes("channel")) return;
    const { customer } = (body ?? {}) as Partial<PlaceOrder>;
    // Without a customer the body is refused as invalid.
    if (customer?.id !== undefined && customer.id !== caller.customerId) forbidden(reply, access);
  });
}

/** Checks the routes when all are there: libraries add theirs before their plugin can name the access. */
function requireAccess(app: HttpApp): void {
  const routes: { readonly url: string; readonly config?: { readonly access?: RouteAccess } }[] = [];
  app.addHook("onRoute", (route) => void routes.push(route));
  app.addHook("onReady", async () => {
    const open = routes.filter(({ config }) => config?.access === undefined).map(({ url }) => url);
    if (open.length > 0) throw new Error(`routes without access: ${[...new Set(open)].join(", ")}`);
  });
}

/** Undefined: the request has no valid credentials, and needs them. */
function callerOf(
  request: FastifyRequest,
  access: RouteAccess,
  { auth, keys }: AccessOptions,
): Caller | undefined {
  if (auth === "off") return anonymous(ADMIN);
  if (access === "public" || access === "signed") return anonymous([]);
  const { authorization, cookie } = request.headers;
  const text = authorization === undefined ? keyInCookie(cookie) : BEARER.exec(authorization)?.[1];
  const key = text === undefined ? undefined : keys.find(text);
  if (key === undefined) return undefined;
  return callerWith(key);
}

function unauthenticated({ headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.header("www-authenticate", "Bearer");
  if (headers.authorization === undefined) return sendProblem(reply, "unauthenticated");
  return sendProblem(reply, "unauthenticated", {
    detail: "The API key is unknown, revoked or expired, or the Authorization header is not `Bearer <key>`.",
  });
}

/** Answers 403 with the roles that have the permission. */
export function forbidden(reply: FastifyReply, permission: Permission): FastifyReply {
  return sendProblem(reply, "forbidden", { needs: permissions[permission] });
}

/** Whether an order exists and belongs to another. It never changes hands, so reading it first is no race. */
async function isOthers(
  request: FastifyRequest,
  caller: Caller,
  { orders }: AccessOptions,
): Promise<boolean> {
  const { id = "" } = request.params as { readonly id?: string };
  if (caller.roles.includes("customer")) {
    const found = await orders.get(id);
    // What cannot be read now is answered by the route: 404 or 503.
    if (found.status !== "found") return false;
    if (found.order.customer.id === caller.customerId) return false;
  }
  if (!caller.roles.includes("channel")) return true;
  const history = await orders.history(id, FIRST);
  return history.status === "found" && history.items[0]?.actor?.id !== caller.id;
}

const FIRST = { after: 0, limit: 1 };

/** Streams last longer than a request: they are cut when their key is revoked or has expired. */
function cutStreams(app: HttpApp, keys: AccessOptions["keys"]) {
  const open = new Map<string, Set<FastifyReply>>();
  const check = setInterval(() => {
    for (const [id, replies] of open)
      if (!keys.isValid(id)) for (const { raw } of replies) if (isStream(raw)) raw.destroy();
  }, CHECK_EVERY_MS).unref();
  app.addHook("onClose", async () => clearInterval(check));
  return {
    note({ caller }: FastifyRequest, reply: FastifyReply): void {
      if (caller.kind === "anonymous") return;
      const replies = open.get(caller.id) ?? new Set();
      open.set(caller.id, replies.add(reply));
      reply.raw.once("close", () => {
        replies.delete(reply);
        if (replies.size === 0 && open.get(caller.id) === replies) open.delete(caller.id);
      });
    },
  };
}

function isStream(raw: FastifyReply["raw"]): boolean {
  const type = raw.headersSent ? raw.getHeader("content-type") : undefined;
  return typeof type === "string" && type.startsWith("text/event-stream");
}
