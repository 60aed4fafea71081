/** Percentiles of the newest commits: bounded in number and in age. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { CommitTimes } from "../../../../src/runtime/commit/commit-times.ts";

t.test("half of the newest commits took at most p50, and 99 in a hundred p99", async (t) => {
  const times = new CommitTimes(new VirtualClock());
  t.strictSame(times.recent(), { p50: null, p99: null });
  for (let ms = 1; ms <= 100; ms++) times.count(ms);
  t.strictSame(times.recent(), { p50: 51, p99: 100 });
  times.count(0.26);
  t.equal(times.recent().p50, 50);
});

t.test("commits of more than a minute ago say nothing of the node as it is", async (t) => {
  const clock = new VirtualClock();
  const times = new CommitTimes(clock);
  times.count(900);
  await clock.advance(30_000);
  times.count(5);
  t.strictSame(times.recent(), { p50: 900, p99: 900 });
  await clock.advance(30_000);
  t.strictSame(times.recent(), { p50: 5, p99: 5 });
  await clock.advance(30_000);
  t.strictSame(times.recent(), { p50: null, p99: null });
});

t.test("the newest 1024 count", async (t) => {
  const times = new CommitTimes(new VirtualClock());
  for (let n = 0; n < 1024; n++) times.count(900);
  for (let n = 0; n < 1024; n++) times.count(5);
  t.strictSame(times.recent(), { p50: 5, p99: 5 });
});
