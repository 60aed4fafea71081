/** Probes of the partitions: which ids they read, what counts as an answer, and what is logged. */
import t from "tap";
import { PartitionProbes } from "../../../nodes/order/partition-probes.ts";
import { VirtualClock } from "../../../src/adapters/memory/virtual-clock.ts";
import type { ActorReply } from "../../../src/runtime/actors.ts";
import type { Log } from "../../../src/runtime/ports.ts";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";

function stage(partitions: number) {
  const clock = new VirtualClock();
  const lines: object[] = [];
  const log: Log = {
    ...quietLog,
    info: (fields, message) => void lines.push({ level: "info", message, ...fields }),
    warn: (fields, message) => void lines.push({ level: "warn", message, ...fields }),
  };
  const read: string[] = [];
  const down = new Set<number>();
  const state = { isolated: false, reply: { status: "not_found" } as ActorReply };
  const probes = new PartitionProbes({
    partitions,
    read: async (id) => {
      read.push(id);
      if (!down.has(partitionOf(id, partitions))) return state.reply;
      await clock.sleep(3000);
      return { status: "unavailable", reason: "no node owns the partition" };
    },
    isolated: () => state.isolated,
    clock,
    log,
  });
  return {
    clock,
    lines,
    read,
    down,
    state,
    probes,
    answers: () => probes.results().map(({ answers }) => answers),
  };
}

t.test("every partition is read in each round", async (t) => {
  const s = stage(8);
  t.same(s.answers(), Array(8).fill(undefined), "nothing is known before");
  s.probes.start();
  await s.clock.advance(1);
  t.same(new Set(s.read.map((id) => partitionOf(id, 8))), new Set([0, 1, 2, 3, 4, 5, 6, 7]));
  t.equal(s.read.length, 8);
  t.same(s.answers(), Array(8).fill(true));
  await s.clock.advance(9_000);
  t.equal(s.read.length, 8);
  await s.clock.advance(1_001);
  t.equal(s.read.length, 16);
  s.probes.stop();
  await s.clock.advance(60_000);
  t.equal(s.read.length, 16);
  t.same(s.lines, []);
});

t.test("partitions that stop answering are logged in one line, and again when they answer", async (t) => {
  const s = stage(8);
  s.probes.start();
  await s.clock.advance(1);
  s.down.add(2).add(5);
  await s.clock.advance(14_000);
  t.same(s.answers(), [true, true, false, true, true, false, true, true]);
  await s.clock.advance(60_000);
  t.match(s.lines, [
    {
      level: "warn",
      message: "partitions do not answer",
      partitions: [2, 5],
      reason: "no node owns the partition",
    },
  ]);
  t.equal(s.lines.length, 1, "once");
  s.down.delete(5);
  await s.clock.advance(20_000);
  t.match(s.lines[1], { level: "info", message: "partitions answer again", partitions: [5] });
  t.equal(s.lines.length, 2);
});

t.test("a partition that has never answered is logged as well", async (t) => {
  const s = stage(4);
  s.down.add(0);
  s.probes.start();
  await s.clock.advance(4000);
  t.match(s.lines, [{ level: "warn", partitions: [0] }]);
});

for (const reply of [
  { status: "refused", code: "actor_parked", reason: "r" },
  { status: "overloaded", retryAfterMs: 1 },
] as const)
  t.test(`an owner that answers "${reply.status}" answers`, async (t) => {
    const s = stage(2);
    s.state.reply = reply;
    s.probes.start();
    await s.clock.advance(1);
    t.same(s.answers(), [true, true]);
  });

t.test("an isolated node knows nothing about the partitions, and says nothing of them", async (t) => {
  const s = stage(2);
  s.state.isolated = true;
  s.down.add(0).add(1);
  s.probes.start();
  await s.clock.advance(10_000);
  t.same(s.answers(), [undefined, undefined]);
  t.same(s.lines, []);
  s.state.isolated = false;
  await s.clock.advance(20_000);
  t.same(s.answers(), [false, false]);
  t.match(s.lines, [{ level: "warn", partitions: [0, 1] }]);
});

t.test("with many partitions a round is spread over more time, eight at once", async (t) => {
  const s = stage(1000);
  s.probes.start();
  await s.clock.advance(19_000);
  t.equal(s.read.length, 1000);
  await s.clock.advance(1_500);
  t.equal(s.read.length, 2000);
  const slow = stage(100);
  for (let partition = 0; partition < 100; partition++) slow.down.add(partition);
  slow.probes.start();
  await slow.clock.advance(2999);
  t.equal(slow.read.length, 8);
});
