/** `/v1/keys` for administrators, and `GET /v1/session` for every caller. */
import { type ApiKeys, permissionsOf, personalViewOf } from "../../services/access/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { ProblemError } from "../protocol/problems.ts";
import { ref } from "../protocol/schema-parts.ts";
import { type Caller, callerWith } from "./caller.ts";
import { type CreateApiKey, keyParams, type SignIn } from "./keys-schemas.ts";
import { forgetsKey, keepsKey } from "./session-cookie.ts";

const tags = ["Operations"];

const createSchema = {
  operationId: "createApiKey",
  tags,
  summary: "Make an API key",
  description: "The answer has its text, once. A node stores only a hash.",
  body: ref<CreateApiKey>("CreateApiKey"),
  response: { 201: { ...ref("NewApiKey"), description: "Stored; valid on all nodes moments later" } },
  problems: [...bodyProblems, "refused", ...serviceProblems],
} as const;

const listSchema = {
  operationId: "listApiKeys",
  tags,
  summary: "API keys, the revoked ones too, the newest first",
  response: { 200: { ...ref("ApiKeyList"), description: "Without their texts" } },
  problems: ["refused", ...serviceProblems],
} as const;

const revokeSchema = {
  operationId: "revokeApiKey",
  tags,
  summary: "Revoke an API key",
  description: "On all nodes within two seconds; its streams end. A repetition changes nothing.",
  params: keyParams,
  response: { 200: { ...ref("ApiKey"), description: "The key, as it is now" } },
  problems: [...bodyProblems, "key_not_found", "refused", ...serviceProblems],
} as const;

const sessionSchema = {
  operationId: "getSession",
  tags,
  summary: "Who the caller is, and what it may do",
  response: { 200: { ...ref("Session"), description: "The caller" } },
  problems: ["refused", ...serviceProblems],
} as const;

const signInSchema = {
  operationId: "signIn",
  tags,
  summary: "Keep an API key in a cookie, for pages of this node",
  description: "For eight hours. Browsers take the cookie over TLS, or from this machine.",
  body: ref<SignIn>("SignIn"),
  response: { 200: { ...ref("Session"), description: "The caller" } },
  problems: [...bodyProblems, "refused", ...serviceProblems],
} as const;

const signOutSchema = {
  operationId: "signOut",
  tags,
  summary: "Forget the API key of the cookie",
  response: { 200: { ...ref("NoFields"), description: "The cookie is gone; the key stays valid" } },
  problems: [...bodyProblems, "refused", ...serviceProblems],
} as const;

/** What the routes need of the node. */
export type KeyRoutesOptions = {
  readonly keys: ApiKeys;
  readonly auth: "off" | "keys";
  readonly development: boolean;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
};

/** Adds the routes. */
export function accessRoutes(app: HttpApp, { auth, development, keys, now }: KeyRoutesOptions): void {
  const config = { access: "keys:manage", unknownParameter: "key_not_found" } as const;
  app.post("/v1/keys", { schema: createSchema, config }, async (request, reply) => {
    const { customerId = null, expiresAt = null, name } = request.body;
    const roles = [...new Set(request.body.roles)];
    assertKey(request.body, now());
    const createdBy = request.caller.id;
    const result = await keys.create({ name, roles, customerId, expiresAt, createdBy });
    if (result.status !== "created") return sendUnavailable(reply, result);
    reply.header("cache-control", "no-store");
    return reply.code(201).send({ ...result.key, key: result.text });
  });
  app.get("/v1/keys", { schema: listSchema, config }, async (_request, reply) =>
    reply.code(200).send({ items: keys.list() }),
  );
  app.delete("/v1/keys/:id", { schema: revokeSchema, config }, async (request, reply) => {
    const result = await keys.revoke(request.params.id);
    if (result.status === "not_found") return sendProblem(reply, "key_not_found");
    if (result.status !== "revoked") return sendUnavailable(reply, result);
    return reply.code(200).send(result.key);
  });
  const sessionOf = ({ name, roles }: Caller) => {
    const permissions = permissionsOf(roles);
    const readOnly = permissions.every((one) => one.endsWith(":read") || isReading(one));
    const environment = development ? "development" : "production";
    const personalData = personalViewOf(roles) === "shown" ? "shown" : "masked";
    return { name, roles, permissions, readOnly, environment, personalData, authentication: auth };
  };
  const ofCaller = { schema: sessionSchema, config: { access: "session:read" } } as const;
  app.get("/v1/session", ofCaller, async ({ caller }, reply) => {
    reply.header("cache-control", "private, no-store");
    return reply.code(200).send(sessionOf(caller));
  });
  const open = { access: "public" } as const;
  app.post("/v1/session", { schema: signInSchema, config: open }, async ({ body, caller }, reply) => {
    reply.header("cache-control", "private, no-store");
    if (auth === "off") return reply.code(200).send(sessionOf(caller));
    const key = keys.find(body.key);
    if (key === undefined)
      return sendProblem(reply, "unauthenticated", { detail: "The API key is unknown, revoked or expired." });
    return reply
      .code(200)
      .header("set-cookie", keepsKey(body.key))
      .send(sessionOf(callerWith(key)));
  });
  app.delete("/v1/session", { schema: signOutSchema, config: open }, async (_request, reply) =>
    reply.code(200).header("set-cookie", forgetsKey).send({}),
  );
}

const reading: readonly string[] = ["orders:list", "orders:follow"];
const isReading = (permission: string): boolean => reading.includes(permission);

/** @throws ProblemError `validation_failed` */
function assertKey({ customerId, expiresAt, roles }: CreateApiKey, now: number): void {
  const isCustomers = roles.includes("customer");
  if (isCustomers !== (customerId !== undefined)) {
    const message = isCustomers ? "is needed for the role customer" : "goes with the role customer alone";
    const code = isCustomers ? "required" : "not_allowed";
    throw new ProblemError("validation_failed", { errors: [{ pointer: "/customerId", code, message }] });
  }
  if (expiresAt === undefined || Date.parse(expiresAt) > now) return;
  const message = "must be in the future";
  throw new ProblemError("validation_failed", {
    errors: [{ pointer: "/expiresAt", code: "out_of_range", message }],
  });
}
