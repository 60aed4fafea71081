/** Who may call: roles, what each may do, and API keys. Outcomes are values; only programmer faults throw. */
import type { UnavailableResult } from "../unavailable.ts";

/** The roles of a caller. `customer` and `channel` reach only orders of their own. */
export const roles = [
  "customer",
  "channel",
  "support",
  "warehouse",
  "operator",
  "admin",
  "read-only",
] as const;
/** One of them. */
export type Role = (typeof roles)[number];

const all = roles;
const readers = ["operator", "admin", "read-only"] as const;
const operators = ["operator", "admin"] as const;

/** What there is to do, and the roles that may. Each route of the API names one of these. */
export const permissions = {
  "orders:place": ["customer", "channel", "support", "admin"],
  "orders:read": all,
  "orders:list": ["customer", "channel", "support", "warehouse", "operator", "admin", "read-only"],
  "orders:reveal": ["support", "operator", "admin"],
  "orders:cancel": ["customer", "channel", "support", "operator", "admin"],
  "orders:edit": ["channel", "support", "operator", "admin"],
  "orders:fulfill": ["warehouse", "operator", "admin"],
  "orders:settle": operators,
  "orders:retry": ["support", "operator", "admin"],
  "orders:follow": ["support", "warehouse", "operator", "admin", "read-only"],
  "parked:read": readers,
  "parked:resolve": operators,
  "dead-letters:read": readers,
  "dead-letters:resolve": operators,
  "bulk:read": readers,
  "bulk:run": operators,
  "inventory:read": all,
  "inventory:adjust": ["warehouse", "operator", "admin"],
  "inventory:catalogue": ["admin"],
  "movements:read": ["warehouse", "operator", "admin", "read-only"],
  "machines:read": readers,
  "machines:simulate": operators,
  "cluster:read": readers,
  "cluster:operate": operators,
  "webhooks:read": readers,
  "webhooks:manage": ["admin"],
  "customers:erase": ["admin"],
  "keys:manage": ["admin"],
  "audit:read": readers,
  "session:read": all,
} as const satisfies Readonly<Record<string, readonly Role[]>>;
/** The name of one. */
export type Permission = keyof typeof permissions;

/** The permissions of these roles. */
export function permissionsOf(held: readonly Role[]): readonly Permission[] {
  const names = Object.keys(permissions) as Permission[];
  return names.filter((name) => isAllowed(held, name));
}

/** Whether one of the roles has the permission. */
export function isAllowed(held: readonly Role[], permission: Permission): boolean {
  const allowed: readonly Role[] = permissions[permission];
  return held.some((role) => allowed.includes(role));
}

/** Roles that reach only orders of their own. */
const ownOnly: readonly Role[] = ["customer", "channel"];

/** Whether the permission comes from roles that reach only orders of their own. */
export function isForOwn(held: readonly Role[], permission: Permission): boolean {
  const allowed: readonly Role[] = permissions[permission];
  return !held.some((role) => allowed.includes(role) && !ownOnly.includes(role));
}

/**
 * What a caller sees of the persons of orders. `shown`: everything of the orders that it reaches. `masked`: neither
 * name, address nor free text. `warehouse`: what a parcel needs, and neither e-mail nor payment.
 */
export type PersonalView = "shown" | "masked" | "warehouse";

/** The view of these roles. Of several it is the one that shows least, unless one of them sees everything. */
export function personalViewOf(held: readonly Role[]): PersonalView {
  const sees = (...some: readonly Role[]): boolean => held.some((role) => some.includes(role));
  if (sees("support", "admin") || isForOwn(held, "orders:read")) return "shown";
  return sees("warehouse") && !sees("operator", "read-only") ? "warehouse" : "masked";
}

/** Who may see what is masked, for a while. */
export interface Reveals {
  /** For ten minutes the caller sees the order as it is. @returns until when, RFC 3339 */
  reveal(
    orderId: string,
    callerId: string,
  ): Promise<{ readonly status: "revealed"; readonly until: string } | UnavailableResult>;
  /** Whether that time has begun and has not ended, from memory. */
  isRevealed(orderId: string, callerId: string): boolean;
}

/** An API key as operators see it. Times: RFC 3339. */
export type ApiKey = {
  readonly id: string;
  /** For operators: which program or person uses it. */
  readonly name: string;
  readonly roles: readonly Role[];
  /** The customer whose orders the role `customer` reaches. */
  readonly customerId: string | null;
  readonly createdAt: string;
  /** Id of the key that made it, or `command line`. */
  readonly createdBy: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
};

/** A new key as it is asked for. */
export type WantedKey = Pick<ApiKey, "name" | "roles" | "customerId" | "expiresAt" | "createdBy">;

/** API keys, the same on all nodes. */
export interface ApiKeys {
  /** Stores a new key. @returns its text, which cannot be read again */
  create(
    wanted: WantedKey,
  ): Promise<{ readonly status: "created"; readonly key: ApiKey; readonly text: string } | UnavailableResult>;
  /** All keys, the revoked ones too, the newest first, as this node knows them. */
  list(): readonly ApiKey[];
  /** Refused here before it returns, and at other nodes moments later. Idempotent. */
  revoke(
    id: string,
  ): Promise<
    | { readonly status: "revoked"; readonly key: ApiKey }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
  /** The key with this text; undefined: there is none, or it is revoked or has expired. */
  find(text: string): ApiKey | undefined;
  /** Whether the key with this id finds a caller. */
  isValid(id: string): boolean;
}
