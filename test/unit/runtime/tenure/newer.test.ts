/** Records of a newer machine version: the node that cannot read them releases the partition. */
import t from "tap";
import type { ActorDefinition } from "../../../../src/runtime/definition.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { diary, diaryMachine, notes, NOW } from "./tenure-stage.ts";

function versioned(version: number): ActorDefinition {
  const migrations = { 1: (state: ActorState) => state };
  return { ...diary(), machines: { diary: { machine: diaryMachine, version, migrations } } };
}
type ActorState = Parameters<NonNullable<ActorDefinition["machines"][string]["migrations"]>[number]>[0];

/** A newer node has written actor `d` and is gone; the older version has stored `old`. */
async function afterNewer() {
  const cluster = memoryCluster({ partitions: 1 });
  const first = await cluster.start("first", versioned(1));
  await cluster.settled();
  await cluster.done(first.actors.start("old", {}, NOW));
  first.kill();
  const newer = await cluster.start("newer", versioned(2));
  await cluster.settled();
  await cluster.done(newer.actors.start("d", {}, NOW));
  newer.kill();
  return cluster;
}

t.test("a newer actor is answered unavailable, is not parked, and all others are served", async (t) => {
  const cluster = await afterNewer();
  const one = await cluster.start("one", versioned(1));
  await cluster.settled();
  t.equal((await cluster.done(one.actors.read("d"))).status, "unavailable");
  cluster.inbox(0, "d", "diary", "note.1", "e1");
  await cluster.clock.advance(3000);
  t.same(await cluster.done(one.parked.list()), []);
  t.equal((await cluster.done(one.parked.resume("d"))).status, "unavailable");
  cluster.ok(await cluster.done(one.actors.read("old")));
  t.equal(one.node.status().partitions[0]?.open, true, "no other node is there: the partition stays");
  t.same(cluster.checkpoint(0)?.behind, ["d"], "its inputs wait for a node that can read it");

  const two = await cluster.start("two", versioned(2));
  await cluster.until(
    "the newer node has the partition",
    () => two.node.status().partitions[0]?.open === true,
  );
  await cluster.clock.advance(2000);
  const { snapshot } = cluster.ok(await cluster.done(one.actors.read("d")));
  t.same(notes(snapshot), ["note.1"], "the waiting input is applied once");
  await cluster.clock.advance(3000);
  t.same(cluster.checkpoint(0)?.behind, []);
  t.same(one.node.status().held, []);
});

t.test(
  "a node that cannot host the partition does not claim it while a node that can host it is there",
  async (t) => {
    const cluster = await afterNewer();
    const one = await cluster.start("one", versioned(1));
    await cluster.settled();
    await cluster.done(one.actors.read("d"));
    const two = await cluster.start("two", versioned(2));
    await cluster.until("two has it", () => two.node.status().partitions[0]?.open === true);
    const epoch = cluster.epoch(0);
    await cluster.clock.advance(20_000);
    t.equal(cluster.epoch(0), epoch, "the lock does not move again");
    two.kill();
    await cluster.until(
      "one takes what no other node can",
      () => one.node.status().partitions[0]?.open === true,
    );
    cluster.ok(await cluster.done(one.actors.read("old")));
  },
);

t.test("two nodes that cannot host the partition do not pass it back and forth", async (t) => {
  const cluster = await afterNewer();
  const one = await cluster.start("one", versioned(1));
  const two = await cluster.start("two", versioned(1));
  await cluster.settled();
  cluster.inbox(0, "d", "diary", "note.1", "e1");
  await cluster.clock.advance(20_000);
  const epoch = cluster.epoch(0);
  await cluster.clock.advance(30_000);
  t.equal(cluster.epoch(0), epoch);
  const open = [one, two].filter(({ node }) => node.status().partitions[0]?.open);
  t.equal(open.length, 1);
});
