/** Runs of effects: one at a time per key, status queries for unknown outcomes, no start after the owner is gone. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import type { EffectOutcome } from "../../../../src/runtime/actor/input.ts";
import { EffectError, type EffectHandler } from "../../../../src/runtime/definition.ts";
import { type EffectRun, EffectRunner } from "../../../../src/runtime/effects/effect-runner.ts";
import { silent } from "../commit/relay-stage.ts";

/** As many as one provider accepts at a time. */
const AT_ONCE = 512;

function stage(handler: Partial<EffectHandler>) {
  const clock = new VirtualClock();
  const handlers = {
    job: {
      provider: "jobs",
      timeoutMs: 1000,
      maxAttempts: 3,
      backoffMs: 10,
      run: () => Promise.resolve(1),
      ...handler,
    },
  };
  const runner = new EffectRunner({ handlers, clock, log: silent });
  const outcomes: [key: string, outcome: EffectOutcome][] = [];
  const start = (key: string, more: Partial<EffectRun> = {}): void =>
    runner.start({
      actor: "a",
      src: "job",
      key,
      input: undefined,
      resumed: false,
      done: (outcome) => void outcomes.push([key, outcome]),
      ...more,
    });
  return { clock, runner, outcomes, start };
}

t.test("an effect that runs is not started again", async (t) => {
  let calls = 0;
  const { clock, outcomes, start } = stage({
    run: () => {
      calls++;
      return Promise.resolve(7);
    },
  });
  start("k");
  start("k");
  await clock.advance(10);
  t.same([calls, outcomes], [1, [["k", { output: 7 }]]]);
});

t.test("an effect that was forgotten in the queue never starts", async (t) => {
  const begun: string[] = [];
  const release = Promise.withResolvers<number>();
  const { clock, runner, outcomes, start } = stage({
    timeoutMs: 10_000,
    run: ({ key }) => {
      begun.push(key);
      return release.promise;
    },
  });
  for (let i = 0; i < AT_ONCE; i++) start(`k${i}`);
  start("waiting");
  start("last");
  await clock.advance(10);
  t.equal(begun.length, AT_ONCE);
  runner.forget("waiting");
  release.resolve(1);
  await clock.advance(10);
  t.same(begun.slice(AT_ONCE), ["last"]);
  t.equal(
    outcomes.some(([key]) => key === "waiting"),
    false,
  );
  t.equal(runner.count(), 0);
});

t.test("a forgotten effect can be started again, and only the new outcome is reported", async (t) => {
  let calls = 0;
  const first = Promise.withResolvers<number>();
  const { clock, runner, outcomes, start } = stage({
    run: () => (++calls === 1 ? first.promise : Promise.resolve(2)),
  });
  start("k");
  await clock.advance(1);
  runner.forget("k");
  start("k", { resumed: true });
  first.resolve(1);
  await clock.advance(10);
  t.same(outcomes, [["k", { output: 2 }]]);
});

t.test("the status of an unknown outcome is queried before the effect is repeated", async (t) => {
  const did: string[] = [];
  const { clock, outcomes, start } = stage({
    run: ({ attempt }) => {
      did.push(`run ${attempt}`);
      return new Promise(() => {});
    },
    queryStatus: () => {
      did.push("query");
      return Promise.resolve(did.length < 4 ? { found: false } : { found: true, output: "found" });
    },
  });
  start("k");
  await clock.advance(10_000);
  t.same(did, ["run 1", "query", "run 2", "query"]);
  t.same(outcomes, [["k", { output: "found" }]]);
});

t.test("the status of an effect that an earlier owner may have started is queried first", async (t) => {
  let calls = 0;
  const { clock, outcomes, start } = stage({
    run: () => Promise.resolve(++calls),
    queryStatus: () => Promise.resolve({ found: true, output: "of before" }),
  });
  start("k", { resumed: true });
  await clock.advance(10);
  t.same([calls, outcomes], [0, [["k", { output: "of before" }]]]);
});

t.test("every run ends: at once when refused, otherwise after its last attempt", async (t) => {
  for (const [kind, tries] of [
    ["refused", 1],
    ["retryable", 3],
    ["unknown", 3],
  ] as const) {
    let calls = 0;
    const { clock, outcomes, start } = stage({
      run: () => {
        calls++;
        return Promise.reject(new EffectError(kind, "no", "no"));
      },
    });
    start("k");
    await clock.advance(10_000);
    t.equal(calls, tries, kind);
    t.same(outcomes, [["k", { error: { code: "no", message: "no", kind } }]]);
  }
});

t.test("no outcome is reported after stop", async (t) => {
  const { clock, runner, outcomes, start } = stage({ run: () => new Promise(() => {}) });
  start("k");
  await clock.advance(1);
  runner.stop();
  start("other");
  await clock.advance(10_000);
  t.same([outcomes, runner.count()], [[], 0]);
});
