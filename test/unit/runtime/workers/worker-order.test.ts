/** The last steps of an attempt: the mark before the answer to the queue, and the grace before the end. */
import t from "tap";
import { WorkRefused } from "../../../../src/runtime/workers/worker.ts";
import { bounds, workerStage } from "./worker-stage.ts";

t.test("a failed event is unlocked before the queue is asked to deliver it again", async (t) => {
  const s = workerStage();
  await s.worker(() => Promise.reject(new Error("no luck")));
  s.emit("e1");
  await s.clock.advance(10);
  t.strictSame([s.calls, s.states], [[`retry e1 ${bounds.backoffMs}`], ["failed"]]);
});

t.test("a dead letter is marked before its event is acknowledged", async (t) => {
  const s = workerStage();
  await s.worker(() => Promise.reject(new WorkRefused("never")));
  s.emit("e1");
  await s.clock.advance(10);
  t.strictSame([s.calls, s.states], [["ack e1"], ["dead"]]);
});

t.test("an attempt that fails by itself while the worker stops counts as any other", async (t) => {
  const s = workerStage();
  const ends: ((error: Error) => void)[] = [];
  const worker = await s.worker(() => new Promise((_, reject) => ends.push(reject)));
  s.emit("fails");
  s.emit("refused");
  await s.clock.advance(10);
  const stopping = worker.stop();
  await s.clock.advance(10);
  ends[0]?.(new Error("no luck"));
  ends[1]?.(new WorkRefused("never"));
  await s.clock.advance(10);
  await stopping;
  t.strictSame(s.calls.toSorted(), ["ack refused", `retry fails ${bounds.backoffMs}`]);
  t.match(worker.counters, { failed: 1, dead: 1 });
});
