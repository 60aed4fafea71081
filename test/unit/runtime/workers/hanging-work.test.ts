/** Work that does not hear its signal: it may hang for ever, or end at any later time, and costs one attempt. */
import t from "tap";
import { bounds, workerStage } from "./worker-stage.ts";

/** Work whose end a test decides; it ignores its signal. */
function deafWork() {
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const signals: AbortSignal[] = [];
  let most = 0;
  let now = 0;
  return {
    ends,
    signals,
    most: () => most,
    work: (_event: unknown, { signal }: { readonly signal: AbortSignal }): Promise<void> => {
      signals.push(signal);
      most = Math.max(most, ++now);
      const end = Promise.withResolvers<void>();
      const over = () => void now--;
      end.promise.then(over, over);
      ends.push(end);
      return end.promise;
    },
  };
}

t.test(
  "work that hangs for ever is attempted up to the limit, becomes a dead letter, and frees its place",
  async (t) => {
    const s = workerStage();
    const deaf = deafWork();
    const worker = await s.worker(deaf.work, { maxInFlight: 1 });
    s.emit("hangs");
    s.emit("next");
    await s.clock.advance(bounds.workLimitMs - 1);
    t.equal(deaf.ends.length, 1, "the place is taken until the time limit");
    await s.clock.advance(1);
    t.equal(deaf.ends.length, 2, "and free at it");
    t.ok(deaf.signals[0]?.aborted, "although the work was asked to end");
    t.match(s.mark("hangs"), { state: "failed", attempts: 1 });
    await s.clock.advance(60_000);
    t.same([s.mark("hangs")?.state, s.mark("next")?.state], ["dead", "dead"]);
    t.match(
      s.queues.dead.map(({ reason, attempts }) => [reason, attempts]),
      [
        ["not done within 1000 ms", bounds.maxAttempts],
        ["not done within 1000 ms", bounds.maxAttempts],
      ],
    );
    t.match(worker.counters, { done: 0, dead: 2, failed: 2 * (bounds.maxAttempts - 1) });
  },
);

t.test("as much work as there are places may hang, and the events after it are worked on", async (t) => {
  const s = workerStage();
  const seen: string[] = [];
  await s.worker((event) => {
    if (event.id.startsWith("hangs")) return new Promise(() => {});
    seen.push(event.id);
    return Promise.resolve();
  });
  for (const id of ["hangs-1", "hangs-2", "a", "b"]) s.emit(id);
  await s.clock.advance(bounds.workLimitMs + 10);
  t.same(seen, ["a", "b"]);
});

t.test(
  "late work that ends well after its time counts for nothing: its event is attempted again",
  async (t) => {
    const s = workerStage();
    const deaf = deafWork();
    const worker = await s.worker(deaf.work);
    s.emit("e1");
    await s.clock.advance(bounds.workLimitMs);
    t.equal(s.mark("e1")?.state, "failed");
    deaf.ends[0]?.resolve();
    await s.clock.advance(bounds.backoffMs - 1);
    t.equal(s.mark("e1")?.state, "failed", "not done by an attempt that was abandoned");
    t.notOk(s.calls.includes("ack e1"));
    await s.clock.advance(1);
    t.match(s.mark("e1"), { state: "locked", attempts: 2 });
    deaf.ends[1]?.resolve();
    await s.clock.advance(1);
    t.match(s.mark("e1"), { state: "done", attempts: 2 });
    t.same(s.calls, ["retry e1 100", "ack e1"]);
    t.match(worker.counters, { done: 1, failed: 1 });
  },
);

for (const how of ["resolve", "reject"] as const)
  t.test(
    `work that ends late (${how}) while another worker has its lock changes nothing of that`,
    async (t) => {
      const s = workerStage();
      const first = deafWork();
      const second = deafWork();
      const one = await s.worker(first.work);
      s.emit("e1");
      await s.clock.advance(10);
      void one.stop();
      const other = await s.worker(second.work);
      await s.clock.advance(bounds.workLimitMs);
      await s.clock.advance(bounds.backoffMs + 10);
      t.equal(second.ends.length, 1, "the other one has it");
      t.match(s.mark("e1"), { state: "locked", owner: "owner-2", attempts: 2 });
      const calls = [...s.calls];
      if (how === "resolve") first.ends[0]?.resolve();
      else first.ends[0]?.reject(new Error("late"));
      await s.clock.advance(10);
      t.match(s.mark("e1"), { state: "locked", owner: "owner-2", attempts: 2 });
      t.same(s.calls, calls, "nothing is acknowledged or asked for again");
      second.ends[0]?.resolve();
      await s.clock.advance(10);
      t.match(s.mark("e1"), { state: "done", attempts: 2 });
      t.match(other.counters, { done: 1 });
    },
  );

t.test("an event that is delivered again while its work hangs is not worked on twice at once", async (t) => {
  const s = workerStage();
  const deaf = deafWork();
  await s.worker(deaf.work);
  s.emit("e1");
  await s.clock.advance(10);
  s.emit("e1");
  await s.clock.advance(bounds.workLimitMs - 20);
  t.equal(deaf.ends.length, 1);
  t.same(s.calls, [`retry e1 ${bounds.lockLifeMs}`], "the second delivery comes after the lock");
  deaf.ends[0]?.resolve();
  await s.clock.advance(60_000);
  t.equal(deaf.ends.length, 1);
  t.equal(deaf.most(), 1);
  t.equal(s.calls.filter((call) => call === "ack e1").length, 2);
});

t.test("a worker stops in time although its work hears no signal, and its event is free", async (t) => {
  const s = workerStage();
  const deaf = deafWork();
  const worker = await s.worker(deaf.work, { workLimitMs: 60_000, lockLifeMs: 90_000 });
  s.emit("e1");
  await s.clock.advance(10);
  let stoppedAfter = -1;
  const from = s.clock.monotonic();
  const stopping = worker.stop().finally(() => {
    stoppedAfter = s.clock.monotonic() - from;
  });
  await s.clock.advance(1_999);
  t.equal(stoppedAfter, -1, "short work may end");
  t.notOk(deaf.signals[0]?.aborted);
  await s.clock.advance(10);
  t.ok(stoppedAfter >= 2_000 && stoppedAfter < 2_010, `after ${stoppedAfter} ms`);
  await stopping;
  t.ok(deaf.signals[0]?.aborted);
  t.match(s.mark("e1"), { state: "failed" });
  t.same(s.calls, ["retry e1 0"], "at once, to any node");
  const again = await s.worker(async () => {});
  await s.clock.advance(10);
  t.match(s.mark("e1"), { state: "done", attempts: 2 });
  t.match(again.counters, { done: 1 });
});
