/** What is known of a server's clock from samples that take their time. */
import t from "tap";
import { ClockSamples } from "../../../../src/runtime/cluster/clock-samples.ts";

/** The server's time minus the monotonic time. */
const AHEAD_MS = 1_767_225_600_000;

/** A sample that took `tripMs`; the server was asked after `share` of it. */
const sample = (begun: number, tripMs: number, share = 0.5, aheadMs = AHEAD_MS) => ({
  begun,
  ended: begun + tripMs,
  at: Math.floor(begun + tripMs * share + aheadMs),
});

t.test("there is no estimate before the first sample", async (t) => {
  const samples = new ClockSamples();
  t.equal(samples.estimate(0), undefined);
  t.equal(samples.newestAt(), Number.NEGATIVE_INFINITY);
});

t.test("one sample is right within half of its round trip, however slow one direction was", async (t) => {
  for (const share of [0, 0.1, 0.5, 0.9, 1]) {
    const samples = new ClockSamples();
    t.equal(samples.add(sample(100, 40, share)), 0);
    const { aheadMs, uncertaintyMs } = samples.estimate(140)!;
    t.ok(Math.abs(aheadMs - AHEAD_MS) <= uncertaintyMs, `${share}: ${aheadMs - AHEAD_MS}`);
    t.ok(uncertaintyMs >= 20 && uncertaintyMs <= 21, `${share}: ${uncertaintyMs}`);
  }
});

t.test("the quickest of the samples counts, whichever came last", async (t) => {
  const samples = new ClockSamples();
  samples.add(sample(0, 400, 1));
  samples.add(sample(500, 4, 0.5));
  samples.add(sample(1_000, 900, 0));
  const { aheadMs, uncertaintyMs } = samples.estimate(1_900)!;
  t.ok(Math.abs(aheadMs - AHEAD_MS) <= 1);
  t.ok(uncertaintyMs < 4);
});

t.test("a sample gets more uncertain with its age, and a newer one takes its place", async (t) => {
  const samples = new ClockSamples();
  samples.add(sample(0, 4));
  const [young, old] = [samples.estimate(4)!.uncertaintyMs, samples.estimate(20_004)!.uncertaintyMs];
  t.equal(old - young, 10, "0.5 ms for each second");
  samples.add(sample(20_000, 10));
  t.equal(samples.estimate(20_010)!.uncertaintyMs, 5.5);
});

t.test("a clock that drifts is followed", async (t) => {
  const samples = new ClockSamples();
  for (let begun = 0; begun < 600_000; begun += 500) {
    const aheadMs = AHEAD_MS + begun * 0.0004;
    samples.add(sample(begun, 4, 0.5, aheadMs));
    t.ok(Math.abs(samples.estimate(begun + 4)!.aheadMs - aheadMs) < 6);
  }
});

t.test("a clock that was set is followed at once, in both directions, and said", async (t) => {
  for (const setMs of [60_000, -60_000, 20, -20]) {
    const samples = new ClockSamples();
    for (let begun = 0; begun < 5_000; begun += 500) samples.add(sample(begun, 4));
    const said = samples.add(sample(5_000, 4, 0.5, AHEAD_MS + setMs));
    t.ok(Math.abs(said - setMs) <= 2, `${setMs}: ${said}`);
    t.ok(Math.abs(samples.estimate(5_004)!.aheadMs - AHEAD_MS - setMs) <= 1);
    t.equal(samples.add(sample(5_500, 4, 0.5, AHEAD_MS + setMs)), 0, "once");
  }
});

t.test("a sample from before the clock was set changes nothing when its answer is late", async (t) => {
  const samples = new ClockSamples();
  samples.add(sample(0, 4));
  const late = { begun: 400, ended: 1_200, at: Math.floor(450 + AHEAD_MS) };
  samples.add(sample(500, 4, 0.5, AHEAD_MS + 60_000));
  t.equal(samples.add(late), 0);
  t.ok(Math.abs(samples.estimate(1_200)!.aheadMs - AHEAD_MS - 60_000) <= 1);
});

t.test("samples of the last seconds are kept, and no more", async (t) => {
  const samples = new ClockSamples();
  samples.add(sample(0, 1));
  for (let n = 1; n <= 16; n++) samples.add(sample(n * 500, 100));
  t.ok(samples.estimate(8_100)!.uncertaintyMs > 50, "the first one is forgotten");
});
