/** Moving partitions and draining nodes over HTTP. */
import t from "tap";
import type { Placements, WantedMove } from "../../../src/services/placement/contract.ts";
import { startApp } from "../../support/http-services.ts";

const move = {
  status: "moved",
  partition: 7,
  from: "node-1",
  to: "node-2",
  epoch: 412,
  tookMs: 40,
} as const;

function recording(answer: object) {
  const asked: unknown[] = [];
  const placements = {
    move: async (wanted: WantedMove) => {
      asked.push(wanted);
      return { ...move, ...answer };
    },
    drain: async (node: string, how: object) => {
      asked.push({ node, ...how });
      return { status: "drained", node, left: [], ...answer };
    },
    undrain: async (node: string, how: object) => {
      asked.push({ node, ...how });
      return { status: "undrained", node, left: [], ...answer };
    },
  } as Placements;
  return { asked, placements };
}

async function post(url: string, payload: object | undefined, answer = {}, headers = {}) {
  const { asked, placements } = recording(answer);
  const { app } = await startApp(t, { placements });
  const reply = await app.inject({ method: "POST", url, headers, ...(payload && { payload }) });
  return { status: reply.statusCode, body: reply.json() as Record<string, unknown>, asked };
}

t.test("a move passes on what was asked and answers how far it came", async (t) => {
  const done = await post("/v1/partitions/7/move", { node: "node-2", reason: "busy" });
  t.match(done, { status: 200, body: { ...move, dryRun: false, accepted: true } });
  t.strictSame(done.asked, [{ partition: 7, node: "node-2", reason: "busy", dryRun: false }]);
  const slow = await post("/v1/partitions/7/move", { node: "node-2" }, { status: "moving" });
  t.match(slow, { status: 202, body: { status: "moving" } });
  const tried = await post(
    "/v1/partitions/7/move?dryRun=true",
    { node: "node-2" },
    { status: "would_move" },
    { "if-match": '"412"' },
  );
  t.match(tried, { status: 200, body: { dryRun: true, accepted: true, status: "would_move" } });
  t.match(tried.asked, [{ dryRun: true, ifEpochs: [412] }]);
});

t.test("a move that is not done is answered with its code", async (t) => {
  const codes = [
    ["partition_not_found", 404],
    ["node_not_found", 404],
    ["already_owner", 409],
    ["already_moving", 409],
    ["node_draining", 409],
    ["node_incompatible", 409],
    ["version_changed", 412],
  ] as const;
  for (const [code, status] of codes) {
    const refused = await post("/v1/partitions/7/move", { node: "node-2" }, { status: code, version: 9 });
    t.match(refused, { status, body: { code } }, code);
  }
  const away = { status: "unavailable", reason: "x", retryAfterMs: 5 };
  t.match(await post("/v1/partitions/7/move", { node: "node-2" }, away), { status: 503 });
});

t.test("bad input is refused before any node is asked", async (t) => {
  for (const [url, payload, headers] of [
    ["/v1/partitions/7/move", {}, {}],
    ["/v1/partitions/7/move", { node: "a b" }, {}],
    ["/v1/partitions/7/move", { node: "node-2", force: true }, {}],
    ["/v1/partitions/7/move", { node: "node-2" }, { "if-match": "412" }],
    ["/v1/partitions/7/move?dryRun=1", { node: "node-2" }, {}],
    ["/v1/nodes/node-1/drain", { why: "x" }, {}],
  ] as const) {
    const refused = await post(url, payload, {}, headers);
    t.match(refused, { status: 400, body: { code: "validation_failed" } }, url);
    t.strictSame(refused.asked, []);
  }
  t.match(await post("/v1/partitions/x/move", { node: "node-2" }), {
    status: 404,
    body: { code: "partition_not_found" },
  });
});

t.test("a node is drained and undrained, with a reason or an empty body", async (t) => {
  const drained = await post("/v1/nodes/node-1/drain", undefined);
  t.match(drained, { status: 200, body: { status: "drained", node: "node-1", left: [], dryRun: false } });
  t.strictSame(drained.asked, [{ node: "node-1", reason: null, dryRun: false }]);
  const slow = await post(
    "/v1/nodes/node-1/drain",
    { reason: "A new disk" },
    { status: "draining", left: ["inventory.0"] },
  );
  t.match(slow, { status: 202, body: { left: ["inventory.0"] } });
  t.match(await post("/v1/nodes/node-1/drain", {}, { status: "last_node" }), {
    status: 409,
    body: { code: "last_node" },
  });
  t.match(await post("/v1/nodes/node-9/drain", {}, { status: "node_not_found" }), { status: 404 });
  t.match(await post("/v1/nodes/node-1/undrain", {}), { status: 200, body: { status: "undrained" } });
  t.match(await post("/v1/nodes/node-9/undrain", {}, { status: "node_not_found" }), { status: 404 });
});

t.test("samples of a window are answered, of a quarter of an hour at most", async (t) => {
  const windows: number[] = [];
  const samples = (windowMs: number) => {
    windows.push(windowMs);
    return { everyMs: 1000, samples: [{ at: "2026-11-22T10:00:00.000Z", nodes: [] }] };
  };
  const { app } = await startApp(t, { samples });
  for (const query of ["", "?window=30s", "?window=5m", "?window=3h"])
    t.match((await app.inject(`/v1/cluster/samples${query}`)).json(), { everyMs: 1000, samples: [{}] });
  t.strictSame(windows, [900_000, 30_000, 300_000, 900_000]);
  t.equal((await app.inject("/v1/cluster/samples?window=15")).statusCode, 400);
});
