/** Bad entries in the store of running nodes: lists are answered, partitions have owners, each entry is named once. */
import t from "tap";
import { clusterOf } from "../../../nodes/order/operations.ts";
import type { Log } from "../../../src/runtime/ports.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { ParkedOrderService } from "../../../src/services/orders/parked-orders.ts";
import { silent } from "./commit/relay-stage.ts";
import { memoryCluster } from "./memory-cluster.ts";
import { diary, NOW } from "./tenure/tenure-stage.ts";

const PARTITIONS = 2;
const whole = { id: "odd", boot: "b", startedAt: 0, held: [], outboxDepth: 0, lags: {} };
const presence: readonly string[] = [
  "{",
  "7",
  "[]",
  JSON.stringify({ ...whole, startedAt: 1e300 }),
  JSON.stringify({ ...whole, startedAt: "yesterday" }),
  JSON.stringify({ ...whole, startedAt: -1 }),
  JSON.stringify({ ...whole, id: 7 }),
  JSON.stringify({ ...whole, id: "another" }),
  JSON.stringify({ ...whole, unfit: "partition.0" }),
  JSON.stringify({ ...whole, unfit: [1] }),
];
/** A heartbeat whose details are of another program: it is present, and its details are left out. */
const details = {
  roles: "all",
  outboxDepth: "many",
  lags: 7,
  url: 7,
  pid: "x",
  definition: {},
  version: [],
  held: 1,
};

async function stage() {
  const named: unknown[] = [];
  const log: Log = { ...silent, error: (fields: object) => void named.push(fields) };
  const cluster = memoryCluster({ partitions: PARTITIONS, log: () => log });
  const put = (bucket: string, key: string, value: string): void =>
    cluster.server
      .log(`KV_${bucket}`)
      .propose([{ subject: `$KV.${bucket}.${key}`, payload: value }], () => {});
  return { cluster, named, put };
}

t.test("a presence entry that is none is no node, and the cluster is shown", async (t) => {
  for (const value of presence) {
    const { cluster, named, put } = await stage();
    const { node } = await cluster.start("one", diary());
    await cluster.settled();
    put("NODES", "odd", value);
    await cluster.clock.advance(1_000);
    const view = clusterOf(node.status());
    t.same(
      view.nodes.map(({ id }) => id),
      ["one"],
      value,
    );
    t.match(node.status().unreadable, { presence: 1 });
    t.equal(named.filter((fields) => JSON.stringify(fields).includes('"presence"')).length, 1);
    t.equal(view.partitions.length, PARTITIONS);
    for (const one of cluster.running) one.kill();
  }
});

t.test("a node with details that cannot be shown is shown without them", async (t) => {
  const { cluster, put } = await stage();
  const { node } = await cluster.start("one", diary());
  put("NODES", "odd", JSON.stringify({ ...whole, ...details }));
  await cluster.clock.advance(500);
  const odd = clusterOf(node.status()).nodes.find(({ id }) => id === "odd");
  t.same(odd, {
    id: "odd",
    startedAt: "1970-01-01T00:00:00.000Z",
    roles: [],
    partitions: [],
    outboxDepth: 0,
    clockOffsetMs: null,
    url: "",
    draining: null,
    commitMs: { p50: null, p99: null },
    lanes: [],
  });
  for (const one of cluster.running) one.kill();
});

t.test("a parking that cannot be read is in the list, between the others, and named once", async (t) => {
  const { cluster, named } = await stage();
  const { node } = await cluster.start("one", diary());
  await cluster.settled();
  const store = (actor: string, payload: string): void =>
    cluster.logOf(0).propose([{ subject: subjects.parked(0, actor), payload }], () => {});
  const parking = { status: "parked", id: "p", since: 5, reason: "no", name: null, input: null };
  const numbers = { inbox: 0, version: 1, record: 1 };
  store("good", JSON.stringify({ ...parking, ...numbers, actor: "good" }));
  store("dated", JSON.stringify({ ...parking, ...numbers, actor: "dated", since: 1e300 }));
  store("broken", "{");
  const service = new ParkedOrderService(node.parked, { idempotencySecret: "a secret of some length" });
  for (let n = 0; n < 3; n++) {
    const page = await cluster.done(service.list({ limit: 10 }));
    if (page.status !== "found") throw new Error("not found");
    t.same(
      page.items.map(({ orderId }) => orderId),
      ["good", "broken", "dated"],
    );
    t.match(page.items[1], { parkingId: /^unreadable-/u, since: /^20/u });
    const rest = await cluster.done(service.list({ limit: 1, after: "5.good" }));
    t.match(rest, { status: "found", items: [{ orderId: "broken" }] });
  }
  t.same(node.status().unreadable, { parking: 2 });
  t.equal(named.length, 2);
  for (const one of cluster.running) one.kill();
});

t.test(
  "a checkpoint that cannot be read, or of an absurd epoch, keeps no partition from its owner",
  async (t) => {
    const stated = { through: 0, epoch: 0, open: [], behind: [], parkedAt: 0 };
    for (const value of [
      "{",
      JSON.stringify({ ...stated, open: [7] }),
      JSON.stringify({ ...stated, epoch: Number.MAX_SAFE_INTEGER }),
      JSON.stringify({ ...stated, epoch: 1e300 }),
      JSON.stringify({ ...stated, through: -3 }),
    ]) {
      const { cluster, named, put } = await stage();
      put("FLOORS", "partition.0", value);
      const one = await cluster.start("one", diary());
      await cluster.settled();
      t.ok(cluster.clock.monotonic() < 20_000);
      cluster.ok(await cluster.done(one.actors.start("a", {}, NOW)));
      t.same(one.node.status().unreadable, { checkpoint: 1 }, value);
      t.equal(named.length, 1);
      one.kill();
    }
  },
);
