/** The machine of a bulk operation: every input in every state, and what it remembers of chunks, failures and stops. */
import * as fc from "fast-check";
import t from "tap";
import {
  type BulkContext,
  bulkMachine,
  CHUNK_GONE,
  CHUNK_TRIES,
  type SendChunk,
} from "../../../machines/bulk.ts";
import { Chart } from "./chart.ts";
import { checkScenarios } from "./scenarios.ts";

const input = { action: "cancel", reason: "closed", selection: "s1", count: 250, chunks: 3 };
const started = (change: object = {}): Chart => new Chart(bulkMachine, { ...input, ...change });
const sent = { outcomes: { done: 100 } };
const contextOf = (chart: Chart): BulkContext => chart.live.context as BulkContext;
const chunkOf = (chart: Chart): SendChunk => chart.effects.get("send") as SendChunk;

function after(...steps: ((chart: Chart) => unknown)[]): () => Chart {
  return () => {
    const chart = started();
    for (const step of steps) step(chart);
    return chart;
  };
}
const done = (chart: Chart) => chart.settle("send", sent);
const lost = (chart: Chart) => chart.fail("send", "retryable", "no_answer");
const gone = (chart: Chart) => chart.fail("send", "refused", CHUNK_GONE);
const stop = (chart: Chart) => chart.send({ type: "stop" });

checkScenarios({
  machine: bulkMachine,
  when: {
    "the chunk is sent": { happen: done, effect: "send" },
    "some orders give no answer": { happen: lost, effect: "send" },
    "the chunk is gone": { happen: gone, effect: "send" },
    "the pause is over": { happen: (chart) => chart.elapse("pause"), timer: true, armed: "pause" },
    "it is stopped": { happen: stop },
  },
  given: {
    "the first chunk": {
      reach: after(),
      outcomes: {
        "the chunk is sent": { to: "sending", invokes: ["sendChunk"] },
        "some orders give no answer": { to: "pausing", delays: [1000] },
        "the chunk is gone": { to: "failed" },
        "it is stopped": { to: "sending" },
      },
    },
    "the last chunk": {
      reach: after(done, done),
      outcomes: {
        "the chunk is sent": { to: "completed" },
        "some orders give no answer": { to: "pausing", delays: [1000] },
        "the chunk is gone": { to: "failed" },
        "it is stopped": { to: "sending" },
      },
    },
    "a chunk of a stopped operation": {
      reach: after(stop),
      outcomes: {
        "the chunk is sent": { to: "stopped" },
        "some orders give no answer": { to: "pausing", delays: [1000] },
        "the chunk is gone": { to: "failed" },
      },
    },
    "a pause": {
      reach: after(lost),
      outcomes: {
        "the pause is over": { to: "sending", invokes: ["sendChunk"] },
        "it is stopped": { to: "sending", invokes: ["sendChunk"] },
      },
    },
    completed: { reach: after(done, done, done), outcomes: {} },
    stopped: { reach: after(stop, done), outcomes: {} },
    failed: { reach: after(gone), outcomes: {} },
  },
});

t.test("outcomes are summed over the chunks, and the next chunk follows", (t) => {
  const chart = started();
  t.strictSame(chunkOf(chart), {
    action: "cancel",
    reason: "closed",
    selection: "s1",
    chunk: 0,
    isLast: false,
  });
  chart.settle("send", { outcomes: { done: 90, illegal_transition: 10 } });
  t.match(chunkOf(chart), { chunk: 1, isLast: false });
  chart.settle("send", { outcomes: { done: 99, order_not_found: 1 } });
  t.match(contextOf(chart), { next: 2, outcomes: { done: 189, illegal_transition: 10, order_not_found: 1 } });
  t.end();
});

t.test("pauses grow, the last try says that it is the last one, and a sent chunk begins anew", (t) => {
  const chart = started();
  const delays: number[] = [];
  for (let tries = 1; tries <= CHUNK_TRIES; tries++) {
    t.equal(chunkOf(chart).isLast, false, `try ${tries}`);
    delays.push(...lost(chart).delays);
    chart.elapse("pause");
  }
  t.strictSame(delays, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000]);
  t.match(chunkOf(chart), { chunk: 0, isLast: true });
  t.match(lost(chart), { to: "pausing" }, "a last try whose outcomes are not stored is made again");
  chart.elapse("pause");
  done(chart);
  t.match(chunkOf(chart), { chunk: 1, isLast: false });
  t.equal(contextOf(chart).failures, 0);
  t.end();
});

t.test("an operation that is stopped in a pause sends its chunk for the last time, and no other", (t) => {
  const chart = started();
  lost(chart);
  stop(chart);
  t.match(chunkOf(chart), { chunk: 0, isLast: true });
  t.equal(done(chart).to, "stopped");
  t.equal(contextOf(chart).next, 1);
  t.end();
});

t.test("an operation without orders is complete", (t) => {
  t.equal(started({ count: 0, chunks: 0 }).state, "completed");
  t.end();
});

t.test("whatever happens, each chunk counts once and in order, and what is remembered stays small", (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 12 }),
      fc.array(fc.constantFrom("done", "lost", "pause", "stop"), { maxLength: 60 }),
      (chunks, steps) => {
        const chart = started({ count: chunks * 100, chunks });
        let counted = 0;
        let isStopped = false;
        for (const step of steps) {
          if (step === "stop") isStopped = stop(chart).to !== undefined || isStopped;
          else if (step === "pause" && chart.timers.size > 0) chart.elapse("pause");
          else if (chart.effects.size > 0 && step !== "pause") {
            if (chunkOf(chart).chunk !== counted) throw new Error(`a chunk after ${counted} is left out`);
            if (step === "lost") lost(chart);
            else {
              done(chart);
              counted++;
              if (isStopped && chart.effects.size > 0) throw new Error("a stopped operation goes on");
            }
          }
          const { next, outcomes } = contextOf(chart);
          if (next !== counted || (outcomes["done"] ?? 0) !== 100 * counted) throw new Error("miscounted");
          if (JSON.stringify(contextOf(chart)).length > 400) throw new Error("it remembers too much");
        }
        if (counted === chunks && chart.state !== "completed") throw new Error(`it is ${chart.state}`);
      },
    ),
  );
  t.end();
});
