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
import { RecordHeader } from "../../../../src/runtime/actor/snapshot.ts";
import type { AppendResult, Journal } from "../../../../src/runtime/ports.ts";
import { commitsIn, silent } from "./relay-stage.ts";

const notNow = (): undefined => undefined;

/** Two streams of two partitions each: 0 and 2, 1 and 3. */
function stage(
  faults: (subject: string) => Fault | undefined = () => undefined,
  answers: (stream: number) => AppendResult | undefined = () => undefined,
) {
  const clock = new VirtualClock();
  const server = new MemoryServer({
    subjects,
    clock,
    layout: { partitions: 4, streams: 2 },
    latencyMs: () => 1,
    faults: ({ kind, subject }) => (kind === "append" ? faults(subject) : undefined),
  });
  const outbox = memoryOutbox();
  const moved: LockRef[] = [];
  const sent: [stream: number, commits: string[]][] = [];
  const journals = memoryNode(server, "one").journals.map(
    (journal, stream): Journal => ({
      ...journal,
      append: async (messages, timeoutMs) => {
        sent.push([stream, commitsIn(messages)]);
        return answers(stream) ?? (await journal.append(messages, timeoutMs));
      },
    }),
  );
  const relays = new Relays(journals, {
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
  /** A record and a second subject with a precondition, as an order and its hold. */
  const order = (commit: string, partition: 0 | 1, locks: readonly LockRef[]): WriteSet => {
    const { messages, preconditions, ...rest } = writeSet(commit, partition, locks);
    const hold = subjects.record(partition, `${commit}-hold`);
    return {
      ...rest,
      messages: [...messages, { subject: hold, payload: commit, headers: { [RecordHeader.commit]: commit } }],
      preconditions: [...preconditions, { subject: hold, sequence: 0 }],
    };
  };
  /** A second lock of the stream, as that of the inventory. */
  const second = (stream: 0 | 1): LockRef => {
    const subject = subjects.lock(`partition.${stream + 2}`, stream);
    logs[stream].propose([{ subject, payload: "" }], () => {});
    return { subject, epoch: logs[stream].lastSequence };
  };
  return { clock, relays, outbox, moved, logs, lock, second, outcomes, writeSet, order, sent };
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

t.test(
  "the time of each stored write set is counted once, whatever its stream; others are not",
  async (t) => {
    const { clock, relays, lock, outcomes, writeSet } = stage();
    const [zero, one] = [lock(0), lock(1)];
    relays.submit(writeSet("a", 0, [zero]));
    relays.submit(writeSet("b", 1, [one]));
    await clock.advanceUntil(() => outcomes.size === 2, 1000);
    const { count, sum } = relays.commitDurations();
    t.equal(count, 2);
    t.ok(sum > 0 && sum < 1);
    const { p50, p99 } = relays.commitMs();
    t.ok(p50! > 0 && p50! <= p99!);
    const again = writeSet("a", 0, [zero]);
    const messages = again.messages.map((message) => ({ ...message, messageId: "c" }));
    relays.submit({
      ...again,
      commit: "c",
      messages,
      resolved: (outcome) => void outcomes.set("c", outcome),
    });
    await clock.advanceUntil(() => outcomes.has("c"), 1000);
    t.not(outcomes.get("c")?.status, "stored");
    t.equal(relays.commitDurations().count, 2);
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

t.test(
  "an order with two locks of one stream goes there, and each of them alone can refuse it",
  async (t) => {
    for (const which of ["none", "first", "second"]) {
      const { clock, relays, moved, logs, lock, second, outcomes, order, sent } = stage();
      const locks = [[lock(0), second(0)] as const, [lock(1), second(1)] as const];
      if (which === "first") lock(1);
      if (which === "second") second(1);
      relays.submit(order("a", 0, locks[0] ?? []));
      relays.submit(order("b", 1, locks[1] ?? []));
      await clock.advanceUntil(() => outcomes.size === 2, 1000);
      t.match(outcomes.get("a"), { status: "stored" }, which);
      const dropped = { status: "dropped", why: "lock_moved" };
      t.match(outcomes.get("b"), which === "none" ? { status: "stored" } : dropped, which);
      t.same(moved, { first: [locks[1]?.[0]], second: [locks[1]?.[1]] }[which] ?? [], which);
      t.same(
        sent.slice(0, 2),
        [
          [0, ["a"]],
          [1, ["b"]],
        ],
        which,
      );
      const stored = logs[1].last(subjects.record(1, "b-hold"))?.payload;
      t.equal(stored, which === "none" ? "b" : undefined, which);
    }
  },
);

t.test("the state of all streams: sums, the oldest, and any trouble of one of them", async (t) => {
  const silent: AppendResult = { status: "unanswered", reason: "no answer in time" };
  const full: AppendResult = { status: "unanswered", reason: "insufficient resources", noRoom: true };
  for (const troubled of [0, 1] as const) {
    const other = troubled === 0 ? 1 : 0;
    let answer: AppendResult | undefined = silent;
    const { clock, relays, lock, outcomes, writeSet } = stage(undefined, (stream) =>
      stream === troubled ? answer : undefined,
    );
    const locks = [lock(0), lock(1)];
    const submit = (commit: string, stream: 0 | 1) =>
      relays.submit(writeSet(commit, stream, locks.slice(stream, stream + 1)));
    t.match(relays.state(), {
      depth: 0,
      oldestMs: 0,
      answered: true,
      noRoom: undefined,
      storeRefuses: false,
    });
    submit("a", troubled);
    await clock.advance(40);
    submit("b", troubled);
    submit("c", other);
    await clock.advance(30);
    const title = `stream ${troubled}`;
    t.match(relays.state(), { depth: 2, oldestMs: 70, answered: false, batches: 1, writeSets: 1 }, title);
    answer = full;
    await clock.advance(1000);
    t.equal(relays.state().noRoom, "insufficient resources", title);
    answer = undefined;
    await clock.advance(1000);
    const calm = { depth: 0, oldestMs: 0, answered: true, batches: 3, writeSets: 3 };
    t.match(relays.state(), calm, title);
    t.equal(relays.state().noRoom, undefined, title);
    t.equal(outcomes.size, 3, title);
  }
});

t.test("stopped, no stream is written any more, and the store is not probed", async (t) => {
  const { clock, relays, outbox, lock, outcomes, writeSet, sent } = stage();
  const [zero, one] = [lock(0), lock(1)];
  outbox.failWith("disk full");
  relays.submit(writeSet("a", 0, [zero]));
  await clock.advance(10);
  t.match(outcomes.get("a"), { status: "dropped", why: "store_unavailable" });
  relays.stop();
  outbox.failWith(undefined);
  relays.submit(writeSet("b", 0, [zero]));
  relays.submit(writeSet("c", 1, [one]));
  await clock.advance(3000);
  t.same([sent, outcomes.size, relays.state().storeRefuses], [[], 1, true]);
});

t.test("each stream has its own batch in flight", async (t) => {
  const { clock, relays, lock, writeSet, sent } = stage(() => ({ delayMs: 50 }));
  const [zero, one] = [lock(0), lock(1)];
  for (const [commit, stream] of [
    ["a", 0],
    ["b", 1],
  ] as const)
    relays.submit(writeSet(commit, stream, [stream === 0 ? zero : one]));
  await clock.advance(1);
  relays.submit(writeSet("c", 0, [zero]));
  await clock.advance(1);
  t.same(sent, [
    [0, ["a"]],
    [1, ["b"]],
  ]);
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
