/** Bulk operations over HTTP, on services in memory: what a request may say, and which answer an outcome gets. */
import t, { type Test } from "tap";
import type { Bulk, BulkPlan, BulkView, StartResult } from "../../../src/services/bulk/contract.ts";
import type { Known } from "../../../src/services/projection/contract.ts";
import { openEvents } from "../../support/clients/event-client.ts";
import { startApp } from "../../support/http-services.ts";
import { waitUntil } from "../../support/wait-until.ts";

const ID = "blk_01jdkq0r9dfk8t3e4m5n6p7q8r";
const view: BulkView = {
  id: ID,
  action: "cancel",
  reason: "closed",
  status: "running",
  count: 3,
  processed: 1,
  outcomes: [{ code: "done", count: 1 }],
  startedAt: "2026-11-22T10:00:00.000Z",
  updatedAt: "2026-11-22T10:00:00.000Z",
};
const preview = {
  token: "AXV3",
  expiresAt: view.startedAt,
  count: 3,
  exact: true,
  eligible: [{ state: "confirmed", count: 2 }],
  samples: [{ id: "ord_1", state: "confirmed" }],
  asOf: { sequence: 42, at: view.startedAt, behindMs: 0 },
};

async function appWith(t: Test, replaced: Partial<Bulk> = {}) {
  const plans: { readonly plan: BulkPlan; readonly known: readonly Known[] | undefined }[] = [];
  const started: unknown[] = [];
  const bulk: Bulk = {
    preview: async (plan, known) => {
      plans.push({ plan, known });
      return { status: "previewed", ...preview };
    },
    start: async (token, how) => {
      started.push({ token, how });
      return { status: "started", bulk: view };
    },
    get: async (id) => (id === ID ? { status: "found", bulk: view } : { status: "not_found" }),
    items: async () => ({ status: "not_found" }),
    stop: async () => ({ status: "found", bulk: { ...view, status: "stopping" } }),
    ...replaced,
  };
  const { app } = await startApp(t, { bulk });
  const post = (payload: object, headers: Record<string, string> = {}) =>
    app.inject({ method: "POST", url: "/v1/bulk", payload, headers });
  return { app, post, plans, started };
}

const plan = { action: "cancel", filter: { status: "confirmed,ready" }, reason: "closed", dryRun: true };

t.test("a plan is previewed with the filters of the list, and needs no key", async (t) => {
  const { plans, post } = await appWith(t);
  const answer = await post({
    ...plan,
    filter: { status: "confirmed,ready", parked: "false", stuckFor: "15m" },
    minSequence: "42",
  });
  t.equal(answer.statusCode, 200);
  t.strictSame(answer.json(), preview);
  t.equal(answer.headers["cache-control"], "no-store");
  t.strictSame(plans, [
    {
      plan: {
        action: "cancel",
        reason: "closed",
        filter: { status: ["confirmed", "ready"], parked: false, stuckFor: 900_000 },
      },
      known: [{ stream: 0, sequence: 42 }],
    },
  ]);
  const { filter: _, ...others } = plan;
  t.equal((await post({ ...others, ids: ["ord_1"] })).statusCode, 200);
  t.match(plans[1]?.plan, { ids: ["ord_1"] });
});

t.test("every fault of a request is named", async (t) => {
  const { post, plans, started } = await appWith(t);
  const faults: [object, string][] = [
    [{}, "/action /reason /filter /dryRun"],
    [{ ...plan, dryRun: undefined }, "/dryRun"],
    [{ ...plan, dryRun: false }, "/dryRun"],
    [{ ...plan, action: "explode" }, "/action"],
    [{ ...plan, filter: {} }, "/filter"],
    [{ ...plan, filter: { status: "confirmed,none" } }, "/filter/status"],
    [{ ...plan, filter: { color: "red" } }, "/filter/color"],
    [{ ...plan, ids: ["ord_1"] }, "/ids"],
    [{ ...plan, ids: ["other"], filter: undefined }, "/ids/0"],
    [{ ...plan, reason: undefined }, "/reason"],
    [{ ...plan, more: 1 }, "/more"],
  ];
  for (const [body, pointers] of faults) {
    const answer = await post(body);
    t.match(answer.json(), { status: 400, code: "validation_failed" }, JSON.stringify(body));
    const { errors } = answer.json() as { errors: { pointer: string }[] };
    t.equal(errors.map(({ pointer }) => pointer).join(" "), pointers, JSON.stringify(body));
  }
  const both = await post({ ...plan, token: "AXV3" }, { "idempotency-key": "k" });
  t.match(both.json(), { code: "validation_failed" });
  t.strictSame([plans.length, started.length], [0, 0]);
});

t.test("a start needs a key, and answers where the operation is", async (t) => {
  const { post, started } = await appWith(t);
  t.match((await post({ token: "AXV3" })).json(), { status: 400, code: "idempotency_key_required" });
  t.match((await post({ token: "AXV3" }, { "idempotency-key": "a b" })).json(), {
    code: "invalid_idempotency_key",
  });
  const answer = await post({ token: "AXV3" }, { "idempotency-key": "k1" });
  t.equal(answer.statusCode, 202);
  t.equal(answer.headers["location"], `/v1/bulk/${ID}`);
  t.strictSame(answer.json(), view);
  t.strictSame(started, [
    { token: "AXV3", how: { caller: "anonymous", idempotencyKey: "k1", by: { kind: "anonymous" } } },
  ]);
});

