/** Parked orders over HTTP: every outcome of the service as an answer. */
import t from "tap";
import type { ParkedOrder, ParkedOrders, UnparkResult } from "../../../src/services/parked/contract.ts";
import { order, startApp } from "../../support/http-services.ts";

const parkedOrder = (n: number): ParkedOrder => ({
  orderId: `ord_${n}`,
  parkingId: `p${n}`,
  since: "2026-11-22T10:00:00.000Z",
  reason: "machine payment failed: no such method",
  input: "inbox:payment.settled",
  version: n,
});

function parkedWith(replaced: Partial<ParkedOrders>): ParkedOrders {
  return {
    list: async () => ({ status: "found", items: [], next: null }),
    find: async () => ({ status: "not_parked" }),
    groups: async () => ({ status: "found", groups: [] }),
    resume: async () => ({ status: "not_found" }),
    skip: async () => ({ status: "not_found" }),
    ...replaced,
  };
}

t.test("the list is answered page by page", async (t) => {
  const asked: unknown[] = [];
  const parked = parkedWith({
    list: async (options) => {
      asked.push(options);
      const next = options.after === undefined ? "17.ord_1" : null;
      return { status: "found", items: [parkedOrder(asked.length)], next };
    },
  });
  const { app } = await startApp(t, { parked });
  const first = await app.inject("/v1/parked?limit=1");
  t.equal(first.statusCode, 200);
  t.strictSame(first.json().items, [parkedOrder(1)]);
  const second = await app.inject(`/v1/parked?limit=1&cursor=${first.json().nextCursor}`);
  t.strictSame(second.json(), { items: [parkedOrder(2)], nextCursor: null });
  t.strictSame(asked, [{ limit: 1 }, { limit: 1, after: "17.ord_1" }]);
  t.match((await app.inject("/v1/parked?cursor=zzz")).json(), { code: "validation_failed" });
});

t.test(
  "orders that a program cannot read are listed by kind, with what the list does not show",
  async (t) => {
    const asked: unknown[] = [];
    const apart: ParkedOrder = {
      orderId: "ord_9",
      kind: "newer",
      parkingId: null,
      since: "2026-11-22T10:00:00.000Z",
      reason: "machine payment: stored by version 3, this node runs 2",
      input: null,
      version: 0,
    };
    const parked = parkedWith({
      list: async (options) => {
        asked.push(options);
        const missing = { partitions: [7], orders: 2 };
        return options.kind === "newer"
          ? { status: "found", items: [apart], next: null, missing }
          : { status: "found", items: [], next: null };
      },
    });
    const { app } = await startApp(t, { parked });
    t.strictSame((await app.inject("/v1/parked?kind=newer")).json(), {
      items: [apart],
      nextCursor: null,
      missing: { partitions: [7], orders: 2 },
    });
    for (const kind of ["unreadable", "input"]) {
      t.strictSame((await app.inject(`/v1/parked?kind=${kind}`)).json(), { items: [], nextCursor: null });
    }
    t.match(asked, [{ kind: "newer" }, { kind: "unreadable" }, { kind: "input" }]);
    t.match((await app.inject("/v1/parked?kind=all")).json(), { code: "validation_failed" });
  },
);

t.test(
  "an order that cannot be read is answered 503 with its own code, by a read and by a command",
  async (t) => {
    const unread = {
      status: "unreadable",
      kind: "unreadable",
      reason: "no state idle",
      retryAfterMs: 1000,
    } as const;
    const { app, orders } = await startApp(t, {
      parked: parkedWith({ resume: async () => unread, skip: async () => unread }),
    });
    orders.get = async () => unread;
    orders.command = async () => unread;
    const replies = [
      await app.inject("/v1/orders/ord_1"),
      await app.inject({ method: "POST", url: "/v1/orders/ord_1/cancel" }),
      await app.inject({ method: "POST", url: "/v1/orders/ord_1/resume" }),
      await app.inject({ method: "POST", url: "/v1/orders/ord_1/skip" }),
    ];
    for (const reply of replies) {
      t.equal(reply.statusCode, 503);
      t.match(reply.json(), { code: "order_unreadable", kind: "unreadable", reason: "no state idle" });
      t.equal(reply.headers["retry-after"], "1");
    }
  },
);

