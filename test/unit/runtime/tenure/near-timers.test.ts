/** Timers that an owner fires itself: which ones it takes, when it fires them, and that memory is bounded. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import type { OpenTimer } from "../../../../src/runtime/actor/snapshot.ts";
import { limits } from "../../../../src/runtime/limits.ts";
import { NearTimers } from "../../../../src/runtime/tenure/near-timers.ts";

function stage(mayBeUnscheduled?: () => boolean) {
  const time = new VirtualClock();
  const clock = time.process();
  const fired: string[] = [];
  const timers = new NearTimers({
    clock,
    mayBeUnscheduled,
    fire: (actor, { generation }) => void fired.push(`${actor} ${generation} at ${time.monotonic()}`),
  });
  const timer = (generation: number, afterMs: number): OpenTimer => ({
    id: "t",
    machine: "m",
    event: { type: "t" },
    generation,
    dueAt: clock.now() + afterMs,
  });
  return { time, clock, fired, timers, timer };
}

t.test("a timer fires once, at its time, for its own actor", async (t) => {
  const { fired, time, timer, timers } = stage();
  timers.armed("a", [timer(1, 500), timer(2, 700)]);
  timers.armed("b", [timer(1, 600)]);
  t.equal(timers.size, 3);
  await time.advance(499);
  t.same(fired, []);
  await time.advance(10_000);
  t.same(fired, ["a 1 at 500", "b 1 at 600", "a 2 at 700"]);
  t.equal(timers.size, 0);
});

t.test("a timer whose record was stored after its time fires at once", async (t) => {
  const { fired, time, timer, timers } = stage();
  const late = timer(1, 100);
  await time.advance(300);
  timers.armed("a", [late]);
  t.same(fired, [], "not within the call: callers of the record are answered first");
  await time.advance(0);
  t.same(fired, ["a 1 at 300"]);
});

t.test("a timer that is over does not fire; the same generation of another actor does", async (t) => {
  const { fired, time, timer, timers } = stage();
  timers.armed("a", [timer(1, 500), timer(2, 500)]);
  timers.armed("b", [timer(1, 500)]);
  timers.over("a", [timer(1, 500), timer(9, 1)]);
  t.equal(timers.size, 2);
  await time.advance(1000);
  t.same(fired, ["a 2 at 500", "b 1 at 500"]);
});

t.test("a server's clock that goes back delays the timer: it never fires before its time", async (t) => {
  const { clock, fired, time, timer, timers } = stage();
  timers.armed("a", [timer(1, 500)]);
  clock.set(-2000);
  await time.advance(2499);
  t.same(fired, []);
  timers.armed("b", [timer(1, 100)]);
  timers.over("b", [timer(1, 100)]);
  await time.advance(1);
  t.same(fired, ["a 1 at 2500"]);
  t.equal(timers.size, 0);
});

t.test("a timer that was delayed can be over", async (t) => {
  const { clock, fired, time, timer, timers } = stage();
  timers.armed("a", [timer(1, 500)]);
  clock.set(-2000);
  await time.advance(600);
  timers.over("a", [timer(1, 0)]);
  await time.advance(5000);
  t.same([fired, timers.size], [[], 0]);
});

t.test("timers that are due late are left to the server", (t) => {
  const { timer, timers } = stage();
  const [near, far] = [timer(1, limits.nearTimerMs), timer(2, limits.nearTimerMs + 1)];
  t.same(timers.choose([far, near]).graced, [near]);
  t.same(timers.choose([]).graced, []);
  t.end();
});

t.test("above the number that may wait, timers are left to the server", async (t) => {
  const { time, timer, timers } = stage();
  const most = Array.from({ length: limits.partitionTimers - 1 }, (_, n) => timer(n, 500));
  timers.armed("a", most);
  const [one, two] = [timer(2000, 10), timer(2001, 10)];
  t.same(timers.choose([one, two]).graced, [one]);
  timers.armed("a", [one]);
  t.same(timers.choose([two]).graced, []);
  timers.armed("a", [two]);
  t.same(timers.choose([one, two]).graced, [], "more than the bound may wait, of write sets under way");
  await time.advance(10);
  t.same(timers.choose([one, two]).graced, [one], "room again");
});

t.test("after the end nothing fires and nothing is chosen", async (t) => {
  const { fired, time, timer, timers } = stage();
  timers.armed("a", [timer(1, 500)]);
  timers.close();
  timers.armed("b", [timer(1, 500)]);
  t.same(timers.choose([timer(2, 500)]).graced, []);
  await time.advance(1000);
  t.same([fired, timers.size], [[], 0]);
});

t.test("a timer that is due soon gets no schedule while every node fires such timers", (t) => {
  let mayBe = true;
  const { timer, timers } = stage(() => mayBe);
  const [soon, near, far] = [
    timer(1, limits.unscheduledMs),
    timer(2, limits.unscheduledMs + 1),
    timer(3, limits.nearTimerMs + 1),
  ];
  t.same(timers.choose([soon, near, far]), { graced: [near], unscheduled: [soon] });
  mayBe = false;
  t.same(timers.choose([soon, near, far]), { graced: [soon, near], unscheduled: [] });
  t.end();
});

t.test(
  "only as many timers go without a schedule as a takeover loads; those that end make room",
  async (t) => {
    const { time, timer, timers } = stage(() => true);
    const unscheduled = (generation: number) => ({ ...timer(generation, 500), unscheduled: true }) as const;
    const most = Array.from({ length: limits.unscheduledTimers - 1 }, (_, n) => unscheduled(n));
    timers.armed("a", most);
    timers.armed("b", [timer(1, 500)]);
    const [one, two] = [timer(2000, 10), timer(2001, 10)];
    t.same(timers.choose([one, two]), { graced: [two], unscheduled: [one] });
    timers.over("a", most.slice(0, 1));
    t.same(timers.choose([one, two]), { graced: [], unscheduled: [one, two] });
    timers.armed("a", [unscheduled(2000), unscheduled(2001), unscheduled(2002)]);
    t.same(timers.choose([one, two]), { graced: [one, two], unscheduled: [] }, "loaded ones may be more");
    await time.advance(500);
    t.same(timers.choose([one, two]), { graced: [], unscheduled: [one, two] }, "fired ones count no more");
  },
);

t.test("a timer that is armed again, because its actor was loaded, waits and fires once", async (t) => {
  const { fired, time, timer, timers } = stage(() => true);
  const one = { ...timer(1, 500), unscheduled: true } as const;
  timers.armed("a", [one]);
  timers.armed("a", [one]);
  t.equal(timers.size, 1);
  await time.advance(2000);
  t.same(fired, ["a 1 at 500"]);
  timers.armed("a", [one]);
  await time.advance(1);
  t.equal(fired.length, 2, "it is still open when its actor is loaded later: it had reached a parked actor");
});
