/** Who calls: made before a request's body is read, and read by the routes. */
import type { FastifyRequest } from "fastify";
import type { ApiKey, Permission, Role } from "../../services/access/contract.ts";
import type { Requester } from "../../services/orders/contract.ts";

/** What a route is open for: a permission; `public`: for all callers; `signed`: its messages carry a signature. */
export type RouteAccess = Permission | "public" | "signed";

/** A caller of the API. */
export type Caller = {
  /** Idempotency keys are each caller's own, by this id. */
  readonly id: string;
  /** How it has shown who it is. `anonymous`: authentication is off, or the route needs none. */
  readonly kind: "anonymous" | "key";
  readonly name: string;
  readonly roles: readonly Role[];
  /** The customer of the role `customer`. */
  readonly customerId: string | null;
};

declare module "fastify" {
  interface FastifyContextConfig {
    /** Every route has one: the app does not start without it. */
    access?: RouteAccess;
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

/** Without authentication all callers share one space of idempotency keys. No key has this id. */
const ANONYMOUS = "anonymous";

/** The caller without credentials. With authentication off it may do everything. */
export const anonymous = (roles: readonly Role[]): Caller => ({
  id: ANONYMOUS,
  kind: "anonymous",
  name: ANONYMOUS,
  roles,
  customerId: null,
});

/** The caller that shows a key. */
export const callerWith = ({ customerId, id, name, roles }: ApiKey): Caller => ({
  id,
  kind: "key",
  name,
  roles,
  customerId,
});

/** The caller as records and the history name it. */
export function requesterOf({ caller }: Pick<FastifyRequest, "caller">): Requester {
  return caller.kind === "anonymous" ? { kind: "anonymous" } : { kind: caller.kind, id: caller.id };
}
