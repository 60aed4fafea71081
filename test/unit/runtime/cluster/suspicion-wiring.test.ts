/** Dead nodes are found with the node's own bounds: when a lock moves, how soon, and when it must not. */
import t, { type Test } from "tap";
import { limits } from "../../../../src/runtime/limits.ts";
import type { Log } from "../../../../src/runtime/ports.ts";
import { type ClusterNode, memoryCluster } from "../memory-cluster.ts";
import { diary, NOW } from "../tenure/tenure-stage.ts";
import { silent } from "../commit/relay-stage.ts";

/** The setting of the nodes that memory-cluster starts. */
const PRESENCE_TTL_MS = 2000;
const REFRESH_MS = 500;
const PARTITIONS = 6;

/** Nodes with equal shares, long after every one began to receive heartbeats. */
async function stage(names: readonly string[]) {
  const declared: string[] = [];
  const logOf = (node: string): Log => ({
    ...silent,
    warn: (fields, message) => {
      const { peer } = fields as { readonly peer?: string };
      if (message.includes("counts as dead")) declared.push(`${node}: ${peer}`);
    },
    child: () => logOf(node),
  });
  const cluster = memoryCluster({ partitions: PARTITIONS, log: logOf });
  const nodes: ClusterNode[] = [];
  for (const name of names) nodes.push(await cluster.start(name, diary()));
  const open = (): number[] =>
    nodes.map(({ node }) => node.status().partitions.filter((partition) => partition.open).length);
  const share = PARTITIONS / names.length;
  await cluster.until("every node has its share", () => open().every((count) => count === share));
  await cluster.clock.advance(3 * PRESENCE_TTL_MS);
  const lockChanges = (): number =>
    Array.from({ length: PARTITIONS }, (_, p) => cluster.lockChanges(p)).reduce((sum, n) => sum + n, 0);
  return { cluster, nodes, open, share, lockChanges, declared };
}
type Stage = Awaited<ReturnType<typeof stage>>;

async function noLockMoves(
  t: Test,
  names: readonly string[],
  happen: (stage: Stage) => Promise<void>,
): Promise<void> {
  const s = await stage(names);
  const before = s.lockChanges();
  await happen(s);
  await s.cluster.clock.advance(3 * PRESENCE_TTL_MS);
  t.equal(s.lockChanges() - before, 0);
  t.same(s.declared, []);
  for (const node of s.cluster.running) node.kill();
}

/** How long the partitions of the first node have no owner after the event, ms. */
async function takeoverMs({ cluster, open }: Stage, happen: () => void): Promise<number> {
  const from = cluster.clock.monotonic();
  happen();
  await cluster.until(
    "the others have all",
    () =>
      open()
        .slice(1)
        .reduce((a, b) => a + b, 0) === PARTITIONS,
  );
  return cluster.clock.monotonic() - from;
}

/** At every phase of its heartbeat. */
for (const phaseMs of [0, 100, 200, 300, 400]) {
  t.test(`no lock of a lone peer moves while it connects again, ${phaseMs} ms after a moment`, async (t) => {
    await noLockMoves(t, ["one", "two"], async ({ cluster, nodes: [, two] }) => {
      await cluster.clock.advance(phaseMs);
      two!.link.disconnect();
      await cluster.clock.advance(limits.suspectedMs - 50);
      two!.link.reconnect();
    });
  });

  t.test(
    `an observer that has just connected again waits for the other one, ${phaseMs} ms after a moment`,
    async (t) => {
      await noLockMoves(t, ["one", "two"], async ({ cluster, nodes: [one, two] }) => {
        await cluster.clock.advance(phaseMs);
        for (const node of [one!, two!]) node.link.disconnect();
        await cluster.clock.advance(100);
        one!.link.reconnect();
        // Without its quiet time it would have counted the other one as dead by then.
        await cluster.clock.advance(950);
        two!.link.reconnect();
      });
    },
  );

  t.test(
    `a server that starts again makes no node look dead, in whatever order they return (${phaseMs} ms)`,
    async (t) => {
      await noLockMoves(t, ["one", "two", "three"], async ({ cluster, nodes }) => {
        await cluster.clock.advance(phaseMs);
        for (const node of nodes) node.link.disconnect();
        await cluster.clock.advance(1500);
        for (const node of nodes.toReversed()) {
          node.link.reconnect();
          await cluster.clock.advance(600);
        }
      });
    },
  );

  t.test(`a killed node counts as dead within a second, ${phaseMs} ms after a moment`, async (t) => {
    const s = await stage(["one", "two", "three"]);
    await s.cluster.clock.advance(phaseMs);
    const ms = await takeoverMs(s, () => s.nodes[0]!.kill());
    t.ok(ms >= limits.suspectedMs && ms < 1000, `${ms} ms`);
    t.ok(s.declared.length > 0 && s.declared.every((line) => line.endsWith(": one")), s.declared.join());
    for (const node of s.cluster.running) node.kill();
  });
}

t.test(
  "a node that is away for longer than its client takes to connect loses its locks, and returns",
  async (t) => {
    const s = await stage(["one", "two", "three"]);
    const { cluster, nodes, open, share } = s;
    const [one] = nodes;
    const ms = await takeoverMs(s, () => one!.link.disconnect());
    t.ok(ms >= limits.suspectedMs && ms < 1000, `${ms} ms`);
    one!.link.reconnect();
    await cluster.until("it has its share again", () => open().every((count) => count === share));
    cluster.ok(await cluster.done(one!.actors.start("a", {}, NOW)));
    for (const node of cluster.running) node.kill();
  },
);

t.test("a node that left properly is replaced at once, and no node counts as dead", async (t) => {
  const s = await stage(["one", "two", "three"]);
  const { cluster, declared, nodes } = s;
  let stopped: Promise<void> | undefined;
  const ms = await takeoverMs(s, () => {
    stopped = nodes[0]!.node.stop();
  });
  t.ok(ms < limits.suspectedMs, `${ms} ms`);
  await cluster.done(stopped!);
  nodes[0]!.kill();
  await cluster.clock.advance(3 * PRESENCE_TTL_MS);
  t.same(declared, []);
  t.same(
    nodes[1]!.node.status().entries.map(({ id }) => id),
    ["two", "three"],
  );
  for (const node of cluster.running) node.kill();
});

t.test("a node that comes back as another process takes its own locks without waiting", async (t) => {
  const s = await stage(["one", "two", "three"]);
  const { cluster, declared, nodes, open, share } = s;
  nodes[0]!.kill();
  await cluster.clock.advance(50);
  const from = cluster.clock.monotonic();
  nodes[0] = await cluster.start("one", diary());
  await cluster.until("it has its share", () => open()[0] === share);
  const ms = cluster.clock.monotonic() - from;
  t.ok(ms < limits.suspectedMs, `${ms} ms`);
  await cluster.clock.advance(3 * PRESENCE_TTL_MS);
  t.same(declared, [], "its new process answers");
  t.same(open(), [share, share, share]);
  for (const node of cluster.running) node.kill();
});

t.test(
  "a node whose heartbeats do not arrive but that answers keeps its locks until its presence ends",
  async (t) => {
    const s = await stage(["one", "two", "three"]);
    s.cluster.faults.push(({ node, kind }) =>
      node === "one" && kind === "bucket_write" ? { lose: "request" } : undefined,
    );
    const ms = await takeoverMs(s, () => {});
    t.ok(ms >= PRESENCE_TTL_MS - REFRESH_MS && ms <= PRESENCE_TTL_MS + REFRESH_MS, `${ms} ms`);
    t.same(s.declared, []);
    for (const node of s.cluster.running) node.kill();
  },
);
