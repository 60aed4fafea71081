/** An order with what it is doing, and its instants, over HTTP, on services in memory. */
import t from "tap";
import { order, startApp } from "../../support/http-services.ts";
import { orderParts, type OrderInsights } from "../../../src/services/insight/contract.ts";

const item = {
  version: 3,
  sequence: 12,
  at: "2026-11-22T10:00:00.000Z",
  input: "command:pick",
  actor: { kind: "anonymous", id: null },
  transitions: [],
  sent: [],
  events: ["order.created"],
  effects: { opened: [], closed: [] },
  timers: { armed: [], cancelled: [] },
  node: "node-1",
  epoch: 4,
};
const machines = { order: { state: { a: "b" }, status: "active", version: 5, context: { total: null } } };
const instant = {
  ...item,
  machines,
  open: {
    effects: [{ name: "payment.x", key: "k", input: { a: 1 }, abandoned: false }],
    timers: [{ name: "order.t", dueAt: "2026-11-22T10:00:00.000Z" }],
  },
  published: [{ id: "ord_1.3.0", type: "order.created", data: { orderId: "ord_1" } }],
};

function insightsWith(asked: unknown[]): OrderInsights {
  return {
    read: async (id, parts) => {
      asked.push([id, parts]);
      if (id !== "ord_1") return { status: "not_found" };
      const actions = [{ event: "settle", enabled: false, why: "because" } as const];
      return { status: "found", order, insight: { machines, ...(parts.includes("actions") && { actions }) } };
    },
    instant: async (id, version) => {
      if (id !== "ord_1") return { status: "not_found" };
      return version === 3 ? { status: "found", instant } : { status: "version_not_found" };
    },
  };
}

t.test("include adds what is asked for to the order, with what a page needs of each command", async (t) => {
  const asked: unknown[] = [];
  const { app } = await startApp(t, { insights: insightsWith(asked) });
  const answer = await app.inject("/v1/orders/ord_1?include=machines,actions");
  t.equal(answer.statusCode, 200);
  t.match(answer.headers, { etag: '"3"', "cache-control": "private, no-store" });
  const { actions, ...rest } = answer.json();
  t.strictSame(rest, { ...order, machines });
  t.match(actions, [
    {
      event: "settle",
      title: "Accept the collected amount",
      enabled: false,
      why: "because",
      schema: { type: "object", required: ["reason"] },
      danger: true,
      needsReason: true,
    },
  ]);
  const all = await app.inject(`/v1/orders/ord_1?include=${orderParts.join(",")}`);
  t.equal(all.statusCode, 200);
  t.strictSame(asked, [
    ["ord_1", ["machines", "actions"]],
    ["ord_1", orderParts],
  ]);
  t.match((await app.inject("/v1/orders/ord_2?include=waits")).json(), { code: "order_not_found" });
});

t.test("without include an order is answered as before, and other queries are refused", async (t) => {
  const asked: unknown[] = [];
  const { app } = await startApp(t, { insights: insightsWith(asked) });
  t.strictSame((await app.inject("/v1/orders/ord_1")).json(), order);
  for (const query of ["include=", "include=all", "include=waits,", "include=waits;actions", "with=waits"])
    t.match(
      (await app.inject(`/v1/orders/ord_1?${query}`)).json(),
      { status: 400, code: "validation_failed" },
      query,
    );
  t.strictSame(asked, []);
});

t.test("one commit is answered whole, and may be kept for ever", async (t) => {
  const { app } = await startApp(t, { insights: insightsWith([]) });
  const answer = await app.inject("/v1/orders/ord_1/history/3");
  t.equal(answer.statusCode, 200);
  t.match(answer.headers, { "cache-control": "private, max-age=31536000, immutable" });
  t.strictSame(answer.json(), instant);
  t.match((await app.inject("/v1/orders/ord_1/history/4")).json(), {
    status: 404,
    code: "version_not_found",
  });
  t.match((await app.inject("/v1/orders/ord_2/history/3")).json(), { status: 404, code: "order_not_found" });
  for (const version of ["0", "-1", "x", "1.5"])
    t.equal((await app.inject(`/v1/orders/ord_1/history/${version}`)).statusCode, 404, version);
});
