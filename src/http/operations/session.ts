/** `GET /v1/session`: who asks, and what may be done. Without authentication every caller may do everything. */
import { ANONYMOUS } from "../protocol/idempotency-key.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { ref } from "../protocol/schema-parts.ts";

const schema = {
  operationId: "session",
  tags: ["Operations"],
  summary: "Who asks, and what may be done",
  description: "There is no authentication: every caller is the same one, with the role `admin`.",
  response: { 200: { ...ref("Session"), description: "The session" } },
  problems: [],
} as const;

/** Adds the route. */
export function sessionRoute(app: HttpApp, environment: string): void {
  const session = {
    name: ANONYMOUS,
    roles: ["admin"],
    permissions: ["*"],
    readOnly: false,
    environment,
    personalData: "shown",
  };
  app.get("/v1/session", { schema }, async (_request, reply) =>
    reply.code(200).header("cache-control", "private, no-store").send(session),
  );
}
