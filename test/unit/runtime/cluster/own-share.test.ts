/** A node's share of the resources: whether it is claimed, and since when not. */
import t from "tap";
import { OwnShare } from "../../../../src/runtime/cluster/own-share.ts";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { ownershipStage } from "./ownership-stage.ts";

const MANY = Array.from({ length: 6 }, (_, i) => `partition.${i}`);

t.test("a share is complete once nothing is unclaimed, and stays so", async (t) => {
  let now = 100;
  const share = new OwnShare({ monotonic: () => now });
  t.same(share.unclaimed(), { complete: false, resources: [], forMs: 0 });
  share.saw(["a", "b"]);
  now = 150;
  share.saw(["b"]);
  now = 170;
  t.same(share.unclaimed(), { complete: false, resources: ["b"], forMs: 70 }, "without a break since then");
  share.saw([]);
  t.same(share.unclaimed(), { complete: true, resources: [], forMs: 0 });
  now = 300;
  share.saw(["a"]);
  now = 310;
  t.same(share.unclaimed(), { complete: true, resources: ["a"], forMs: 10 });
});

t.test("a starting node's share is unclaimed until its resources are open", async (t) => {
  const stage = ownershipStage(MANY);
  const one = await stage.node("one");
  const opened = Promise.withResolvers<void>();
  one.resources[0]?.acquisitions.push(() => opened.promise);
  await stage.clock.advance(5000);
  t.match(one.ownership.share.unclaimed(), { complete: false, resources: ["partition.0"] });
  opened.resolve();
  await stage.clock.advance(1000);
  t.same(one.ownership.share.unclaimed(), { complete: true, resources: [], forMs: 0 });
});

t.test("what another present node holds, or should have, is no part of it", async (t) => {
  const stage = ownershipStage(MANY);
  const one = await stage.node("one");
  await stage.until("one holds all", () => one.ownership.held().length === MANY.length);
  one.resources[0]!.draining = new Promise(() => {});
  const two = await stage.node("two");
  await stage.clock.advance(1000);
  t.equal(two.ownership.share.unclaimed().complete, true, "the other one still has them");
  t.same(two.ownership.share.unclaimed().resources, []);
});

t.test("after the death of another node its resources are unclaimed until they are taken over", async (t) => {
  const stage = ownershipStage(MANY);
  const one = await stage.node("one");
  const two = await stage.node("two");
  await stage.until("both have their share", () => {
    return (
      two.ownership.held().length > 0 &&
      one.ownership.held().length + two.ownership.held().length === MANY.length
    );
  });
  await stage.clock.advance(3000);
  const mine = one.ownership.held();
  two.kill();
  for (const resource of one.resources)
    if (!mine.includes(resource.name)) resource.acquisitions.push(() => new Promise(() => {}));
  await stage.clock.advance(20_000);
  const { complete, resources, forMs } = one.ownership.share.unclaimed();
  t.equal(complete, true);
  t.same(
    resources.toSorted(),
    MANY.filter((name) => !mine.includes(name)),
  );
  t.ok(forMs > 10_000 && forMs < 20_000, `${forMs} ms`);
});

t.test("resources that a present node does not claim are that node's share", async (t) => {
  const stage = ownershipStage(MANY);
  const bucket = memoryNode(stage.server, "two").bucket("NODES");
  void bucket.put("two", JSON.stringify({ id: "two", boot: "b", startedAt: 0, unfit: [] }));
  const one = await stage.node("one");
  await stage.clock.advance(1000);
  t.ok(one.ownership.held().length < MANY.length, "the other one has a share");
  t.same(one.ownership.share.unclaimed(), { complete: true, resources: [], forMs: 0 });
});
