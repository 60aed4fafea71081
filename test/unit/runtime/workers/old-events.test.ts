/** Events whose work may have been done without a sign of it: they become dead letters, and are never worked on. */
import t from "tap";
import { EVENT_AGE_MAX_MS, MARK_DAYS, REPLAY_DAYS } from "../../../../src/runtime/workers/worker-bounds.ts";
import { readMark } from "../../../../src/runtime/workers/processed-mark.ts";
import { workerStage } from "./worker-stage.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const counting = () => {
  const worked: string[] = [];
  return { worked, work: async ({ id }: { readonly id: string }) => void worked.push(id) };
};

t.test(
  "an event that is older than the marks live becomes a dead letter, is counted, and not worked on",
  async (t) => {
    const s = workerStage();
    const { worked, work } = counting();
    const worker = await s.worker(work);
    s.emit("old", {}, "{}", s.clock.now() - EVENT_AGE_MAX_MS - 1);
    await s.clock.advance(60_000);
    t.same(worked, []);
    t.match(s.queues.dead, [
      { kind: "too_old", worker: "mail", about: "ord_1", reason: /^stored 29 days ago/u, attempts: 0 },
    ]);
    t.same(s.calls, ["ack old"]);
    t.match(worker.counters, { tooOld: 1, dead: 0, done: 0 });
  },
);

t.test(
  "an event at the limit of the age is worked on, and its mark outlives that age by hours",
  async (t) => {
    const s = workerStage();
    const { worked, work } = counting();
    await s.worker(work);
    s.emit("edge", {}, "{}", s.clock.now() - EVENT_AGE_MAX_MS);
    await s.clock.advance(10);
    t.same(worked, ["edge"]);
    // A mark is written after its event is stored, and lives from then on.
    t.ok(MARK_DAYS * DAY_MS - EVENT_AGE_MAX_MS >= 12 * HOUR_MS, "half a day for clocks that are slow");
    t.ok(
      EVENT_AGE_MAX_MS - REPLAY_DAYS * DAY_MS >= 12 * HOUR_MS,
      "a new consumer has half a day for its backlog",
    );
  },
);

t.test(
  "the age of an event counts from the server's time of storing, not from the event's header",
  async (t) => {
    const s = workerStage();
    const { worked, work } = counting();
    await s.worker(work);
    s.emit("young", { "ce-time": "2001-01-01T00:00:00.000Z" });
    await s.clock.advance(10);
    t.same(worked, ["young"]);
  },
);

t.test("an old event whose mark lives is a repeat, and no dead letter", async (t) => {
  for (const state of ["done", "dead"]) {
    const s = workerStage();
    s.put("old", { state, at: 0, attempts: 1 });
    const { worked, work } = counting();
    const worker = await s.worker(work);
    s.emit("old", {}, "{}", 0);
    await s.clock.advance(60_000);
    t.same([worked, s.calls, s.queues.dead], [[], ["ack old"], []]);
    t.match(worker.counters, { repeated: 1, tooOld: 0 });
  }
});

t.test(
  "an old event that other attempts have failed at becomes a dead letter with their number",
  async (t) => {
    const s = workerStage();
    s.put("old", { state: "failed", reason: "no luck", attempts: 2 });
    const { worked, work } = counting();
    await s.worker(work);
    s.emit("old", {}, "{}", s.clock.now() - 40 * DAY_MS);
    await s.clock.advance(10);
    t.same(worked, []);
    t.match(s.queues.dead, [{ kind: "too_old", attempts: 2 }]);
  },
);

t.test("an old event whose dead letter cannot be stored now is not worked on meanwhile", async (t) => {
  const s = workerStage();
  s.trouble.burials = 2;
  const { worked, work } = counting();
  await s.worker(work);
  s.emit("old", {}, "{}", 0);
  await s.clock.advance(60_000);
  t.same(s.calls, ["retry old 1000", "retry old 1000", "ack old"]);
  t.same(worked, []);
  t.equal(s.queues.dead.length, 1);
});

