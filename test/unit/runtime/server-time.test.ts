/** Machine clocks that are wrong, or are set: dates and timers are by the server's clock. */
import t from "tap";
import { limits } from "../../../src/runtime/limits.ts";
import { turnstile } from "../../../examples/turnstile/turnstile.ts";
import { type ClusterNode, memoryCluster } from "./memory-cluster.ts";
import { diary, NOW, notes } from "./tenure/tenure-stage.ts";

const HOUR_MS = 3_600_000;
const MONTH_MS = 30 * 24 * HOUR_MS;
const LOCK_AFTER_MS = 10_000;
/** Later than its time a timer may fire: the server's own lateness, and a round trip. */
const LATE_MS = 200;
const skews = [0, 700, 60_000, HOUR_MS, MONTH_MS, -700, -60_000, -HOUR_MS, -MONTH_MS];
const gates = turnstile(async (key) => ({ receipt: key }));

/** Opens a gate, and returns how much later it has locked itself, ms. */
async function lockedAfter(
  cluster: ReturnType<typeof memoryCluster>,
  node: ClusterNode,
  gate: string,
  meanwhile: () => void = () => {},
  lockAfterMs = LOCK_AFTER_MS,
): Promise<number> {
  const { clock, done, until } = cluster;
  cluster.ok(await done(node.actors.start(gate, { lockAfterMs }, NOW)));
  const options = { commandId: "c1", waitMs: 1000 };
  await done(node.actors.command(gate, "turnstile", { type: "coin" }, options));
  const from = clock.monotonic();
  meanwhile();
  const fired = (): boolean => cluster.records(0, gate).some(({ input }) => input.startsWith("timer:"));
  await until("the timer has fired", fired, 2 * HOUR_MS);
  return clock.monotonic() - from;
}

t.test("a timer fires in its time whatever the clock of its owner shows", async (t) => {
  for (const skewMs of skews) {
    const cluster = memoryCluster({ partitions: 1, skewMs: () => skewMs });
    const one = await cluster.start("one", gates);
    await cluster.settled();
    const ms = await lockedAfter(cluster, one, "g");
    t.ok(ms >= LOCK_AFTER_MS - 10 && ms <= LOCK_AFTER_MS + LATE_MS, `${skewMs} ms ahead: after ${ms} ms`);
    one.kill();
  }
});

t.test(
  "a timer fires in its time when the clock of its owner is set, before it is armed or after",
  async (t) => {
    for (const aheadMs of skews) {
      const cluster = memoryCluster({ partitions: 1 });
      const one = await cluster.start("one", gates);
      await cluster.settled();
      one.clock.set(aheadMs);
      const ms = await lockedAfter(cluster, one, "g", () => one.clock.set(-aheadMs));
      t.ok(ms >= LOCK_AFTER_MS - 10 && ms <= LOCK_AFTER_MS + LATE_MS, `set by ${aheadMs} ms: after ${ms} ms`);
      one.kill();
    }
  },
);

t.test("a timer that one node has armed fires in its time when another one has taken over", async (t) => {
  // Without a schedule the new owner fires it, with one the server does.
  for (const [afterMs, graceMs] of [
    [LOCK_AFTER_MS, 0],
    [2 * LOCK_AFTER_MS, limits.timerGraceMs],
  ] as const) {
    const cluster = memoryCluster({ partitions: 1, skewMs: (node) => (node === "one" ? -HOUR_MS : HOUR_MS) });
    const one = await cluster.start("one", gates);
    await cluster.settled();
    const replace = () => {
      one.kill();
      void cluster.launch("two", gates);
    };
    const ms = await lockedAfter(cluster, one, "g", replace, afterMs);
    t.ok(ms >= afterMs + graceMs - 10 && ms <= afterMs + graceMs + LATE_MS, `after ${ms} ms`);
    const [two] = [...cluster.running];
    t.equal(two?.name, "two");
    for (const node of cluster.running) node.kill();
  }
});

t.test("the dates in a snapshot are the server's, and its order is that of the inputs", async (t) => {
  const cluster = memoryCluster({ partitions: 1, skewMs: () => MONTH_MS });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  t.ok(Math.abs((one.node.status().entries[0]?.startedAt ?? 0) - cluster.clock.now()) < 5_000, "startedAt");
  cluster.ok(await cluster.done(one.actors.start("a", {}, NOW)));
  for (const [n, aheadMs] of [HOUR_MS, -HOUR_MS, 0].entries()) {
    one.clock.set(aheadMs);
    const options = { commandId: `c${n}`, waitMs: 0 };
    const reply = await cluster.done(one.actors.command("a", "diary", { type: `note.${n}` }, options));
    const { snapshot } = cluster.ok(reply);
    t.ok(Math.abs(snapshot.updatedAt - cluster.clock.now()) < 100);
  }
  const { snapshot } = cluster.ok(await cluster.done(one.actors.read("a")));
  t.same(notes(snapshot), ["note.0", "note.1", "note.2"]);
  one.kill();
});

t.test("a node owns nothing before it has read the server's clock", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const isTime = { lost: true };
  cluster.faults.push(({ kind }) => (kind === "time" && isTime.lost ? { lose: "answer" } : undefined));
  await t.rejects(cluster.start("one", diary()), {
    name: "Unavailable",
    message: /clock could not be read/u,
  });
  t.equal(cluster.server.log("KV_NODES").lastSequence, 0, "no other node has seen it");
  isTime.lost = false;
  const one = await cluster.start("one", diary());
  await cluster.settled();
  one.kill();
});

t.test("a node shows how far its clock is from the server's, to itself and to the others", async (t) => {
  const cluster = memoryCluster({ partitions: 1, skewMs: (node) => (node === "one" ? -HOUR_MS : 0) });
  const one = await cluster.start("one", diary());
  const two = await cluster.start("two", diary());
  await cluster.settled();
  const shown = () =>
    Object.fromEntries(two.node.status().entries.map(({ id, clockOffsetMs }) => [id, clockOffsetMs]));
  await cluster.until("both are seen", () => Object.keys(shown()).length === 2);
  t.match(one.node.status().clock, { offsetMs: -HOUR_MS, fault: undefined });
  t.strictSame(shown(), { one: -HOUR_MS, two: 0 });
  one.clock.set(MONTH_MS);
  await cluster.until("the heartbeat says it", () => shown()["one"] === MONTH_MS);
  t.match(one.node.status().clock.fault, /30 days fast by the nats-server's.*time service/u);
  t.equal(two.node.status().clock.fault, undefined);
  one.kill();
  two.kill();
});
