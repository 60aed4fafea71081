/**
 * Every change that an operator asks for is in the audit log before it is done: a route cannot forget it.
 * Owns: nothing.  Does not own: the log.
 * Invariants
 *   calls.C1. A call that changes something, of a known caller beyond `customer` and `channel`, is stored as `asked`
 *       before its route begins; if it cannot be stored, the answer is 503 and nothing is done.
 *   calls.C2. Its answer follows as `answered`. A process that dies before leaves `asked` alone: not known.
 * Proved by: test/integration/http/audit.test.ts
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { hideAddresses } from "../../../config/redaction.ts";
import { isForOwn } from "../../services/access/contract.ts";
import type { Audit, AuditEntry } from "../../services/audit/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { sendUnavailable } from "../protocol/problem-answers.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the audit log has of the call; undefined: nothing. */
    audited: AuditEntry | undefined;
  }
}

const READING: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const REASON_MAX = 500;

/** Adds the hooks. After those that refuse requests, before the routes. */
export function recordCalls(app: HttpApp, audit: Pick<Audit, "write">): void {
  app.decorateRequest("audited", undefined);
  app.addHook("preHandler", async (request, reply) => {
    if (!isRecorded(request)) return;
    const entry = entryOf(request);
    const result = await audit.write(entry);
    if (result.status === "stored") request.audited = entry;
    else sendUnavailable(reply, result);
  });
  app.addHook("onResponse", async (request, reply) => {
    const { audited } = request;
    if (audited === undefined) return;
    const result = await audit.write(answered(audited, reply));
    if (result.status !== "stored")
      request.log.error({ requestId: audited.requestId, ...result }, "an answer is missing in the audit log");
  });
}

function isRecorded({ body, caller, method, query, routeOptions, validationError }: FastifyRequest): boolean {
  const { access = "public" } = routeOptions.config;
  if (READING.has(method) || validationError || access === "public" || access === "signed") return false;
  if (access === "machines:simulate" || isForOwn(caller.roles, access)) return false;
  // Without authentication no caller has a name: an operator's call looks like a customer's.
  if (caller.kind === "anonymous") return false;
  const isDry = (query as { dryRun?: unknown }).dryRun === "true" || (body as Body)?.dryRun === true;
  return !isDry;
}

type Body = { readonly dryRun?: unknown; readonly reason?: unknown } | null | undefined;

function entryOf(request: FastifyRequest): AuditEntry {
  const { body, caller, headers, id, ip, method, params, routeOptions } = request;
  const { reason } = (body as Body) ?? {};
  const target = Object.values(params as Readonly<Record<string, string>>).join("/");
  return {
    requestId: id,
    phase: "asked",
    actor: caller.id,
    via: caller.kind,
    roles: caller.roles,
    address: ip,
    route: `${method} ${routeOptions.url ?? ""}`,
    target: target === "" ? null : target,
    version: headers["if-match"] ?? null,
    reason: typeof reason === "string" ? hideAddresses(reason).slice(0, REASON_MAX) : null,
    status: null,
  };
}

function answered(asked: AuditEntry, reply: FastifyReply): AuditEntry {
  const [etag, location] = [reply.getHeader("etag"), reply.getHeader("location")];
  return {
    ...asked,
    phase: "answered",
    version: typeof etag === "string" ? etag : null,
    // What a call has made is named by its answer.
    target:
      asked.target ?? (typeof location === "string" ? location.slice(location.lastIndexOf("/") + 1) : null),
    status: reply.statusCode,
  };
}
