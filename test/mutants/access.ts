/** Planted bugs of who may call: keys, routes, orders of others, the cookie. */
import type { Mutant } from "./mutant.ts";

const KEYS = "src/services/access/api-keys.ts";
const ACCESS = "src/http/access/access.ts";
const KEYS_TEST = "test/unit/services/access/api-keys.test.ts";
const ACCESS_TEST = "test/integration/http/access.test.ts";

export const accessMutants: readonly Mutant[] = [
  {
    id: "access-revoked-key-opens",
    does: "A revoked key still finds its caller.",
    file: KEYS,
    find: "return revokedAt === null && (expiresAt",
    replace: "return revokedAt !== undefined && (expiresAt",
    tests: [KEYS_TEST],
  },
  {
    id: "access-older-entry-wins",
    does: "A change that comes late makes a revoked key valid again.",
    file: KEYS,
    find: "if (revision <= (this.known.get(id)?.revision ?? 0)) return;",
    replace: "if (revision <= 0) return;",
    tests: [KEYS_TEST],
  },
  {
    id: "access-any-secret-opens",
    does: "The id of a key opens, whatever its secret is.",
    file: KEYS,
    find: "hasHash(read.secret, hash)",
    replace: "hasHash(read.secret, hash) !== undefined",
    tests: [KEYS_TEST],
  },
  {
    id: "access-orders-of-others",
    does: "A channel reads the orders of other channels.",
    file: ACCESS,
    find: "history.items[0]?.actor?.id !== caller.id",
    replace: "history.items[0]?.actor?.id === undefined",
    tests: [ACCESS_TEST],
  },
  {
    id: "access-customers-list-everything",
    does: "A customer's list has the orders of all customers.",
    file: ACCESS,
    find: "if (wanted.customerId === undefined) wanted.customerId = caller.customerId;",
    replace: "if (wanted.customerId === undefined) return;",
    tests: [ACCESS_TEST],
  },
  {
    id: "access-open-route-starts",
    does: "An app starts with a route that names no access.",
    file: ACCESS,
    find: "if (open.length > 0) throw",
    replace: "if (open.length > 1_000) throw",
    tests: [ACCESS_TEST],
  },
  {
    id: "access-cookie-for-scripts",
    does: "Scripts can read the key in the cookie.",
    file: "src/http/access/session-cookie.ts",
    find: "Secure; HttpOnly; SameSite",
    replace: "Secure; SameSite",
    tests: [ACCESS_TEST],
  },
];
