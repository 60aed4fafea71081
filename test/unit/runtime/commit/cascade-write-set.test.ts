/** What a cascade becomes in the log: the messages and their order, the preconditions, the locks, and the outcome. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { readRecord } from "../../../../src/runtime/actor/record-decoding.ts";
import type { Cascade } from "../../../../src/runtime/actor/cascade.ts";
import type { Input } from "../../../../src/runtime/actor/input.ts";
import type { OpenTimer } from "../../../../src/runtime/actor/snapshot.ts";
import {
  type CommitContext,
  cascadeWriteSet,
  RecordTooLarge,
} from "../../../../src/runtime/commit/cascade-write-set.ts";
import type { Outcome, WriteSet } from "../../../../src/runtime/commit/write-set.ts";
import { limits } from "../../../../src/runtime/limits.ts";
import type { Joined } from "../../../../src/runtime/definition.ts";
import type { Message } from "../../../../src/runtime/ports.ts";
import { begin, jobs, NOW } from "../actor/cascade-stage.ts";

const partition = { subject: subjects.lock("partition.3"), epoch: 11 };
const inventory = { subject: subjects.lock("inventory.0"), epoch: 12 };
const record = subjects.record(3, "o1");
const hold = inventorySubjects.hold("o1");
const HEADERS = { "Orderly-Commit": "c1", "Orderly-Epoch": "11", "Orderly-Node": "one" };

const base = begin(jobs);
const timer = (id: string, generation: number): OpenTimer => ({
  id,
  machine: "m",
  event: { type: `after.${id}` },
  generation,
  dueAt: NOW + generation,
});
const timerSubject = (id: string, generation: number) => subjects.timer(3, "o1", "m", id, generation);

function writeSetOf(
  parts: Partial<Cascade> = {},
  context: Partial<CommitContext> = {},
  input?: Input,
): WriteSet {
  return cascadeWriteSet({ ...base, ...parts }, input ?? { kind: "start", input: {} }, {
    subjects,
    commit: "c1",
    actor: "o1",
    partition: 3,
    node: "one",
    lock: partition,
    sequence: 7,
    resolved: () => {},
    ...context,
  });
}

type Reported = [committed: boolean, sequences: ReadonlyMap<string, number> | undefined];
const joined = (outcomes: Reported[], more: Partial<Joined> = {}): Joined => ({
  output: 1,
  lock: inventory,
  messages: [
    { subject: hold, payload: "held", headers: { Own: "x" }, fence: { subject: hold, sequence: 5 } },
  ],
  resolved: (committed, sequences) => void outcomes.push([committed, sequences]),
  ...more,
});

t.test("a write set is the record, events, timers, and what joins, in this order", (t) => {
  const { messages } = writeSetOf({
    events: [{ type: "placed", total: 5 }, { type: "paid" }] as Cascade["events"],
    armed: [timer("t1", 4), timer("t2", 5)],
    joined: [joined([])],
  });
  t.same(
    messages.map(({ subject }) => subject),
    [
      record,
      subjects.event(3, "placed"),
      subjects.event(3, "paid"),
      timerSubject("t1", 4),
      timerSubject("t2", 5),
      hold,
    ],
  );
  t.match(messages[0], { headers: HEADERS, messageId: "c1" });
  t.match(messages[3], {
    payload: JSON.stringify({ kind: "timer", machine: "m", timer: "t1", generation: 4 }),
    schedule: { at: NOW + 4, target: subjects.inbox(3, "o1") },
  });
  t.notOk(
    messages.some(({ fence }) => fence),
    "the relay adds the fences",
  );
  t.end();
});

t.test("the record states its input, what it opened and closed, and the whole snapshot", (t) => {
  const input: Input = { kind: "command", machine: "m", event: { type: "go" }, commandId: "k" };
  const { messages } = writeSetOf(
    {
      events: [{ type: "placed" }],
      closed: ["m.gone"],
      armed: [timer("t1", 4)],
      cancelled: [timer("t0", 3)],
    },
    {},
    input,
  );
  t.same(readRecord({ headers: {}, ...messages[0]! }), {
    commit: "c1",
    actor: "o1",
    input: "command:go",
    // The state after a machine's last step is in the snapshot.
    transitions: JSON.parse(JSON.stringify(base.transitions.map((taken) => ({ ...taken, to: undefined })))),
    events: ["placed"],
    effects: { closed: ["m.gone"] },
    timers: { armed: ["m.t1"], cancelled: ["m.t0"] },
    snapshot: JSON.parse(JSON.stringify(base.head.snapshot)),
  });
  t.end();
});

t.test("an event is a CloudEvent whose id follows from the order's version and its place", (t) => {
  const { messages } = writeSetOf({
    events: [{ type: "placed", total: 5 }, { type: "paid" }] as Cascade["events"],
  });
  const { version, updatedAt } = base.head.snapshot;
  t.same(messages[1], {
    subject: subjects.event(3, "placed"),
    payload: JSON.stringify({ total: 5 }),
    headers: {
      "ce-specversion": "1.0",
      "ce-id": `o1.${version}.0`,
      "ce-type": "placed",
      "ce-source": subjects.source,
      "ce-subject": "o1",
      "ce-time": new Date(updatedAt).toISOString(),
      "content-type": "application/json",
    },
  });
  t.equal(messages[2]?.headers?.["ce-id"], `o1.${version}.1`);
  t.end();
});

t.test("cancellations precede arming: one on each message before it, the surplus is dropped", (t) => {
  const cancelled = [timer("t1", 1), timer("t2", 2), timer("t3", 3)];
  const { messages } = writeSetOf({
    events: [{ type: "placed" }],
    cancelled,
    armed: [timer("t1", 9)],
    joined: [joined([])],
  });
  t.same(
    messages.map(({ cancels }) => cancels),
    [timerSubject("t1", 1), timerSubject("t2", 2), undefined, undefined],
  );
  t.same(
    writeSetOf({ cancelled: cancelled.slice(0, 1) }).messages.map(({ cancels }) => cancels),
    [timerSubject("t1", 1)],
  );
  t.end();
});

t.test(
  "a timer that the owner fires has a schedule that fires a grace later; its payload is the same",
  (t) => {
    const [near, far] = [timer("t1", 4), timer("t2", 5)];
    const { messages } = writeSetOf({ armed: [near, far] }, { graced: [near] });
    t.same(
      messages.slice(1).map(({ schedule }) => schedule?.at),
      [near.dueAt + limits.timerGraceMs, far.dueAt],
    );
    t.same(
      messages.slice(1).map(({ payload }) => payload),
      writeSetOf({ armed: [near, far] })
        .messages.slice(1)
        .map(({ payload }) => payload),
    );
    t.end();
  },
);

t.test("a timer without a schedule has no message, and none is canceled when it is over", (t) => {
  const [bare, other] = [{ ...timer("t1", 4), unscheduled: true } as const, timer("t2", 5)];
  const armed = writeSetOf({ armed: [bare, other] }).messages;
  t.same(
    armed.slice(1).map(({ subject }) => subject),
    [timerSubject("t2", 5)],
  );
  t.same(JSON.parse(armed[0]?.payload ?? "").timers, { armed: ["m.t1", "m.t2"] }, "its record says it");
  for (const [fired, cancelled] of [
    [[bare], [other]],
    [[], [bare, other]],
  ]) {
    const { messages } = writeSetOf({ fired: fired ?? [], cancelled: cancelled ?? [] });
    t.same(
      messages.map(({ cancels }) => cancels),
      [timerSubject("t2", 5)],
    );
  }
  t.end();
});

t.test("the schedule of a timer that the owner has fired is canceled before all others", (t) => {
  const { messages } = writeSetOf({ fired: [timer("t1", 1)], cancelled: [timer("t2", 2)] });
  t.same(
    messages.map(({ cancels }) => cancels),
    [timerSubject("t1", 1)],
    "of two one is left: it fires first",
  );
  t.same(JSON.parse(messages[0]?.payload ?? "").timers, { cancelled: ["m.t2"] });
  t.end();
});

t.test("what joins brings its fences as preconditions, and its commit as a header", (t) => {
  const loose: Message = { subject: inventorySubjects.stock("X"), payload: "5", headers: { Own: "y" } };
  const { preconditions, messages } = writeSetOf({
    joined: [joined([], { messages: [loose, ...joined([]).messages] })],
  });
  t.same(preconditions, [
    { subject: record, sequence: 7 },
    { subject: hold, sequence: 5 },
  ]);
  t.same(messages.slice(1), [
    loose,
    { subject: hold, payload: "held", headers: { Own: "x", "Orderly-Commit": "c1" } },
  ]);
  t.end();
});

t.test(
  "a write set after one that is in the outbox names no sequence of its record, but that of the hold",
  (t) => {
    const { preconditions } = writeSetOf({ joined: [joined([])] }, { sequence: undefined });
    t.strictSame(preconditions, [
      { subject: record, sequence: undefined },
      { subject: hold, sequence: 5 },
    ]);
    t.strictSame(writeSetOf({}, { sequence: 0 }).preconditions, [{ subject: record, sequence: 0 }]);
    t.end();
  },
);

t.test("the lock of everything that joins is named once, after that of the partition", (t) => {
  const other = { subject: subjects.lock("counter.0"), epoch: 13 };
  const with_ = (...locks: (typeof other)[]) =>
    writeSetOf({ joined: locks.map((lock) => joined([], { lock, messages: [] })) }).locks;
  t.same(with_(), [partition]);
  t.same(with_(inventory), [partition, inventory]);
  t.same(with_(inventory, inventory), [partition, inventory], "two decisions of the inventory");
  t.same(with_(inventory, other, inventory), [partition, inventory, other]);
  t.same(with_(partition), [partition], "what joins under the partition's own lock");
  t.end();
});

t.test("a decision that joins without messages still brings its lock: it was made from its stock", (t) => {
  const { locks, preconditions, messages } = writeSetOf({ joined: [joined([], { messages: [] })] });
  t.same(locks, [partition, inventory]);
  t.equal(preconditions.length, 1);
  t.equal(messages.length, 1);
  t.end();
});

t.test(
  "the deltas of all that joins are in the write set, in order, and without any there is no list",
  (t) => {
    const aggregator = { compose: () => [], committed: () => {} };
    const delta = (n: number) => ({ delta: { aggregator, delta: n } });
    const { deltas } = writeSetOf({ joined: [joined([], delta(1)), joined([]), joined([], delta(2))] });
    t.same(
      deltas?.map((part) => part.delta),
      [1, 2],
    );
    t.notOk("deltas" in writeSetOf({ joined: [joined([])] }));
    t.end();
  },
);

t.test("each outcome is reported to everything that joined, once, and before the order goes on", (t) => {
  const sequences = new Map([[hold, 9]]);
  const outcomes: readonly [Outcome, Reported][] = [
    [{ status: "stored", sequences, lastSequence: 9 }, [true, sequences]],
    [{ status: "dropped", why: "fenced" }, [false, undefined]],
    [{ status: "dropped", why: "lock_moved" }, [false, undefined]],
    [{ status: "dropped", why: "store_unavailable" }, [false, undefined]],
    [{ status: "refused", code: 10054, reason: "too large" }, [false, undefined]],
  ];
  for (const [outcome, told] of outcomes) {
    const parts: Reported[] = [];
    const order: string[] = [];
    const writeSet = writeSetOf(
      { joined: [joined(parts), joined(parts)] },
      {
        resolved: (reported) => {
          t.equal(reported, outcome);
          order.push(`order after ${parts.length}`);
        },
      },
    );
    writeSet.resolved(outcome);
    t.strictSame(parts, [told, told], outcome.status);
    t.same(order, ["order after 2"], outcome.status);
  }
  t.end();
});

const events = (count: number) => Array.from({ length: count }, () => ({ type: "said" }));

t.test("exactly as many messages and bytes as the limits fit, and one more is too large", (t) => {
  t.equal(
    writeSetOf({ events: events(limits.writeSetMessages - 1) }).messages.length,
    limits.writeSetMessages,
  );
  t.throws(() => writeSetOf({ events: events(limits.writeSetMessages) }), RecordTooLarge);
  t.throws(
    () => writeSetOf({ events: events(limits.writeSetMessages - 1), joined: [joined([])] }),
    /751 messages to be stored together, at most 750/u,
    "what joins counts",
  );
  t.throws(
    () => writeSetOf({ events: events(limits.writeSetMessages - 1), armed: [timer("t", 1)] }),
    RecordTooLarge,
    "timers count",
  );
  const large = joined([], { messages: [{ subject: hold, payload: "x".repeat(limits.messageBytes) }] });
  t.throws(() => writeSetOf({ joined: [joined([]), large] }), /bytes for .*holds\.o1, at most 524288/u);
  t.end();
});