const outcomes: [UnparkResult, number, object][] = [
  [{ status: "done", order }, 200, { id: "ord_1" }],
  [{ status: "still_parked", reason: "poison" }, 409, { code: "still_parked", reason: "poison" }],
  [{ status: "not_parked" }, 409, { code: "not_parked" }],
  [{ status: "parked_otherwise" }, 409, { code: "parked_otherwise" }],
  [{ status: "nothing_to_skip" }, 409, { code: "nothing_to_skip" }],
  [{ status: "version_changed", version: 8 }, 412, { code: "version_changed", version: 8 }],
  [
    { status: "idempotency_key_reused", orderId: "ord_1" },
    422,
    { code: "idempotency_key_reused", orderId: "ord_1" },
  ],
  [{ status: "not_found" }, 404, { code: "order_not_found" }],
  [{ status: "unavailable", reason: "x", retryAfterMs: 1000 }, 503, { code: "unavailable" }],
  [{ status: "overloaded", retryAfterMs: 1000 }, 429, { code: "overloaded" }],
];
for (const [result, status, answer] of outcomes)
  t.test(`resume and skip answer ${status} for ${result.status}`, async (t) => {
    const { app } = await startApp(t, {
      parked: parkedWith({ resume: async () => result, skip: async () => result }),
    });
    for (const action of ["resume", "skip"] as const) {
      const reply = await app.inject({ method: "POST", url: `/v1/orders/ord_1/${action}` });
      t.equal(reply.statusCode, status);
      t.match(reply.json(), answer);
      if (status === 429 || status === 503) t.equal(reply.headers["retry-after"], "1");
    }
  });

t.test("skip passes on the named parking, and accepts no other fields", async (t) => {
  const asked: unknown[] = [];
  const skip: ParkedOrders["skip"] = async (...args) => {
    asked.push(args);
    return { status: "done", order };
  };
  const { app } = await startApp(t, { parked: parkedWith({ skip }) });
  const post = (payload: object) => app.inject({ method: "POST", url: "/v1/orders/ord_1/skip", payload });
  t.equal((await post({ parkingId: "p1" })).statusCode, 200);
  t.strictSame(asked, [["ord_1", "p1", { by: { kind: "anonymous" } }]]);
  t.match((await post({ all: true })).json(), { code: "validation_failed" });
});

t.test("resume and skip pass on the reason, the version and the key", async (t) => {
  const asked: unknown[] = [];
  const resume: ParkedOrders["resume"] = async (...args) => {
    asked.push(args);
    return { status: "done", order };
  };
  const skip: ParkedOrders["skip"] = async (...args) => {
    asked.push(args);
    return { status: "done", order };
  };
  const { app, predictions } = await startApp(t, { parked: parkedWith({ resume, skip }) });
  const headers = { "if-match": '"7"', "idempotency-key": "k1" };
  const payload = { reason: "repaired" };
  for (const action of ["resume", "skip"])
    await app.inject({ method: "POST", url: `/v1/orders/ord_1/${action}`, headers, payload });
  const key = { caller: "anonymous", idempotencyKey: "k1" };
  const how = { by: { kind: "anonymous" }, reason: "repaired", ifVersions: [7], key };
  t.strictSame(asked, [
    ["ord_1", how],
    ["ord_1", undefined, how],
  ]);
  const tried = await app.inject({ method: "POST", url: "/v1/orders/ord_1/resume?dryRun=true", headers });
  t.match(tried.json(), { dryRun: true, accepted: true });
  t.strictSame(predictions.resumes, [["ord_1", { ifVersions: [7], key }]]);
  t.equal(asked.length, 2, "nothing was resumed");
});

t.test("one parking is answered, and an order that is not parked has a problem of its own", async (t) => {
  const { app } = await startApp(t, {
    parked: parkedWith({
      find: async (id) =>
        id === "ord_1" ? { status: "found", parked: parkedOrder(1) } : { status: "not_parked" },
      groups: async () => ({
        status: "found",
        groups: [{ error: "no", where: "start", count: 1, oldest: AT, newest: AT, ids: ["ord_1"] }],
      }),
    }),
  });
  t.strictSame((await app.inject("/v1/parked/ord_1")).json(), parkedOrder(1));
  for (const id of ["ord_2", "nothing"])
    t.match((await app.inject(`/v1/parked/${id}`)).json(), { status: 404, code: "order_not_parked" });
  t.match((await app.inject("/v1/parked/groups?by=error")).json(), {
    groups: [{ error: "no", count: 1 }],
    isComplete: true,
  });
  t.match((await app.inject("/v1/parked/groups?by=day")).json(), { code: "validation_failed" });
});

const AT = "2026-11-22T10:00:00.000Z";
