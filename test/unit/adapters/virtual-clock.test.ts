/** The virtual clock: order, cancellation, processes that are paused or ended. */
import t from "tap";
import { VirtualClock } from "../../../src/adapters/memory/virtual-clock.ts";

t.test("callbacks run by due time, then in the order in which they were scheduled", async (t) => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  clock.after(20, () => ran.push("b"));
  clock.after(10, () => ran.push("a"));
  clock.after(20, () => ran.push("c"));
  clock.soon(() => ran.push("soon"));
  await clock.advance(15);
  t.strictSame(ran, ["soon", "a"]);
  await clock.advance(5);
  t.strictSame(ran, ["soon", "a", "b", "c"]);
  t.equal(clock.monotonic(), 20);
});

t.test(
  "promises settle between two callbacks, and callbacks that they schedule run in the same advance",
  async (t) => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    clock.after(10, () => {
      void (async () => {
        for (let n = 0; n < 50; n++) await Promise.resolve();
        ran.push("promise");
        clock.after(5, () => ran.push("asked for"));
      })();
    });
    clock.after(10, () => ran.push("next"));
    await clock.advance(20);
    t.strictSame(ran, ["promise", "next", "asked for"]);
  },
);

t.test(
  "a cancelled callback never runs, not even when it is cancelled at the moment it is due",
  async (t) => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    const cancel = clock.after(10, () => ran.push("cancelled"));
    const second = clock.after(20, () => ran.push("cancelled too"));
    clock.after(20, () => ran.push("kept"));
    cancel();
    clock.after(19, second);
    t.equal(clock.waiting(), 3);
    await clock.advance(100);
    t.strictSame(ran, ["kept"]);
    t.equal(clock.waiting(), 0);
  },
);

t.test("time stops where a condition came true", async (t) => {
  const clock = new VirtualClock(1_000);
  let happened = false;
  clock.after(30, () => (happened = true));
  clock.after(60, () => {});
  t.equal(await clock.advanceUntil(() => happened, 100), true);
  t.equal(clock.now(), 1_030);
  t.equal(await clock.advanceUntil(() => false, 100), false);
  t.equal(clock.now(), 1_130);
});

t.test(
  "a paused process runs nothing until it resumes, then the callbacks that it missed, in order",
  async (t) => {
    const clock = new VirtualClock();
    const process = clock.process(5);
    const ran: string[] = [];
    process.after(10, () => ran.push("a"));
    process.after(20, () => ran.push("b"));
    const cancel = process.after(25, () => ran.push("cancelled while paused"));
    process.pause();
    await clock.advance(30);
    t.strictSame(ran, []);
    cancel();
    process.resume();
    await clock.advance(0);
    t.strictSame(ran, ["a", "b"]);
    t.equal(process.now(), clock.now() + 5, "its wall clock is ahead");
  },
);

t.test(
  "a process whose wall clock is set sees another date and the same monotonic time, and no other process does",
  async (t) => {
    const clock = new VirtualClock();
    const process = clock.process(5);
    const other = clock.process();
    const ran: string[] = [];
    process.after(10, () => ran.push("a"));
    await clock.advance(4);
    for (const aheadMs of [3_600_000, -3_600_000, 0]) {
      process.set(aheadMs);
      t.equal(process.now(), clock.now() + aheadMs, "it is set, not moved on by that much");
      t.equal(process.monotonic(), clock.monotonic());
      t.equal(other.now(), clock.now());
    }
    process.set(-3_600_000);
    await clock.advance(5);
    t.strictSame(ran, [], "a callback is not due earlier");
    await clock.advance(1);
    t.strictSame(ran, ["a"], "nor later");
    t.equal(process.now(), clock.now() - 3_600_000, "the clock goes on from where it was set");
  },
);

t.test("an ended process never runs again", async (t) => {
  const clock = new VirtualClock();
  const process = clock.process();
  process.after(10, () => t.fail("ran"));
  process.pause();
  await clock.advance(20);
  process.end();
  process.resume();
  process.soon(() => t.fail("ran"));
  await clock.advance(100);
  t.pass();
});

t.test("ten thousand callbacks keep their order", async (t) => {
  const clock = new VirtualClock();
  const due = Array.from({ length: 10_000 }, (_, n) => (n * 7919) % 1_009);
  const ran: number[] = [];
  for (const ms of due) clock.after(ms, () => ran.push(ms));
  await clock.advance(1_009);
  t.strictSame(
    ran,
    due.toSorted((a, b) => a - b),
  );
});