t.test("what is not started has its code", async (t) => {
  const outcomes: [Exclude<StartResult, { status: "started" }>, object][] = [
    [{ status: "token_unknown" }, { status: 422, code: "token_unknown" }],
    [{ status: "token_expired" }, { status: 409, code: "token_expired" }],
    [
      { status: "token_used", bulkId: ID },
      { status: 409, code: "token_used", bulkId: ID },
    ],
    [
      { status: "selection_changed", previewed: 10, count: 12 },
      { status: 409, code: "selection_changed", previewed: 10, count: 12 },
    ],
    [
      { status: "selection_too_large", count: 100_001 },
      { status: 422, code: "selection_too_large" },
    ],
    [
      { status: "idempotency_key_reused", bulkId: ID },
      { status: 422, code: "idempotency_key_reused" },
    ],
    [
      { status: "invalid", field: "in", reason: "no state" },
      { status: 400, errors: [{ pointer: "/filter/in" }] },
    ],
    [
      { status: "behind", retryAfterMs: 1000 },
      { status: 503, code: "behind" },
    ],
    [{ status: "projection_off" }, { status: 503, code: "projection_off" }],
    [
      { status: "unavailable", reason: "", retryAfterMs: 1 },
      { status: 503, code: "unavailable" },
    ],
  ];
  for (const [outcome, problem] of outcomes) {
    const { post } = await appWith(t, { start: async () => outcome });
    t.match((await post({ token: "AXV3" }, { "idempotency-key": "k" })).json(), problem);
  }
});

t.test("an operation is read, listed and stopped", async (t) => {
  const asked: unknown[] = [];
  const { app } = await appWith(t, {
    items: async (id, options) => {
      asked.push(options);
      return id === ID
        ? { status: "found", items: [{ orderId: "ord_1", outcome: "done" }], next: "1.20" }
        : { status: "items_expired" };
    },
  });
  t.strictSame((await app.inject(`/v1/bulk/${ID}`)).json(), view);
  const other = ID.replace("blk_0", "blk_1");
  t.match((await app.inject(`/v1/bulk/${other}`)).json(), { status: 404, code: "bulk_not_found" });
  t.match((await app.inject("/v1/bulk/x")).json(), { status: 404, code: "bulk_not_found" });
  const page = await app.inject(`/v1/bulk/${ID}/items?outcome=done&limit=1`);
  const { items, nextCursor } = page.json() as { items: unknown; nextCursor: string };
  t.strictSame(items, [{ orderId: "ord_1", outcome: "done" }]);
  await app.inject(`/v1/bulk/${ID}/items?cursor=${nextCursor}`);
  t.strictSame(asked, [
    { limit: 1, outcome: "done" },
    { limit: 50, after: "1.20" },
  ]);
  t.match((await app.inject(`/v1/bulk/${ID}/items?cursor=AAAA`)).json(), { code: "validation_failed" });
  t.match((await app.inject(`/v1/bulk/${other}/items`)).json(), { status: 410, code: "bulk_items_expired" });
  const stopped = await app.inject({ method: "POST", url: `/v1/bulk/${ID}/stop` });
  t.match(stopped.json(), { status: "stopping" });
});

t.test("clients that watch an operation get it when it has changed, read once for all", async (t) => {
  let processed = 1;
  let status: BulkView["status"] = "running";
  let reads = 0;
  const { app } = await appWith(t, {
    get: async (id) => {
      reads++;
      return id === ID ? { status: "found", bulk: { ...view, processed, status } } : { status: "not_found" };
    },
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const topics = `${url}/v1/stream?topics=bulk:${ID}`;
  const [first, second] = await Promise.all([openEvents(t, topics), openEvents(t, topics)]);
  const seen = (client: typeof first) => client.events.map(({ data }) => (data as BulkView).processed);
  await waitUntil("both have it", () => first.events.length === 1 && second.events.length === 1);
  processed = 2;
  await waitUntil("both have the change", () => first.events.length === 2 && second.events.length === 2);
  t.strictSame(
    [seen(first), seen(second)],
    [
      [1, 2],
      [1, 2],
    ],
  );
  t.ok(reads <= 10, `${reads} readings for two clients`);
  processed = 3;
  status = "completed";
  await waitUntil("both have the end", () => first.events.length === 3 && second.events.length === 3);
  const until = reads;
  const third = await openEvents(t, topics);
  await waitUntil("a third client has it", () => third.events.length === 1);
  t.equal(reads, until, "an operation that has ended is not read again");
  const none = await openEvents(t, topics.replace("blk_0", "blk_1"));
  await waitUntil("the fourth learns that there is none", () => none.events.length > 0);
  t.match(none.events[0], { event: "reset", data: { why: "bulk_not_found" } });
  t.equal((await app.inject(`/v1/stream?topics=bulk:x`)).statusCode, 400);
});
