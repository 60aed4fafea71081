/**
 * Whatever a caller asks of whatever order on whatever route: never a byte of another's order, and nothing of a person
 * that its view does not have. All routes of the document, drawn at random; a failure prints the seed.
 */
import t from "tap";
import type { FastifyInstance } from "fastify";
import { type Role, roles } from "../../src/services/access/contract.ts";
import type { OrderView } from "../../src/services/orders/contract.ts";
import { noList, order, ordersWith, startApp } from "../support/http-services.ts";
import { bearer, keysOf } from "../support/role-keys.ts";

const CASES = 4000;

/** What only those may see who see the person. */
const PERSON = [
  "ada@canary.example",
  "Canary Byron",
  "1 Canary St",
  "4000-999",
  "note of Canary",
  "TAX-CANARY",
];
const OTHER = "ord_theirs";
const OWN = "ord_mine";

const canary = (id: string, customer: string): OrderView => ({
  ...order,
  id,
  customer: { id: customer, email: "ada@canary.example", name: "Canary Byron", taxId: "TAX-CANARY" },
  shippingAddress: { line1: "1 Canary St", city: "Oporto", postalCode: "4000-999", country: "PT" },
  billingAddress: { line1: "1 Canary St", city: "Oporto", postalCode: "4000-999", country: "PT" },
  note: "note of Canary",
  payment: { ...order.payment, reason: `pay-canary ${id}` },
});

const view = (id: string) => canary(id, id === OWN ? "cus_1" : "cus_2");

const item = (id: string) =>
  ({
    version: 1,
    actor: { kind: "key", id: id === OWN ? "channel" : "shop-2" },
    reason: "asked by ada@canary.example",
    orderId: id,
    published: [{ id: `${id}.1.0`, type: "order.created", data: view(id) }],
  }) as never;
const found = async (id: string) => ({ status: "found", order: view(id) }) as const;

/** All services answer with the person, and with the id of the order that was asked for. */
async function started(t: Parameters<typeof startApp>[0]): Promise<FastifyInstance> {
  const orders = ordersWith({
    get: found,
    history: async (id) => ({ status: "found", items: [item(id)], nextAfter: null }),
    messages: async (id) => ({
      status: "found",
      items: [{ id, sequence: 1, at: "", machine: "order", type: "x", data: view(id), version: 1 }] as never,
    }),
    command: async (id) => ({ status: "done", order: view(id) }),
    annotate: async (id) => ({ status: "done", order: view(id) }),
  });
  const letter = { id: "dl_1", reason: "550 <ada@canary.example>", orderId: OTHER } as never;
  const { app } = await startApp(t, {
    auth: "keys",
    keys: keysOf(),
    orders,
    insights: {
      read: async (id) => ({ status: "found", order: view(id), insight: {} }),
      instant: async (id) => ({ status: "found", instant: item(id) }),
    },
    invoices: {
      read: async (id) => ({ status: "found", number: "1", pdf: Buffer.from(`Canary Byron ${id}`) }),
      creditNote: async (id) => ({ status: "found", number: "1", pdf: Buffer.from(`Canary Byron ${id}`) }),
    },
    live: {
      follow: async (id) => ({
        status: "found",
        positionGone: false,
        begin: (listener) => {
          listener.commit({ item: item(id), order: view(id) });
          listener.ended("test");
        },
        stop: () => undefined,
      }),
    },
    deadLetters: {
      list: async () => ({ status: "found", items: [letter], next: null }),
      read: async () => ({ status: "found", letter }),
      groups: async () =>
        ({ status: "found", groups: [{ error: "ada@canary.example" }], isComplete: true }) as never,
      discard: async () => ({ status: "discarded" }),
      replay: async () => ({ status: "replayed" }),
    },
    parked: {
      list: async () => ({ status: "found", items: [letter], next: null }),
      find: async () => ({ status: "found", parked: letter }) as never,
      groups: async () => ({ status: "found", groups: [] }),
      resume: async (id) => ({ status: "done", order: view(id) }),
      skip: async (id) => ({ status: "done", order: view(id) }),
    },
    list: noList,
  });
  return app;
}

/** Bodies that the routes with one take. */
const bodies: Readonly<Record<string, object>> = {
  "fulfillment/quality-check": { passed: true },
  "fulfillment/receive": { restock: true },
  "fulfillment/settle": { reason: "agreed" },
  reveal: { reason: "asked" },
  skip: { parkingId: "p" },
};

t.test("no caller sees another's order, or more of a person than its view has", async (t) => {
  const app = await started(t);
  const document = (await app.inject({ url: "/openapi.json" })).json<{ paths: Record<string, object> }>();
  const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase() as "GET", path })),
  );
  const ofOrders = calls.filter(({ path }) => path.startsWith("/v1/orders/{id}"));
  t.ok(ofOrders.length > 20);
  const seed = Number(process.env["SECURITY_SEED"] ?? Date.now() % 1_000_000);
  t.comment(`replay: SECURITY_SEED=${seed} node orderly.mjs test test/security/others-data.test.ts`);
  const random = drawn(seed);
  const shown = new Map<string, number>();
  for (let step = 0; step < CASES; step++) {
    const pool = random(4) === 0 ? calls : ofOrders;
    const { method, path } = pool[random(pool.length)]!;
    const held = roles.filter(() => random(5) === 0);
    const callers: readonly Role[] = held.length > 0 ? held : [roles[random(roles.length)]!];
    const id = random(2) === 0 ? OWN : OTHER;
    const ending = path.slice("/v1/orders/{id}/".length);
    const parts = random(3) === 0 && path === "/v1/orders/{id}" ? "?include=waits" : "";
    const answer = await app.inject({
      method,
      url:
        path.replace("{id}", path.startsWith("/v1/dead-letters") ? "dl_1" : id).replace("{version}", "1") +
        parts,
      headers: { ...bearer(...callers), "idempotency-key": `k${step}` },
      ...(method === "GET" ? {} : { payload: bodies[ending] ?? {} }),
    });
    const what = `${callers.join("+")} ${method} ${path} ${id} -> ${answer.statusCode}`;
    const seen = answer.body;
    const sees = callers.includes("support") || callers.includes("admin");
    const onlyOwn = callers.every((role) => role === "customer" || role === "channel");
    if (onlyOwn && seen.includes(OTHER) && path.startsWith("/v1/orders/{id}"))
      t.fail(`another's order: ${what}`);
    if (onlyOwn && id === OTHER && PERSON.some((one) => seen.includes(one)))
      t.fail(`another's person: ${what}`);
    if (!sees && !onlyOwn) {
      const warehouse =
        callers.includes("warehouse") && !callers.some((role) => role === "operator" || role === "read-only");
      const hidden = warehouse ? ["ada@canary.example", "TAX-CANARY", "pay-canary"] : PERSON;
      const found = hidden.find((one) => seen.includes(one));
      if (found !== undefined) t.fail(`${found} is shown: ${what}`);
    }
    if (seen.includes("Canary")) shown.set(path, (shown.get(path) ?? 0) + 1);
  }
  // The test looks where there is something to see.
  t.ok(shown.size > 15, `${shown.size} routes have shown the person to those who may see it`);
});

/** Whole numbers below a bound, always the same for one seed (mulberry32). */
function drawn(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
