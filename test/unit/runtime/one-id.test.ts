/** Two whole nodes with one id: the second does not start, and the one that lost the id serves nothing any more. */
import t from "tap";
import { type ClusterNode, memoryCluster } from "./memory-cluster.ts";
import { diary, NOW } from "./tenure/tenure-stage.ts";

const PARTITIONS = 6;
const PRESENCE_TTL_MS = 3000;

const open = ({ node }: ClusterNode): number =>
  node.status().partitions.filter((partition) => partition.open).length;

async function stage() {
  const cluster = memoryCluster({ partitions: PARTITIONS });
  const nodes = [await cluster.start("one", diary()), await cluster.start("two", diary())] as const;
  await cluster.until("both own their share", () => nodes.every((node) => open(node) === PARTITIONS / 2));
  const lockChanges = (): number =>
    Array.from({ length: PARTITIONS }, (_, p) => cluster.lockChanges(p)).reduce((sum, n) => sum + n, 0);
  return { cluster, one: nodes[0], two: nodes[1], lockChanges };
}

t.test("a second process with the id of a node does not start, and no lock moves", async (t) => {
  const { cluster, lockChanges, one, two } = await stage();
  const before = lockChanges();
  const from = cluster.clock.monotonic();
  await t.rejects(cluster.start("one", diary()), {
    name: "IdentityTaken",
    message: /node id "one" is in use/u,
  });
  t.ok(cluster.clock.monotonic() - from < 50, "at once");
  await cluster.clock.advance(5 * PRESENCE_TTL_MS);
  t.equal(lockChanges(), before);
  t.same([open(one), open(two)], [PARTITIONS / 2, PARTITIONS / 2]);
  const reply = await cluster.done(one.actors.start("a", {}, NOW));
  t.equal(reply.status, "ok");
  for (const node of cluster.running) node.kill();
});

t.test("the outbox of a node is not touched by a second process with its id", async (t) => {
  const { cluster, one } = await stage();
  one.outbox.write([{ commit: "under-way", messages: [] }]);
  await t.rejects(cluster.start("one", diary()), { name: "IdentityTaken" });
  t.same(one.outbox.leftover(), ["under-way"]);
  for (const node of cluster.running) node.kill();
});

t.test(
  "a frozen process whose id was claimed meanwhile serves nothing when it goes on, and its next one works",
  async (t) => {
    const { cluster, one, two, lockChanges } = await stage();
    one.clock.pause();
    const next = await cluster.start("one", diary());
    await cluster.until(
      "it owns its share",
      () => open(next) === PARTITIONS / 2 && open(two) === PARTITIONS / 2,
    );
    const before = lockChanges();
    one.clock.resume();
    await cluster.until("the first process has noticed", () => one.node.status().taken !== undefined, 1000);
    t.match(one.node.status(), { present: false, taken: /node id "one" was claimed by another process/u });
    t.match(one.node.isolation(), /isolated/u);
    const late = await cluster.done(one.actors.start("late", {}, NOW));
    t.equal(late.status, "unavailable");
    await cluster.done(one.node.stop());
    await cluster.clock.advance(5 * PRESENCE_TTL_MS);
    t.equal(lockChanges(), before, "neither its return nor its end moves a lock");
    t.match(next.node.status(), { present: true, taken: undefined });
    t.same(
      two.node
        .status()
        .entries.map(({ id }) => id)
        .toSorted(),
      ["one", "two"],
      "the end of the first process does not delete the entry of its next one",
    );
    for (const node of cluster.running) node.kill();
  },
);

t.test(
  "a node that is started again at once after it was killed owns its share again within a second",
  async (t) => {
    const { cluster, one, two } = await stage();
    one.kill();
    const from = cluster.clock.monotonic();
    const next = await cluster.start("one", diary());
    await cluster.until(
      "it owns its share",
      () => open(next) === PARTITIONS / 2 && open(two) === PARTITIONS / 2,
    );
    const ms = cluster.clock.monotonic() - from;
    t.ok(ms < 1000, `${ms} ms`);
    for (const node of cluster.running) node.kill();
  },
);
