/** What operators ask of nodes, and why it is not done. */
import t from "tap";
import type { NodeEntry } from "../../../src/runtime/cluster/presence.ts";
import { Placement } from "../../../src/runtime/cluster/placement.ts";
import type { Bus } from "../../../src/runtime/ports.ts";
import { ClusterPlacements, type PlacementView } from "../../../src/services/placement/placements.ts";
import { servePlacements } from "../../../src/services/placement/requests.ts";
import { entryOf } from "../runtime/cluster/presence-stage.ts";
import { silent } from "../runtime/commit/relay-stage.ts";

/** Three nodes; `two` owns partition 1 and the inventory. The requests reach `handler`. */
function stage(more: Readonly<Record<string, Partial<NodeEntry>>> = {}, answer: string | null = "done") {
  let now = 0;
  const asked: { readonly subject: string; readonly payload: string }[] = [];
  const owners = [
    { resource: "partition.0", node: "one", epoch: 4 },
    { resource: "partition.1", node: "two", epoch: 5 },
    { resource: "inventory.0", node: "two", epoch: 6 },
  ];
  const view: { entries: NodeEntry[]; owners: { resource: string; node: string; epoch: number }[] } = {
    entries: ["one", "two", "three"].map((id) => entryOf(id, more[id])),
    owners,
  };
  const effects: { whileWaiting: (view: PlacementView) => void } = { whileWaiting: () => {} };
  const placements = new ClusterPlacements({
    bus: {
      request: async (subject, payload) => {
        asked.push({ subject, payload });
        return answer === null ? { status: "no_responders" } : { status: "answered", payload: answer };
      },
    },
    clock: {
      monotonic: () => now,
      sleep: async (ms) => {
        now += ms;
        effects.whileWaiting(view);
      },
    },
    view: () => view,
  });
  return { placements, view, asked, effects };
}

const wanted = { partition: 1, node: "three", reason: "busy", dryRun: false } as const;
const asks = { reason: null, dryRun: false } as const;

t.test("a move asks the named node and answers when it owns the partition", async (t) => {
  const { asked, effects, placements } = stage();
  effects.whileWaiting = ({ owners }) => Object.assign(owners[1] ?? {}, { node: "three", epoch: 9 });
  t.match(await placements.move(wanted), { status: "moved", from: "two", to: "three", epoch: 9 });
  t.strictSame(asked, [
    { subject: "node.three.place", payload: '{"type":"take","resource":"partition.1","reason":"busy"}' },
  ]);
});

t.test("a move that is not done in time is answered as under way", async (t) => {
  const { placements } = stage();
  const moving = await placements.move(wanted);
  t.match(moving, { status: "moving", from: "two", to: "three", epoch: 5 });
});

t.test("a dry run asks no node", async (t) => {
  const { asked, placements } = stage();
  t.match(await placements.move({ ...wanted, dryRun: true }), { status: "would_move" });
  t.match(await placements.drain("two", { ...asks, dryRun: true }), {
    status: "would_drain",
    left: ["partition.1", "inventory.0"],
  });
  t.match(await placements.undrain("two", { ...asks, dryRun: true }), { status: "undrained" });
  t.strictSame(asked, []);
});

t.test("a move that cannot be done says why, and asks no node", async (t) => {
  const move = async (more: object, entries = {}) => {
    const { asked, placements } = stage(entries);
    const result = await placements.move({ ...wanted, ...more });
    t.strictSame(asked, []);
    return result;
  };
  t.match(await move({ partition: 7 }), { status: "partition_not_found" });
  t.match(await move({ node: "four" }), { status: "node_not_found" });
  t.match(await move({ node: "two" }), { status: "already_owner", epoch: 5 });
  t.match(await move({ ifEpochs: [4] }), { status: "version_changed", version: 5 });
  const drained = { drained: { reason: null, since: 1 }, leaving: true } as const;
  t.match(await move({}, { three: drained }), { status: "node_draining" });
  t.match(await move({}, { three: { leaving: true } }), { status: "node_draining" });
  t.match(await move({}, { three: { unfit: ["partition.1"] } }), { status: "node_incompatible" });
  const moved = { moved: { "partition.1": 8 } };
  t.match(await move({}, { one: moved }), { status: "already_moving", to: "one" });
});

t.test("a move that is done hinders no other", async (t) => {
  const { effects, placements } = stage({ two: { moved: { "partition.1": 8 } } });
  effects.whileWaiting = ({ owners }) => Object.assign(owners[1] ?? {}, { node: "three" });
  t.match(await placements.move({ ...wanted, ifEpochs: [5] }), { status: "moved" });
});

t.test("a node that does not answer, or that drains just now, gets nothing", async (t) => {
  t.match(await stage({}, null).placements.move(wanted), { status: "unavailable" });
  t.match(await stage({}, "draining").placements.move(wanted), { status: "node_draining" });
  t.match(await stage({}, null).placements.drain("two", asks), { status: "unavailable" });
  t.match(await stage({}, null).placements.undrain("two", asks), { status: "unavailable" });
});

t.test("a drain answers when the node has nothing left, its inventory included", async (t) => {
  const { effects, placements } = stage();
  let steps = 0;
  effects.whileWaiting = ({ owners }) => Object.assign(owners[++steps] ?? {}, { node: "one" });
  t.match(await placements.drain("two", asks), { status: "drained", left: [] });
  const slow = await stage().placements.drain("two", asks);
  t.match(slow, { status: "draining", left: ["partition.1", "inventory.0"] });
});

t.test("the last node that takes part is not drained, and no node that is absent", async (t) => {
  const { asked, placements } = stage({ one: { leaving: true }, three: { leaving: true } });
  t.match(await placements.drain("two", asks), { status: "last_node" });
  t.match(await placements.drain("four", asks), { status: "node_not_found" });
  t.match(await placements.undrain("four", asks), { status: "node_not_found" });
  t.strictSame(asked, []);
});

t.test("a node takes what it is asked to take, and drains both applications", async (t) => {
  let serve: ((payload: string) => Promise<string>) | undefined;
  const bus = {
    serve: async (_subject: string, handler: (payload: string) => Promise<string>) => {
      serve = handler;
      return { stop: async () => {} };
    },
  } as unknown as Bus;
  const clock = { now: () => 7, monotonic: () => 0 };
  const [orders, bulk] = [new Placement(clock, () => {}), new Placement(clock, () => {})];
  await servePlacements(bus, { node: "one", orders, others: [bulk], log: silent });
  t.equal(await serve?.('{"type":"take","resource":"partition.1","reason":null}'), "done");
  t.strictSame(orders.details(new Set()), { moved: { "partition.1": 7 } });
  t.equal(await serve?.('{"type":"drain","reason":"A new disk"}'), "done");
  t.strictSame(orders.details(new Set()), { drained: { reason: "A new disk", since: 7 }, leaving: true });
  t.ok(bulk.drainedBy());
  t.equal(await serve?.('{"type":"take","resource":"partition.1","reason":null}'), "draining");
  t.equal(await serve?.('{"type":"undrain","reason":null}'), "done");
  t.strictSame([orders.drainedBy(), bulk.drainedBy()], [undefined, undefined]);
  t.equal(await serve?.('{"type":"explode"}'), "unknown");
});