t.test(
  "a consumer that starts anew after the marks have ended makes each event a dead letter once",
  async (t) => {
    const s = workerStage();
    const { worked, work } = counting();
    await s.worker(work);
    const storedAt = s.clock.now();
    const ids = Array.from({ length: 20 }, (_, n) => `e${n}`);
    for (const id of ids) s.emit(id, {}, "{}", storedAt);
    await s.clock.advance(1_000);
    t.equal(worked.length, 20);
    for (const id of ids) s.forget(id);
    await s.clock.advance(31 * DAY_MS);
    for (const pass of [1, 2]) {
      for (const id of ids) s.emit(id, {}, "{}", storedAt);
      await s.clock.advance(60_000);
      t.equal(worked.length, 20, `pass ${pass}: nothing is done again`);
      t.equal(s.queues.dead.length, 20, `pass ${pass}`);
    }
  },
);

t.test("a replay of an old event is worked on, once", async (t) => {
  const s = workerStage();
  const { worked, work } = counting();
  await s.worker(work);
  s.emit("old", {}, "{}", 0);
  await s.clock.advance(10);
  t.equal(s.queues.dead.length, 1);
  s.replays.push(7, 7);
  for (let n = 0; n < 2; n++) {
    // The queue delivers the replay, with the time at which the operator asked for it.
    s.emit("old");
    await s.clock.advance(1_000);
  }
  t.same(worked, ["old"]);
  t.match(s.mark("old"), { state: "done", replay: 7 });
});

const unreadable: Readonly<Record<string, string>> = {
  "no JSON": "{",
  "no object": "[]",
  null: "null",
  "a number": "7",
  "no state": "{}",
  "an unknown state": JSON.stringify({ state: "resting", attempts: 1, at: 0 }),
  "no number of attempts": JSON.stringify({ state: "done", at: 0 }),
  "a negative number of attempts": JSON.stringify({ state: "failed", reason: "x", attempts: -1e9 }),
  "a fraction of attempts": JSON.stringify({ state: "failed", reason: "x", attempts: 1.5 }),
  "a lock without an owner": JSON.stringify({ state: "locked", until: 0, attempts: 1 }),
  "a lock until a text": JSON.stringify({ state: "locked", owner: "o", until: "soon", attempts: 1 }),
  "a time that no date has": JSON.stringify({ state: "done", at: 1e300, attempts: 1 }),
  "a replay of a text": JSON.stringify({ state: "done", at: 0, attempts: 1, replay: "7" }),
};

t.test("an event whose mark cannot be read becomes a dead letter, once, and is not worked on", async (t) => {
  for (const [what, mark] of Object.entries(unreadable)) {
    t.equal(readMark(mark), undefined, what);
    const s = workerStage();
    s.put("e1", mark);
    const { worked, work } = counting();
    const worker = await s.worker(work);
    for (let n = 0; n < 2; n++) {
      s.emit("e1");
      await s.clock.advance(60_000);
    }
    t.same(worked, [], what);
    t.match(s.queues.dead, [{ kind: "unreadable_mark", about: "ord_1", attempts: 0 }], what);
    t.equal(s.queues.dead.length, 1, what);
    t.same(s.calls, ["ack e1", "ack e1"], what);
    t.match(worker.counters, { unreadableMark: 1, repeated: 1 }, what);
  }
});

t.test("a replay of an event whose mark cannot be read is worked on", async (t) => {
  const s = workerStage();
  s.put("e1", "{");
  s.replays.push(3);
  const { worked, work } = counting();
  await s.worker(work);
  s.emit("e1");
  await s.clock.advance(10);
  t.same(worked, ["e1"]);
  t.match(s.mark("e1"), { state: "done", attempts: 1, replay: 3 });
});

t.test("other events are worked on beside one whose mark cannot be read", async (t) => {
  const s = workerStage();
  s.put("e1", "{");
  const { worked, work } = counting();
  await s.worker(work, { maxInFlight: 1 });
  for (const id of ["e1", "e2", "e3"]) s.emit(id);
  await s.clock.advance(1_000);
  t.same(worked, ["e2", "e3"]);
});
