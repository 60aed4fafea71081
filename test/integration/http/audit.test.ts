/** Which calls are in the audit log, before anything is done. */
import t from "tap";
import type { AuditEntry } from "../../../src/services/audit/contract.ts";
import { body, ordersWith, startApp } from "../../support/http-services.ts";
import { bearer, keysOf } from "../../support/role-keys.ts";

type Answer = { status: "stored" } | { status: "unavailable"; reason: string; retryAfterMs: number };

const list = async () => ({ status: "found" as const, items: [], next: null });
const as = (role: string) => role as never;

function recorded(answer: Answer = { status: "stored" }) {
  const entries: AuditEntry[] = [];
  const write = async (entry: AuditEntry) => {
    entries.push(entry);
    return answer;
  };
  return { entries, audit: { write, list } };
}

t.test("a call is stored before it is done, and its answer after it", async (t) => {
  const { audit, entries } = recorded();
  const known: number[] = [];
  const orders = ordersWith({
    command: async () => {
      known.push(entries.length);
      return { status: "not_found" };
    },
  });
  const { app } = await startApp(t, { auth: "keys", keys: keysOf(), audit, orders });
  const answer = await app.inject({
    method: "POST",
    url: "/v1/orders/ord_1/cancel",
    payload: { reason: "asked by ada@example.com" },
    headers: { ...bearer("support"), "if-match": '"3"' },
  });
  t.strictSame(known, [1]);
  const asked = {
    requestId: answer.headers["x-request-id"] ?? entries[0]?.requestId,
    phase: "asked",
    actor: "support",
    via: "key",
    roles: ["support"],
    address: "127.0.0.1",
    route: "POST /v1/orders/:id/cancel",
    target: "ord_1",
    version: '"3"',
    reason: "asked by [address]",
    status: null,
  };
  t.strictSame(entries, [asked, { ...asked, phase: "answered", version: null, status: 404 }]);
});

t.test("what cannot be recorded is not done", async (t) => {
  const { audit } = recorded({ status: "unavailable", reason: "no NATS", retryAfterMs: 1000 });
  const { app, orders, inventory } = await startApp(t, { auth: "keys", keys: keysOf(), audit });
  const headers = { ...bearer("admin"), "idempotency-key": "k" };
  for (const [method, url, payload] of [
    ["POST", "/v1/orders/ord_1/cancel", {}],
    ["PUT", "/v1/inventory/A", { onHand: 1 }],
    ["POST", "/v1/orders", body],
  ] as const)
    t.match(await app.inject({ method, url, payload, headers }), {
      statusCode: 503,
      headers: { "retry-after": "1" },
    });
  t.strictSame([orders.commands, orders.placed, inventory.puts], [[], [], []]);
});

t.test("all changes of operators are recorded, and neither reading, trying nor customers", async (t) => {
  const { audit, entries } = recorded();
  const { app } = await startApp(t, { auth: "keys", keys: keysOf(), audit });
  const call = async (method: "GET" | "POST", url: string, payload: object | undefined, ...held: never[]) => {
    entries.length = 0;
    const headers = { ...bearer(...held), "idempotency-key": "k" };
    await app.inject({ method, url, headers, ...(payload && { payload }) });
    return entries.length;
  };
  t.equal(await call("POST", "/v1/orders/ord_1/reveal", { reason: "x" }, as("operator")), 2);
  t.equal(await call("POST", "/v1/orders", body, as("support")), 2);
  t.equal(await call("POST", "/v1/orders", body, as("channel")), 0);
  t.equal(await call("POST", "/v1/orders/ord_1/cancel", {}, as("customer")), 0);
  t.equal(await call("POST", "/v1/orders/ord_1/cancel?dryRun=true", {}, as("admin")), 0);
  t.equal(await call("POST", "/v1/orders/ord_1/cancel", { wrong: 1 }, as("admin")), 0);
  t.equal(await call("POST", "/v1/orders/ord_1/cancel", {}, as("warehouse")), 0, "refused");
  t.equal(await call("GET", "/v1/orders/ord_1", undefined, as("admin")), 0);
  const plan = { action: "cancel", ids: ["ord_1"], reason: "x", dryRun: true };
  t.equal(await call("POST", "/v1/bulk", plan, as("operator")), 0);
  t.equal(await call("POST", "/v1/bulk", { token: "t" }, as("operator")), 2);
});

t.test("without authentication no caller has a name, and none is recorded", async (t) => {
  const { audit, entries } = recorded();
  const { app } = await startApp(t, { audit });
  await app.inject({ method: "POST", url: "/v1/orders", payload: body });
  await app.inject({ method: "POST", url: "/v1/orders/ord_1/cancel" });
  t.strictSame(entries, []);
});

t.test("the log is read in pages, with filters", async (t) => {
  const asked: unknown[] = [];
  const item = {
    sequence: 9,
    at: "2026-11-22T10:00:00.000Z",
    writer: "node-1",
    requestId: "r",
    phase: "asked",
  };
  const rest = { actor: "k", via: "key", roles: [], address: null, route: "POST /v1/keys", target: null };
  const more = { version: null, reason: null, status: null };
  const audit = {
    write: async () => ({ status: "stored" }) as const,
    list: async (query: unknown) => {
      asked.push(query);
      return { status: "found", items: [{ ...item, ...rest, ...more }], next: 9 } as never;
    },
  };
  const { app } = await startApp(t, { auth: "keys", keys: keysOf(), audit });
  const get = async (query: string) =>
    await app.inject({ url: `/v1/audit${query}`, headers: bearer("read-only") });
  const first = (await get("?actor=k&target=ord_1&limit=1")).json();
  t.strictSame(first.items, [{ ...item, ...rest, ...more }]);
  await get(`?cursor=${first.nextCursor}`);
  t.strictSame(asked, [
    { actor: "k", target: "ord_1", limit: 1 },
    { before: 9, limit: 50 },
  ]);
  t.equal((await get("?cursor=xyz")).statusCode, 400);
  t.equal((await app.inject({ url: "/v1/audit", headers: bearer("support") })).statusCode, 403);
});
