import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { memoryOutbox } from "../../../../src/adapters/memory/outbox.ts";
import { type Fault, MemoryServer } from "../../../../src/adapters/memory/server.ts";
import type { ActorDefinition, EffectHandler } from "../../../../src/runtime/definition.ts";
import { joinableIn } from "../../../../src/runtime/effects/joinable.ts";
import { Relays } from "../../../../src/runtime/commit/relays.ts";
import type { LockRef, Outcome, WriteSet } from "../../../../src/runtime/commit/write-set.ts";
import { silent } from "./relay-stage.ts";

const notNow = (): undefined => undefined;

/** Two streams of two partitions, and a lock in each. */
function stage(faults: (subject: string) => Fault | undefined = () => undefined) {
  const clock = new VirtualClock();
  const server = new MemoryServer({
    subjects,
    clock,
    layout: { partitions: 2, streams: 2 },
    latencyMs: () => 1,
    faults: ({ kind, subject }) => (kind === "append" ? faults(subject) : undefined),
  });
  const outbox = memoryOutbox();
  const moved: LockRef[] = [];
  const relays = new Relays(memoryNode(server, "one").journals, {
    subjects,
    outbox,
    clock,
    log: silent,
    commitTimeoutMs: 100,
    markEveryMs: 1000,
    onLockMoved: (lock) => moved.push(lock),
  });
  const logs = [server.log("KV_ORDERS"), server.log("KV_ORDERS_1")] as const;
  const lock = (partition: 0 | 1): LockRef => {
    const subject = subjects.lock(`partition.${partition}`, partition);
    logs[partition].propose([{ subject, payload: "" }], () => {});
    return { subject, epoch: logs[partition].lastSequence };
  };
  const outcomes = new Map<string, Outcome>();
  const writeSet = (commit: string, partition: 0 | 1, locks: readonly LockRef[]): WriteSet => {
    const subject = subjects.record(partition, commit);
    return {
      commit,
      locks,
      messages: [{ subject, payload: commit, messageId: commit }],
      preconditions: [{ subject, sequence: 0 }],
      resolved: (outcome) => outcomes.set(commit, outcome),
    };
  };
  return { clock, relays, outbox, moved, logs, lock, outcomes, writeSet };
}

t.test(
  "write sets go to the stream of their lock, and are in one outbox until they are stored",
  async (t) => {
    const { clock, relays, outbox, logs, lock, outcomes, writeSet } = stage();
    const [zero, one] = [lock(0), lock(1)];
    logs[1].propose([{ subject: subjects.fence("partition.1"), payload: "" }], () => {});
    relays.submit(writeSet("a", 0, [zero]));
    relays.submit(writeSet("b", 1, [one]));
    t.equal(relays.state().depth, 2);
    await clock.advanceUntil(() => outbox.depth() === 2, 100);
    t.equal(outbox.depth(), 2);
    await clock.advanceUntil(() => outcomes.size === 2, 1000);
    t.match([outcomes.get("a"), outcomes.get("b")], [{ status: "stored" }, { status: "stored" }]);
    t.equal(logs[0].last(subjects.record(0, "a"))?.sequence, 2);
    t.equal(logs[1].last(subjects.record(1, "b"))?.sequence, 3, "each stream has its own sequences");
    t.equal(outbox.depth(), 0);
    t.match(relays.state(), { depth: 0, batches: 2, writeSets: 2, answered: true });
  },
);

t.test("a stream without an answer delays its own write sets only, and its own progress", async (t) => {
  const silenced = subjects.record(1, "b");
  let silentNow = true;
  const { clock, relays, outbox, lock, outcomes, writeSet } = stage((subject) =>
    silentNow && subject === silenced ? { lose: "request" } : undefined,
  );
  const [zero, one] = [lock(0), lock(1)];
  relays.submit(writeSet("b", 1, [one]));
  relays.submit(writeSet("a", 0, [zero]));
  await clock.advanceUntil(() => outcomes.has("a"), 1000);
  await clock.advance(300);
  t.match(relays.state(), { depth: 1, answered: false });
  t.ok(relays.state().oldestMs >= 300, "the oldest of any stream");
  t.equal(relays.all[0]?.resolvedThrough(), Number.POSITIVE_INFINITY);
  t.equal(relays.all[1]?.resolvedThrough(), 0);
  outbox.failWith("disk full");
  relays.submit(writeSet("c", 0, [zero]));
  await clock.advanceUntil(() => outcomes.has("c"), 1000);
  t.equal(relays.state().storeRefuses, true, "a refusal to one stream counts for the node");
  outbox.failWith(undefined);
  silentNow = false;
  await clock.advanceUntil(() => outcomes.has("b"), 2000);
  t.match(outcomes.get("b"), { status: "stored" });
});

t.test("a moved lock drops the write sets of its own stream only", async (t) => {
  const { clock, relays, moved, lock, outcomes, writeSet } = stage();
  const [zero, one] = [lock(0), lock(1)];
  lock(1);
  relays.submit(writeSet("a", 0, [zero]));
  relays.submit(writeSet("b", 1, [one]));
  await clock.advanceUntil(() => outcomes.size === 2, 1000);
  t.match(outcomes.get("a"), { status: "stored" });
  t.match(outcomes.get("b"), { status: "dropped", why: "lock_moved" });
  t.same(moved, [one]);
});

t.test("a write set of two streams, of none, or of an unknown one is a programmer fault", async (t) => {
  const { relays, outbox, lock, writeSet, clock } = stage();
  const [zero, one] = [lock(0), lock(1)];
  const elsewhere = { subject: subjects.lock("partition.0", 2), epoch: 1 };
  t.throws(() => relays.submit(writeSet("a", 0, [zero, one])), /write set a has locks in the streams 0, 1/);
  t.throws(() => relays.submit(writeSet("a", 0, [])), /write set a/);
  t.throws(() => relays.submit(writeSet("a", 0, [elsewhere])), /write set a has locks in the streams 2/);
  await clock.advance(100);
  t.equal(outbox.depth() + relays.state().depth, 0, "no part of it was accepted");
});

t.test(
  "a resource joins the actors of its own stream, and actors of other streams run the effect",
  async (t) => {
    const base: EffectHandler = {
      provider: "p",
      timeoutMs: 1,
      maxAttempts: 1,
      backoffMs: 1,
      run: () => Promise.resolve(),
    };
    const definition: ActorDefinition = {
      machines: {},
      listens: {},
      effects: {
        reserve: { ...base, join: { lock: subjects.lock("inventory.0"), decide: notNow } },
        count: { ...base, join: { lock: subjects.lock("counter", 1), decide: notNow } },
        charge: base,
      },
      settled: () => true,
    };
    const joining = (stream: number): string[] =>
      Object.entries(joinableIn(stream, definition, subjects).effects).flatMap(([src, { join }]) =>
        join ? [src] : [],
      );
    t.same([joining(0), joining(1), joining(2)], [["reserve"], ["count"], []]);
    t.match(
      joinableIn(1, definition, subjects).effects["reserve"],
      base,
      "the rest of the effect is the same",
    );
  },
);
