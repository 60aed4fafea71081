/** When an event is acknowledged, when it is delivered again, and how it ends: one rule at a time. */
import t from "tap";
import type { Log } from "../../../../src/runtime/ports.ts";
import { WorkRefused } from "../../../../src/runtime/workers/worker.ts";
import { quietLog } from "../../../support/logs/quiet-log.ts";
import { bounds, workerStage } from "./worker-stage.ts";

const HOUR_MS = 3_600_000;
const fails = () => Promise.reject(new Error("no luck"));

t.test("an event is acknowledged only after its work, and only when it is marked done", async (t) => {
  const s = workerStage();
  const end = Promise.withResolvers<void>();
  const markAtAck: (string | undefined)[] = [];
  const push = s.calls.push.bind(s.calls);
  s.calls.push = (...calls) => {
    if (calls[0] === "ack e1") markAtAck.push(s.mark("e1")?.state);
    return push(...calls);
  };
  await s.worker(() => end.promise);
  s.emit("e1");
  await s.clock.advance(500);
  t.same(s.calls, []);
  t.equal(s.mark("e1")?.state, "locked");
  end.resolve();
  await s.clock.advance(1);
  t.same(s.calls, ["ack e1"]);
  t.same(markAtAck, ["done"]);
});

t.test("an event that is done and cannot be marked is not acknowledged", async (t) => {
  const s = workerStage();
  let works = 0;
  const work = async (): Promise<void> => {
    works++;
    // The mark is tried while the lock lives: after 0, 0.2, 0.6, 1.4, 2.4 s, and each second from then on.
    for (let n = 0; n < 12; n++) s.faults.push("lose-request");
  };
  await s.worker(work, { lockLifeMs: 10_000 });
  s.emit("e1");
  await s.clock.advance(11_000);
  t.same(s.calls, ["retry e1 1000"], "delivered again");
  await s.clock.advance(2_000);
  t.same(s.calls, ["retry e1 1000", "ack e1"], "when it is marked");
  t.equal(works, 1);
});

t.test("an event that another process has locked waits for what is left of the lock", async (t) => {
  const s = workerStage();
  s.put("e1", { state: "locked", owner: "dead", until: s.clock.now() + 700, attempts: 1 });
  const seen: number[] = [];
  await s.worker(async () => void seen.push(s.clock.monotonic()));
  s.emit("e1");
  await s.clock.advance(1);
  t.same(s.calls, ["retry e1 700"]);
  await s.clock.advance(10_000);
  t.same(s.calls, ["retry e1 700", "ack e1"]);
  t.same(seen, [700]);
});

t.test("an event of a process that died comes again only after the life of its lock", async (t) => {
  const s = workerStage();
  const own = s.clock.process();
  const dying = await s.worker(() => new Promise(() => {}), {}, own);
  const at: number[] = [];
  s.emit("e1");
  await s.clock.advance(10);
  void dying.stop();
  own.end();
  await s.worker(async () => void at.push(s.clock.monotonic()));
  await s.clock.advance(60_000);
  t.same(at, [bounds.lockLifeMs + 1_000], "at its first delivery: no attempt found the lock held");
  t.same(s.calls, ["ack e1"]);
});

t.test("a repeat of a done event is acknowledged at once", async (t) => {
  const s = workerStage();
  s.put("e1", { state: "done", at: 0, attempts: 1 });
  const worker = await s.worker(fails);
  s.emit("e1");
  await s.clock.advance(60_000);
  t.same(s.calls, ["ack e1"]);
  t.match(worker.counters, { repeated: 1, done: 0, failed: 0 });
});

t.test("a failed attempt unlocks its event and waits for a pause that doubles up to its limit", async (t) => {
  const s = workerStage();
  const worker = await s.worker(fails, { maxAttempts: 6 });
  s.emit("e1");
  await s.clock.advance(1);
  t.match(s.mark("e1"), { state: "failed", attempts: 1, reason: "no luck" });
  await s.clock.advance(60_000);
  t.same(s.calls, [...[100, 200, 400, 400, 400].map((ms) => `retry e1 ${ms}`), "ack e1"]);
  t.match(worker.counters, { failed: 5, dead: 1 });
});

t.test(
  "the last attempt is made, and no further one, also when earlier ones ended with their process",
  async (t) => {
    for (const [attempts, works] of [
      [bounds.maxAttempts - 1, 1],
      [bounds.maxAttempts, 0],
    ] as const) {
      const s = workerStage();
      s.put("e1", { state: "locked", owner: "dead", until: 0, attempts });
      let done = 0;
      await s.worker(() => {
        done++;
        return fails();
      });
      s.emit("e1");
      await s.clock.advance(60_000);
      t.equal(done, works);
      t.match(s.queues.dead, [
        { reason: works === 1 ? "no luck" : "the worker ended during its last attempt" },
      ]);
      t.equal(s.mark("e1")?.state, "dead");
      t.same(s.calls, ["ack e1"]);
    }
  },
);

t.test("a failure whose process then ends is the reason of the dead letter", async (t) => {
  const s = workerStage();
  s.put("e1", { state: "failed", reason: "no luck", attempts: bounds.maxAttempts });
  await s.worker(fails);
  s.emit("e1");
  await s.clock.advance(10);
  t.match(s.queues.dead, [{ reason: "no luck", attempts: bounds.maxAttempts + 1 }]);
});

