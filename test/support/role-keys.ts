/** API keys for tests of routes: the text of a key is the names of its roles. */
import { type ApiKey, type Role, roles } from "../../src/services/access/contract.ts";

/** Keys whose texts are their roles, joined. */
export const keysOf = (revoked = new Set<string>()) => {
  const find = (text: string): ApiKey | undefined => {
    const held = text.split("_") as Role[];
    if (revoked.has(text) || !held.every((one) => roles.includes(one))) return undefined;
    const customerId = held.includes("customer") ? "cus_1" : null;
    const dates = { createdAt: "2026-11-22T10:00:00.000Z", expiresAt: null, revokedAt: null };
    return { id: text, name: `the ${text}`, roles: held, customerId, createdBy: "t", ...dates };
  };
  return {
    find,
    isValid: (id: string) => find(id) !== undefined,
    list: () => [],
    create: async () => ({ status: "unavailable", reason: "not here", retryAfterMs: 1 }) as const,
    revoke: async () => ({ status: "not_found" }) as const,
  };
};

/** The header of a key. */
export const bearer = (...held: Role[]) => ({ authorization: `Bearer ${held.join("_")}` });
