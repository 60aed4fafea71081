/** Who may call which route: the whole table, callers without rights, and orders of others. */
import fastify, { type FastifyInstance } from "fastify";
import t from "tap";
import { guardRoutes } from "../../../src/http/access/access.ts";
import { permissions, type Permission, type Role, roles } from "../../../src/services/access/contract.ts";
import { body, inventoryWith, ordersWith, startApp } from "../../support/http-services.ts";
import { bearer, keysOf } from "../../support/role-keys.ts";

/** The roles that each operation of the document takes. */
const byOperation: Readonly<Record<string, Permission>> = {
  placeOrder: "orders:place",
  getOrder: "orders:read",
  getOrderHistory: "orders:read",
  cancelOrder: "orders:cancel",
  pickOrder: "orders:fulfill",
  retryOrder: "orders:retry",
  settleDispute: "orders:settle",
  getCluster: "cluster:read",
  setMaintenance: "cluster:operate",
  movePartition: "cluster:operate",
  drainNode: "cluster:operate",
  eraseCustomer: "customers:erase",
  createApiKey: "keys:manage",
  replayDeadLetter: "dead-letters:resolve",
};

t.test("every route of the document has its roles, and refuses all others first", async (t) => {
  const { app } = await startApp(t, { auth: "keys", keys: keysOf() });
  const document = (await app.inject({ url: "/openapi.json" })).json();
  const open: string[] = [];
  for (const [path, methods] of Object.entries<Record<string, { operationId: string }>>(document.paths))
    for (const [method, { operationId }] of Object.entries(methods)) {
      const url = path.replaceAll(/\{[^}]+\}/gu, "x");
      const call = { method: method.toUpperCase() as "GET", url };
      const none = await app.inject(call);
      if (none.statusCode !== 401 || none.json().code !== "unauthenticated") open.push(operationId);
      else {
        t.equal(none.headers["www-authenticate"], "Bearer");
        const permission = byOperation[operationId];
        for (const role of roles) {
          const refused = (await app.inject({ ...call, headers: bearer(role) })).statusCode === 403;
          if (permission)
            t.equal(refused, !allowedTo(permission).includes(role), `${operationId} by ${role}`);
        }
      }
    }
  t.strictSame(open.toSorted(), [
    "live",
    "ready",
    "receiveCarrierWebhook",
    "receivePaymentWebhook",
    "signIn",
    "signOut",
  ]);
});

const allowedTo = (permission: Permission): readonly Role[] => permissions[permission];

t.test("bad credentials are no credentials", async (t) => {
  const { app } = await startApp(t, { auth: "keys", keys: keysOf(new Set(["admin"])) });
  for (const authorization of [
    "Bearer admin",
    "Bearer",
    "Basic YTpi",
    "Bearer a b",
    "admin",
    "bearer none",
  ]) {
    const answer = await app.inject({ url: "/v1/cluster", headers: { authorization } });
    t.match(answer.json(), { status: 401, code: "unauthenticated", detail: /unknown, revoked or expired/u });
  }
  const operator = await app.inject({ url: "/v1/cluster", headers: { authorization: "bearer  operator " } });
  t.equal(operator.statusCode, 200);
  const { app: off } = await startApp(t, { auth: "off" });
  t.equal((await off.inject({ url: "/v1/cluster", headers: { authorization: "Bearer x" } })).statusCode, 200);
});

const order = (customer: string) => ({ id: "ord_1", version: 1, customer: { id: customer } }) as never;

t.test("an order of another is answered as one that does not exist, on each of its routes", async (t) => {
  const seen: unknown[] = [];
  const orders = ordersWith({
    get: async (id) =>
      id === "ord_none" ? { status: "not_found" } : { status: "found", order: order(id.slice(4)) },
    history: async (id) =>
      id === "ord_none"
        ? { status: "not_found" }
        : { status: "found", items: [{ actor: { kind: "key", id: id.slice(4) } }] as never, nextAfter: null },
    command: async (...call) => {
      seen.push(call);
      return { status: "not_found" };
    },
  });
  const { app } = await startApp(t, { auth: "keys", keys: keysOf(), orders });
  const document = (await app.inject({ url: "/openapi.json" })).json();
  const ofOrder = Object.entries<Record<string, unknown>>(document.paths).filter(([path]) =>
    path.startsWith("/v1/orders/{id}"),
  );
  t.ok(ofOrder.length > 10);
  const none = await app.inject({ url: "/v1/orders/ord_none", headers: bearer("admin") });
  const { requestId: _, ...unknown } = none.json();
  t.equal(unknown.code, "order_not_found");
  for (const [path, methods] of ofOrder)
    for (const method of Object.keys(methods))
      for (const role of ["customer", "channel"] as const) {
        const call = (id: string) => ({
          method: method.toUpperCase() as "GET",
          url: path.replace("{id}", id).replace("{version}", "1"),
          headers: bearer(role),
        });
        const others = await app.inject(call("ord_cus-2"));
        if (others.statusCode === 403) continue;
        const { requestId, ...problem } = others.json();
        t.ok(requestId);
        t.strictSame(problem, unknown, `${method} ${path} by ${role}`);
      }
  t.strictSame(seen, [], "and nothing is done");
});

