/** Clocks that an operator or NTP sets by an hour: locks, presence and waits go by monotonic time. */
import t from "tap";
import { EffectError } from "../../../src/runtime/definition.ts";
import { type ClusterNode, memoryCluster } from "./memory-cluster.ts";
import { diary, NOW } from "./tenure/tenure-stage.ts";

const HOUR_MS = 3_600_000;
const TTL_MS = 2000;
const PARTITIONS = 4;
/** Whose clock is set, and by how much. */
const ways = [
  ["a node", "forward", HOUR_MS],
  ["a node", "back", -HOUR_MS],
  ["the server", "forward", HOUR_MS],
  ["the server", "back", -HOUR_MS],
] as const;

const held = ({ node }: ClusterNode): number => node.status().held.length;

async function two(hosted = diary()) {
  const cluster = memoryCluster({ partitions: PARTITIONS });
  const nodes = [await cluster.start("one", hosted), await cluster.start("two", hosted)] as const;
  await cluster.until("shared", () => nodes.every((node) => held(node) === PARTITIONS / 2));
  await cluster.clock.advance(3 * TTL_MS);
  const lockChanges = (): number =>
    Array.from({ length: PARTITIONS }, (_, p) => cluster.lockChanges(p)).reduce((sum, n) => sum + n, 0);
  const end = (): void => {
    for (const node of cluster.running) node.kill();
  };
  return { cluster, one: nodes[0], two: nodes[1], lockChanges, end };
}

for (const [whose, title, aheadMs] of ways) {
  const set = (cluster: ReturnType<typeof memoryCluster>, node: ClusterNode, ms: number): void =>
    (whose === "a node" ? node.clock : cluster.serverClock).set(ms);

  t.test(
    `a node keeps its locks when the clock of ${whose} is set ${title}, and no reader notices`,
    async (t) => {
      const { cluster, one, two: other, lockChanges, end } = await two();
      cluster.ok(await cluster.done(one.actors.start("a", {}, NOW)));
      const before = lockChanges();
      for (const ahead of [aheadMs, 0, -aheadMs]) {
        set(cluster, one, ahead);
        for (let n = 0; n < 6; n++) {
          for (const node of [one, other]) {
            t.equal((await cluster.done(node.actors.read("a"), 500)).status, "ok");
            t.ok(node.node.status().present);
            t.equal(node.node.status().entries.length, 2);
          }
          await cluster.clock.advance(TTL_MS / 2);
        }
      }
      t.equal(lockChanges(), before);
      end();
    },
  );

  t.test(
    `a node that dies while the clock of ${whose} is set ${title} is replaced in the usual time`,
    async (t) => {
      for (const dies of ["at once", "later"] as const) {
        const { cluster, one, two: other, end } = await two();
        if (dies === "later") {
          set(cluster, other, aheadMs);
          await cluster.clock.advance(1000);
        }
        const from = cluster.clock.monotonic();
        one.kill();
        if (dies === "at once") set(cluster, other, aheadMs);
        await cluster.until("the other one has all", () => held(other) === PARTITIONS);
        const ms = cluster.clock.monotonic() - from;
        t.ok(ms >= 450 && ms < 1000, `${dies}: ${ms} ms`);
        end();
      }
    },
  );

  t.test(
    `a frozen node is replaced after its presence, also when the clock of ${whose} is set ${title}`,
    async (t) => {
      const { cluster, one, two: other, end } = await two();
      one.clock.pause();
      set(cluster, other, aheadMs);
      const from = cluster.clock.monotonic();
      await cluster.until("the other one has all", () => held(other) === PARTITIONS);
      const ms = cluster.clock.monotonic() - from;
      t.ok(ms > TTL_MS - 500 && ms < TTL_MS + 1000, `${ms} ms`);
      end();
    },
  );

  t.test(
    `a node that is silent while the clock of ${whose} is set ${title} stops in its time and not in an hour`,
    async (t) => {
      const { cluster, one, end } = await two();
      cluster.faults.push(({ node }) => (node === "one" ? { lose: "request" } : undefined));
      set(cluster, one, aheadMs);
      await cluster.clock.advance(0.8 * TTL_MS - 500 - 10);
      t.ok(one.node.status().present, "not before");
      await cluster.clock.advance(520);
      t.notOk(one.node.status().present, "and not after");
      t.match(await cluster.done(one.actors.read("a")), { status: "unavailable" });
      end();
    },
  );

  t.test(`callers get their answers in their time while the clock of ${whose} is set ${title}`, async (t) => {
    const cluster = memoryCluster({ partitions: 1 });
    const one = await cluster.start("one", { ...diary(), settled: () => false });
    await cluster.settled();
    cluster.ok(await cluster.done(one.actors.start("a", {}, NOW)));
    let reply: unknown;
    const begun = cluster.clock.monotonic();
    const options = { commandId: "c1", waitMs: 3000 };
    void one.actors.command("a", "diary", { type: "note.1" }, options).then((answer) => (reply = answer));
    await cluster.clock.advance(500);
    set(cluster, one, aheadMs);
    await cluster.until("the caller is answered", () => reply !== undefined);
    const ms = cluster.clock.monotonic() - begun;
    t.ok(ms >= 2900 && ms <= 3600, `${ms} ms`);
    t.match(reply, { status: "ok", settled: false });
    one.kill();
  });

  t.test(`a checkpoint is written every second while the clock of ${whose} is set ${title}`, async (t) => {
    const cluster = memoryCluster({ partitions: 1 });
    const one = await cluster.start("one", diary());
    await cluster.settled();
    set(cluster, one, aheadMs);
    const through = () => cluster.checkpoint(0)?.through ?? 0;
    for (let n = 0; n < 3; n++) {
      cluster.ok(await cluster.done(one.actors.start(`a${n}`, {}, NOW)));
      const { lastSequence } = cluster.logOf(0);
      await cluster.clock.advance(3000);
      t.ok(through() >= lastSequence - 1, `${through()} of ${lastSequence}`);
    }
    one.kill();
  });

  t.test(
    `a breaker that is open probes in its time while the clock of ${whose} is set ${title}`,
    async (t) => {
      const cluster = memoryCluster({ partitions: 1 });
      const at: number[] = [];
      let isAway = true;
      const { effects, ...rest } = diary(() => {
        at.push(cluster.clock.monotonic());
        if (isAway) return Promise.reject(new EffectError("retryable", "away", "away"));
        return Promise.resolve("done");
      });
      const breaker = { failures: 1, probeEveryMs: 5000, maxWaitMs: 60_000 };
      const one = await cluster.start("one", {
        ...rest,
        effects: { job: { ...effects["job"]!, maxAttempts: 100 } },
        providers: { jobs: { concurrency: 1, breaker } },
      });
      await cluster.settled();
      cluster.ok(await cluster.done(one.actors.start("a", {}, NOW)));
      void one.actors.command("a", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 });
      await cluster.until("the first call has failed", () => at.length === 1);
      await cluster.clock.advance(100);
      isAway = false;
      set(cluster, one, aheadMs);
      await cluster.until("it is called again", () => at.length === 2, 30_000);
      const ms = (at[1] ?? 0) - (at[0] ?? 0);
      t.ok(ms >= 5000 && ms < 6000, `${ms} ms`);
      one.kill();
    },
  );
}
