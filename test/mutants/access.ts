/** Planted bugs of who may call: keys, routes, orders of others, the cookie. */
import type { Mutant } from "./mutant.ts";

const KEYS = "src/services/access/api-keys.ts";
const ACCESS = "src/http/access/access.ts";
const KEYS_TEST = "test/unit/services/access/api-keys.test.ts";
const VIEW = "src/http/access/personal-view.ts";
const VIEW_TEST = "test/unit/http/personal-view.test.ts";
const OTHERS_TEST = "test/security/others-data.test.ts";
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
    file: "src/http/orders/list-filters.ts",
    find: '{ ...filter, customerId: customerId ?? "" }',
    replace: "filter",
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
    id: "access-channels-list-everything",
    does: "A channel's list has the orders of all callers.",
    file: "src/http/orders/list-filters.ts",
    find: "{ ...filter, placedBy: id }",
    replace: "filter",
    tests: [ACCESS_TEST],
  },
  {
    id: "access-view-stream-unmasked",
    does: "Streams show a person to callers that see it masked.",
    file: "src/http/live/event-stream.ts",
    find: "(json) => shownJson(reply.request, json)",
    replace: "(json) => (ended ? json : shownJson(reply.request, json))",
    tests: [OTHERS_TEST],
  },
  {
    id: "access-view-document-unmasked",
    does: "A caller that sees persons masked gets documents.",
    file: VIEW,
    find: "if (PLAIN_TYPE.test(type)) return payload;",
    replace: "if (PLAIN_TYPE.test(type) || type !== PROBLEM_TYPE) return payload;",
    tests: [OTHERS_TEST],
  },
  {
    id: "access-view-e-mail-in-texts",
    does: "E-mail addresses in other texts are shown.",
    file: VIEW,
    find: "value.replaceAll(E_MAIL, MASKED)",
    replace: "value",
    tests: [VIEW_TEST],
  },
  {
    id: "access-view-sees-most",
    does: "Of several roles the view shows most.",
    file: "src/services/access/contract.ts",
    find: 'sees("warehouse") && !sees("operator", "read-only")',
    replace: 'sees("warehouse")',
    tests: [VIEW_TEST],
  },
  {
    id: "access-reveal-never-ends",
    does: "An order that was revealed once stays so.",
    file: "src/services/access/reveals.ts",
    find: "?? 0) > this.options.clock.now();",
    replace: "?? 0) > 0;",
    tests: ["test/unit/services/access/reveals.test.ts"],
  },
  {
    id: "access-reveal-for-all-callers",
    does: "An order that one caller reveals is shown to all.",
    file: "src/services/access/reveals.ts",
    find: 'createHash("sha256").update(callerId)',
    replace: 'createHash("sha256").update(callerId.slice(0, 0))',
    tests: ["test/unit/services/access/reveals.test.ts"],
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