t.test("work that refuses its event ends it at the first attempt", async (t) => {
  const s = workerStage();
  await s.worker(() => Promise.reject(new WorkRefused("no such address")));
  s.emit("e1");
  await s.clock.advance(1);
  t.match(s.queues.dead, [
    { worker: "mail", partition: "7", about: "ord_1", reason: "no such address", attempts: 1 },
  ]);
  t.same(s.calls, ["ack e1"]);
  s.emit("e1");
  await s.clock.advance(60_000);
  t.equal(s.queues.dead.length, 1, "a repeat of a dead letter is not worked on");
});

t.test("a dead letter that cannot be stored is tried again, and nothing of the event is lost", async (t) => {
  const s = workerStage();
  s.trouble.burials = 2;
  let works = 0;
  await s.worker(() => {
    works++;
    return Promise.reject(new WorkRefused("no such address"));
  });
  s.emit("e1");
  await s.clock.advance(1);
  t.match(s.mark("e1"), { state: "failed" }, "free for any node");
  t.same(s.calls, ["retry e1 1000"]);
  await s.clock.advance(10_000);
  t.same(s.calls, ["retry e1 1000", "retry e1 1000", "ack e1"]);
  t.equal(s.queues.dead.length, 1);
  t.equal(s.mark("e1")?.state, "dead");
  t.equal(works, 3);
});

t.test("a message that is no event is acknowledged only when its dead letter is stored", async (t) => {
  const s = workerStage();
  s.trouble.burials = 1;
  await s.worker(fails);
  s.emit("broken", {}, "{");
  await s.clock.advance(1);
  t.same(s.calls, ["retry broken 1000"]);
  await s.clock.advance(1_000);
  t.same(s.calls, ["retry broken 1000", "ack broken"]);
  t.match(s.queues.dead, [
    { about: "sequence-1", partition: "7", reason: "the payload is not JSON", attempts: 1 },
  ]);
});

t.test("an event whose lock the server does not answer for is delivered again", async (t) => {
  const s = workerStage();
  s.faults.push("lose-request");
  let works = 0;
  await s.worker(async () => void works++);
  s.emit("e1");
  await s.clock.advance(1);
  t.same(s.calls, ["retry e1 500"]);
  t.equal(works, 0, "no work without the lock");
  await s.clock.advance(1_000);
  t.same(s.calls, ["retry e1 500", "ack e1"]);
});

t.test("an operator's replay of a dead letter is worked on again, with a new count", async (t) => {
  const s = workerStage();
  s.put("e1", { state: "dead", at: 0, attempts: 4 });
  const attempts: number[] = [];
  s.replays.push(7);
  await s.worker(async (_event, { attempt }) => void attempts.push(attempt));
  s.emit("e1");
  await s.clock.advance(10);
  t.same(attempts, [1]);
  t.match(s.mark("e1"), { state: "done", attempts: 1, replay: 7 });
});

t.test("clocks that differ by an hour do not let two workers work on one event", async (t) => {
  for (const aheadMs of [HOUR_MS, -HOUR_MS]) {
    const s = workerStage();
    const wrong = s.clock.process();
    wrong.set(aheadMs);
    let most = 0;
    let now = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++now);
      await s.clock.sleep(900);
      now--;
    };
    const workers = [await s.worker(work, {}, wrong), await s.worker(work)];
    for (let n = 0; n < 6; n++) s.emit(`e${n}`);
    await s.clock.advance(60_000);
    t.equal(
      workers.reduce((sum, { counters }) => sum + counters.done, 0),
      6,
    );
    t.equal(s.calls.filter((call) => call.startsWith("ack")).length, 6);
    t.ok(most <= 4);
  }
});

t.test(
  "an event of a dead worker whose clock was an hour ahead is worked on within a few lives",
  async (t) => {
    const s = workerStage();
    const wrong = s.clock.process();
    wrong.set(HOUR_MS);
    const dying = await s.worker(() => new Promise(() => {}), {}, wrong);
    s.emit("e1");
    await s.clock.advance(10);
    void dying.stop();
    wrong.end();
    const at: number[] = [];
    await s.worker(async () => void at.push(s.clock.monotonic()));
    await s.clock.advance(60_000);
    t.equal(at.length, 1);
    t.ok(at[0]! <= 3 * bounds.lockLifeMs, `after ${at[0]} ms`);
  },
);

t.test(
  "of an event that fails for hours the first and every tenth attempt are logged, without a stack",
  async (t) => {
    const warned: object[] = [];
    const detailed: object[] = [];
    const log: Log = {
      ...quietLog,
      debug: (fields) => void detailed.push(fields),
      warn: (fields, message) => void warned.push({ message, ...fields }),
      child: () => log,
    };
    const { clock, worker, emit } = workerStage(log);
    await worker(() => Promise.reject(new Error("the mail server is away")), { maxAttempts: 27 });
    emit("e1");
    await clock.advance(60_000);
    const reason = "the mail server is away";
    t.match(
      warned,
      [1, 10, 20].map((attempt) => ({ message: "event attempt failed", event: "e1", attempt, reason })),
    );
    t.equal(warned.length, 3);
    t.notOk(warned.some((line) => "err" in line));
    t.equal(detailed.length, 23, "the others are logged on debug, with the stack");
    t.ok(detailed.every((line) => "err" in line && line.err instanceof Error));
  },
);

t.test("a server that is away is logged for each event, without a stack", async (t) => {
  const warned: object[] = [];
  const log: Log = { ...quietLog, warn: (fields) => void warned.push(fields), child: () => log };
  const stage = workerStage(log);
  await stage.worker(() => Promise.reject(new WorkRefused("no such user")));
  stage.trouble.burials = 1;
  stage.emit("e1");
  await stage.clock.advance(100);
  t.match(warned, [{ event: "e1", reason: "no answer" }]);
  t.notOk(warned.some((line) => "err" in line));
});
