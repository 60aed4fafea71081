/** Dead nodes are found early, and live nodes keep their locks: whole nodes on the server in memory. */
import t, { type Test } from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { diary } from "../tenure/tenure-stage.ts";

/** The setting of the nodes that memory-cluster starts. */
const PRESENCE_TTL_MS = 2000;
const PARTITIONS = 6;

async function three() {
  const cluster = memoryCluster({ partitions: PARTITIONS });
  const [one, two, last] = [
    await cluster.start("one", diary()),
    await cluster.start("two", diary()),
    await cluster.start("three", diary()),
  ];
  const open = (): number[][] =>
    [one, two, last].map(({ node }) =>
      node
        .status()
        .partitions.filter((found) => found.open)
        .map(({ partition }) => partition),
    );
  await cluster.until("every node has its share", () => open().every((found) => found.length === 2));
  // Long after every node began to receive heartbeats.
  await cluster.clock.advance(3 * PRESENCE_TTL_MS);
  const lockChanges = (): number =>
    Array.from({ length: PARTITIONS }, (_, p) => cluster.lockChanges(p)).reduce(
      (sum, count) => sum + count,
      0,
    );
  return { cluster, one, two, last, open, lockChanges };
}

/** The event must not change a lock, until long after any presence has expired. */
async function leavesLocksAlone(
  t: Test,
  what: string,
  happen: (stage: Awaited<ReturnType<typeof three>>) => Promise<void> | void,
): Promise<void> {
  const stage = await three();
  const before = stage.lockChanges();
  await happen(stage);
  await stage.cluster.clock.advance(3 * PRESENCE_TTL_MS);
  t.equal(stage.lockChanges() - before, 0, what);
  for (const node of stage.cluster.running) node.kill();
}

t.test("the partitions of a dead node are open again well before its presence expires", async (t) => {
  const { cluster, one, open } = await three();
  const killedAt = cluster.clock.monotonic();
  one.kill();
  await cluster.until("the others have all", () => open()[1]!.length + open()[2]!.length === PARTITIONS);
  const ms = cluster.clock.monotonic() - killedAt;
  t.ok(ms >= 450 && ms < 1000, `${ms} ms`);
  const again = cluster.clock.monotonic();
  for (const node of cluster.running) if (node.name === "two") node.kill();
  await cluster.until("the last one has all", () => open()[2]!.length === PARTITIONS);
  t.ok(cluster.clock.monotonic() - again < 1000, "also with a single other node");
});

t.test("a frozen node keeps its partitions while its presence lasts", async (t) => {
  const { cluster, one, open } = await three();
  one.clock.pause();
  const frozenAt = cluster.clock.monotonic();
  await cluster.until("the others have all", () => open()[1]!.length + open()[2]!.length === PARTITIONS);
  t.ok(cluster.clock.monotonic() - frozenAt > PRESENCE_TTL_MS - 500);
});

t.test("no lock moves", async (t) => {
  await leavesLocksAlone(t, "when one connection is lost and found", async ({ cluster, one }) => {
    one.link.disconnect();
    await cluster.clock.advance(300);
    one.link.reconnect();
  });
  await leavesLocksAlone(t, "when the network of one node fails for a moment", async ({ cluster, one }) => {
    one.link.cut();
    await cluster.clock.advance(1000);
    one.link.reconnect();
  });
  await leavesLocksAlone(t, "when one node is frozen for a moment", async ({ cluster, one }) => {
    one.clock.pause();
    await cluster.clock.advance(1500);
    one.clock.resume();
  });
  await leavesLocksAlone(
    t,
    "when the server is unavailable and the nodes return one after the other",
    async ({ cluster, one, two, last }) => {
      for (const node of [one, two, last]) node.link.disconnect();
      await cluster.clock.advance(5000);
      for (const node of [two, last, one]) {
        node.link.reconnect();
        await cluster.clock.advance(900);
      }
    },
  );
  await leavesLocksAlone(t, "when the server is silent for long", async ({ cluster }) => {
    let silent = true;
    cluster.faults.unshift(() => (silent ? { lose: "request" } : undefined));
    await cluster.clock.advance(2 * PRESENCE_TTL_MS);
    silent = false;
  });
  await leavesLocksAlone(t, "when no requests reach one node, but its heartbeats arrive", ({ cluster }) => {
    const listeners = cluster.server.listeners.bind(cluster.server);
    cluster.server.listeners = (subject) => (subject === subjects.ping("one") ? [] : listeners(subject));
  });
});
