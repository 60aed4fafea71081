import type { Mutant } from "./mutant.ts";

const folder = "test/unit/runtime/cluster";
const samples = {
  file: "src/runtime/cluster/clock-samples.ts",
  tests: [`${folder}/clock-samples.test.ts`],
};
const clock = { file: "src/runtime/cluster/server-clock.ts", tests: [`${folder}/server-clock.test.ts`] };
const node = { file: "src/runtime/node.ts", tests: ["test/unit/runtime/server-time.test.ts"] };

/** The server's time: how it is read, and that everything goes by it. */
export const clockMutants: readonly Mutant[] = [
  {
    id: "clock-sample-counts-from-its-arrival",
    does: "A sample is taken for the server's time at its arrival: the way back makes the clock slow.",
    ...samples,
    find: "aheadMs: at + 0.5 - (begun + ended) / 2,",
    replace: "aheadMs: at + 0.5 - ended,",
  },
  {
    id: "clock-newest-sample-counts",
    does: "The newest sample counts, however slow it was.",
    ...samples,
    find: "if (best === undefined || one.uncertaintyMs < best.uncertaintyMs) best = one;",
    replace: "best = one;",
  },
  {
    id: "clock-set-server-is-not-followed",
    does: "A server's clock that was set is followed only when the samples before are forgotten.",
    ...samples,
    find: "if (before !== undefined && Math.abs(differs) > before.uncertaintyMs + own.uncertaintyMs) {",
    replace: "if (before !== undefined && Math.abs(differs) > 1e15) {",
  },
  {
    id: "clock-late-answer-sets-back",
    does: "The late answer to a sample from before the server's clock was set brings the former time back.",
    ...samples,
    find: "if (sample.begun < this.since) return 0;",
    replace: "",
  },
  {
    id: "clock-sample-does-not-age",
    does: "The quickest of all samples counts without end, while the two clocks drift apart.",
    ...samples,
    find: " + Math.max(0, now - ended) * DRIFT,",
    replace: " + Math.max(0, ended - now) * DRIFT,",
  },
  {
    id: "clock-now-goes-back",
    does: "The time goes back with every small correction.",
    ...clock,
    find: "if (time >= this.last || time < this.last - HOLD_MS) this.last = time;",
    replace: "this.last = time;",
  },
  {
    id: "clock-now-waits-for-a-clock-that-was-set-back",
    does: "A server's clock that was set back by an hour stops the time for an hour.",
    ...clock,
    find: "if (time >= this.last || time < this.last - HOLD_MS) this.last = time;",
    replace: "this.last = Math.max(this.last, time);",
  },
  {
    id: "clock-wrong-date-is-ready",
    does: "A node whose clock differs by a month from the server's is ready.",
    ...clock,
    find: "if (Math.abs(offsetMs) > CLOCK_OFFSET_MAX_MS)",
    replace: "if (offsetMs < -CLOCK_OFFSET_MAX_MS)",
  },
  {
    id: "clock-servers-that-differ-are-ready",
    does: "Servers whose clocks differ fire timers early or late, and the node is ready.",
    ...clock,
    find: "if (apartMs > SERVERS_APART_MAX_MS)",
    replace: "if (apartMs < 0)",
  },
  {
    id: "clock-start-without-a-sample",
    does: "A node takes part before it knows the time.",
    ...node,
    file: "src/runtime/cluster/server-clock.ts",
    find: "if (!this.isMeasured()) throw new Unavailable(",
    replace: "if (this.stopped) throw new Unavailable(",
  },
  {
    id: "clock-node-decides-by-its-own",
    does: "Timers and dates are by the clock of the machine.",
    ...node,
    find: "const options = { ...given, clock };",
    replace: "const options = { ...given };",
  },
  {
    id: "clock-consumer-starts-by-the-machine",
    does: "A first consumer starts 29 days before what the machine's clock shows.",
    file: "src/adapters/nats/work-consumer.ts",
    tests: ["test/unit/adapters/work-consumer.test.ts"],
    find: "new Date(now - REPLAY_DAYS * DAY_MS)",
    replace: "new Date(Date.now() - REPLAY_DAYS * DAY_MS)",
  },
];