t.test("a customer places and lists its own orders only", async (t) => {
  const placed: unknown[] = [];
  const orders = ordersWith({
    place: async (...call) => {
      placed.push(call[1]);
      return { status: "unavailable", reason: "", retryAfterMs: 1 };
    },
  });
  const asked: unknown[] = [];
  const list = {
    list: async (query: { filter: unknown }) => {
      asked.push(query.filter);
      return { status: "off" } as never;
    },
    counts: async (query: { filter: unknown }) => {
      asked.push(query.filter);
      return { status: "off" } as never;
    },
  };
  const { app } = await startApp(t, { auth: "keys", keys: keysOf(), orders, list: list as never });
  const place = async (id: string, ...held: Role[]) =>
    await app.inject({
      method: "POST",
      url: "/v1/orders",
      payload: { ...body, customer: { ...body.customer, id } },
      headers: { ...bearer(...held), "idempotency-key": "k" },
    });
  t.match((await place("cus_2", "customer")).json(), { status: 403, code: "forbidden" });
  t.equal((await place("cus_1", "customer")).statusCode, 503);
  t.equal((await place("cus_2", "channel")).statusCode, 503);
  t.match(placed, [
    { by: { kind: "key", id: "customer" }, caller: "customer" },
    { by: { kind: "key", id: "channel" }, caller: "channel" },
  ]);
  const listed = async (query: string) =>
    await app.inject({ url: `/v1/orders${query}`, headers: bearer("customer") });
  t.equal((await listed("?customerId=cus_2")).statusCode, 403);
  await listed("?customerId=cus_1");
  await listed("");
  t.match(asked, [{ customerId: "cus_1" }, { customerId: "cus_1" }]);
  for (const url of ["/v1/orders", "/v1/orders/counts?by=status", "/v1/orders.csv"])
    await app.inject({ url, headers: bearer("channel") });
  t.strictSame(asked.slice(2), [{ placedBy: "channel" }, { placedBy: "channel" }, { placedBy: "channel" }]);
  await app.inject({ url: "/v1/orders?customerId=cus_2", headers: bearer("channel") });
  t.strictSame(asked.at(-1), { customerId: "cus_2", placedBy: "channel" });
  await app.inject({ url: "/v1/orders", headers: bearer("channel", "support") });
  t.strictSame(asked.at(-1), {});
});

t.test("what customers see of an item is an administrator's", async (t) => {
  const inventory = inventoryWith({
    put: async () => ({ status: "unavailable", reason: "", retryAfterMs: 1 }),
  });
  const { app } = await startApp(t, { auth: "keys", keys: keysOf(), inventory });
  const put = async (role: Role, payload: object) =>
    (await app.inject({ method: "PUT", url: "/v1/inventory/A", payload, headers: bearer(role) })).statusCode;
  t.equal(await put("warehouse", { onHand: 1 }), 503);
  for (const payload of [{ name: "A" }, { price: { amount: 0, currency: "EUR" } }, { listed: false }])
    t.strictSame(
      [await put("operator", payload), await put("admin", payload)],
      [403, 503],
      JSON.stringify(payload),
    );
});

t.test("the session says what a caller may do", async (t) => {
  const { app } = await startApp(t, { auth: "keys", keys: keysOf() });
  const session = async (...held: Role[]) =>
    (await app.inject({ url: "/v1/session", headers: bearer(...held) })).json();
  t.match(await session("read-only"), { name: "the read-only", readOnly: true, authentication: "keys" });
  t.match(await session("warehouse"), { roles: ["warehouse"], readOnly: false });
  t.notOk((await session("warehouse")).permissions.includes("keys:manage"));
  const { app: off } = await startApp(t);
  t.match((await off.inject({ url: "/v1/session" })).json(), {
    roles: ["admin"],
    authentication: "off",
    environment: "development",
    personalData: "shown",
  });
});

t.test("a page of the node keeps a key in a cookie that only this node's pages send", async (t) => {
  const { app } = await startApp(t, { auth: "keys", keys: keysOf() });
  const signIn = async (key: string, headers = {}) =>
    await app.inject({ method: "POST", url: "/v1/session", payload: { key }, headers });
  const kept = await signIn("operator");
  t.match(kept.json(), { name: "the operator", roles: ["operator"] });
  const cookie = String(kept.headers["set-cookie"]);
  t.equal(cookie, "__Host-orderly=operator; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=28800");
  const [pair = ""] = cookie.split(";");
  const status = async (headers: Record<string, string>) =>
    (await app.inject({ url: "/v1/cluster", headers })).statusCode;
  t.equal(await status({ cookie: `a=b; ${pair}` }), 200);
  t.equal(await status({ cookie: pair, ...bearer("warehouse") }), 403, "a key in the header comes first");
  for (const other of [
    "orderly=operator",
    "x__Host-orderly=operator",
    "__Host-orderly=",
    "__Host-orderly=none",
  ])
    t.equal(await status({ cookie: other }), 401, other);
  const foreign = await app.inject({
    method: "POST",
    url: "/v1/maintenance",
    payload: { takingOrders: false, reason: "x" },
    headers: { cookie: pair, origin: "http://evil.example" },
  });
  t.match(foreign.json(), { status: 403, code: "foreign_origin" });
  const wrong = await signIn("none");
  t.equal(wrong.statusCode, 401);
  t.notOk(wrong.headers["set-cookie"]);
  t.match((await signIn("operator", { origin: "http://evil.example" })).json(), { code: "foreign_origin" });
  const out = await app.inject({ method: "DELETE", url: "/v1/session" });
  t.match(out.headers["set-cookie"], /^__Host-orderly=; .*Max-Age=0$/u);
});

t.test("an app with a route that names no access does not start", async (t) => {
  const app: FastifyInstance = fastify();
  guardRoutes(app, { auth: "keys", keys: keysOf(), orders: ordersWith({}) });
  app.get("/v1/forgotten", async () => ({}));
  await t.rejects(async () => await app.ready(), /routes without access: \/v1\/forgotten/u);
});
