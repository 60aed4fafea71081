/** Dead nodes are found early, living ones are left alone: whole nodes on the server in memory. */
import t, { type Test } from "tap";
import { subjects } from "../../../../src/runtime/subjects.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { diary } from "../tenure/tenure-stage.ts";

/** Of the nodes that memory-cluster starts. */
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
  await cluster.until("everybody has its share", () => open().every((found) => found.length === 2));
  // Long after everybody began to see.
  await cluster.clock.advance(3 * PRESENCE_TTL_MS);
  const lockChanges = (): number =>
    Array.from({ length: PARTITIONS }, (_, p) => cluster.lockChanges(p)).reduce(
      (sum, count) => sum + count,
      0,
    );
  return { cluster, one, two, last, open, lockChanges };
}

/** What happens must not change a lock, until long after any presence has run out. */
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

t.test("the partitions of a node that died are open again well before its presence runs out", async (t) => {
  const { cluster, one, open } = await three();
  const killedAt = cluster.clock.monotonic();
  one.kill();
  await cluster.until("the others have all", () => open()[1]!.length + open()[2]!.length === PARTITIONS);
  const ms = cluster.clock.monotonic() - killedAt;
  t.ok(ms >= 450 && ms < 1000, `${ms} ms`);
  const again = cluster.clock.monotonic();
  for (const node of cluster.running) if (node.name === "two") node.kill();
  await cluster.until("the last one has all", () => open()[2]!.length === PARTITIONS);
  t.ok(cluster.clock.monotonic() - again < 1000, "with a single other node too");
});

t.test("a node that is frozen keeps its partitions as long as its presence lasts", async (t) => {
  const { cluster, one, open } = await three();
  one.clock.pause();
  const frozenAt = cluster.clock.monotonic();
  await cluster.until("the others have all", () => open()[1]!.length + open()[2]!.length === PARTITIONS);
  t.ok(cluster.clock.monotonic() - frozenAt > PRESENCE_TTL_MS - 500);
});

t.test("locks stay where they are", async (t) => {
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
    "when the server is away and the nodes come back one after the other",
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
  await leavesLocksAlone(t, "when nobody's requests reach one node, and its heartbeats do", ({ cluster }) => {
    const listeners = cluster.server.listeners.bind(cluster.server);
    cluster.server.listeners = (subject) => (subject === subjects.ping("one") ? [] : listeners(subject));
  });
});
