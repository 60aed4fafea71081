/** Durations by bounds. */
import t from "tap";
import { DurationHistogram } from "../../../src/runtime/duration-histogram.ts";

t.test("a duration is counted at the first bound that it does not exceed", async (t) => {
  const histogram = new DurationHistogram([0.01, 0.1]);
  for (const ms of [0, 10, 10.1, 100, 5_000, -3]) histogram.observe(ms);
  t.match(histogram.state(), { bounds: [0.01, 0.1], counts: [3, 2, 1], count: 6 });
  t.ok(Math.abs(histogram.state().sum - 5.1201) < 1e-9);
});

t.test("a state does not change with later durations", async (t) => {
  const histogram = new DurationHistogram([1]);
  const before = histogram.state();
  histogram.observe(1);
  t.strictSame(before.counts, [0, 0]);
});
