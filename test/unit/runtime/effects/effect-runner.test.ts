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

t.test("the status of an unknown outcome is queried once more after the last attempt", async (t) => {
  const did: string[] = [];
  const { clock, outcomes, start } = stage({
    maxAttempts: 1,
    run: () => {
      did.push("run");
      return Promise.reject(new EffectError("unknown", "lost", "connection lost"));
    },
    queryStatus: () => {
      did.push("query");
      return Promise.resolve({ found: true, output: "was carried out" });
    },
  });
  start("k");
  await clock.advance(10_000);
  t.same(did, ["run", "query"]);
  t.same(outcomes, [["k", { output: "was carried out" }]]);
});

t.test(
  "a timeout that is final is not attempted again, and stays unknown whatever the last status query answers",
  async (t) => {
    for (const answer of ["none", "failure", "not found"]) {
      let calls = 0;
      const { clock, outcomes, start } = stage({
        timeoutIsFinal: true,
        run: () => {
          calls++;
          return new Promise(() => {});
        },
        queryStatus: () =>
          answer === "none"
            ? new Promise(() => {})
            : answer === "failure"
              ? Promise.reject(new EffectError("retryable", "unreachable", "connection refused"))
              : Promise.resolve({ found: false }),
      });
      start("k");
      await clock.advance(10_000);
      t.equal(calls, 1, answer);
      t.match(outcomes, [["k", { error: { code: "timeout", kind: "unknown" } }]], answer);
    }
  },
);

t.test(
  "a failure that is retryable becomes unknown when an earlier attempt may have been carried out",
  async (t) => {
    const kinds = ["unknown", "retryable"] as const;
    for (const [status, kind] of [
      ["unreachable", "unknown"],
      ["not found", "retryable"],
    ] as const) {
      let calls = 0;
      let queries = 0;
      const { clock, outcomes, start } = stage({
        maxAttempts: 2,
        run: () => Promise.reject(new EffectError(kinds[calls++]!, "no", "no")),
        queryStatus: () =>
          ++queries === 1 || status === "not found"
            ? Promise.resolve({ found: false })
            : Promise.reject(new EffectError("retryable", "unreachable", "connection refused")),
      });
      start("k");
      await clock.advance(10_000);
      t.same([calls, queries], [2, 2], status);
      t.match(outcomes, [["k", { error: { code: "no", kind } }]], status);
    }
  },
);

t.test("pauses between attempts double, from the backoff of the handler", async (t) => {
  const at: number[] = [];
  const { clock, start } = stage({
    maxAttempts: 4,
    run: () => {
      at.push(clock.monotonic());
      return Promise.reject(new EffectError("retryable", "no", "no"));
    },
  });
  start("k");
  await clock.advance(10_000);
  t.same(
    at.slice(1).map((ms, index) => ms - at[index]!),
    [10, 20, 40],
  );
});

t.test(
  "every attempt of an effect and every status query carry its key, its actor and its input",
  async (t) => {
    const seen: unknown[] = [];
    const { clock, start } = stage({
      maxAttempts: 2,
      run: ({ actor, key, input }) => {
        seen.push([actor, key, input]);
        return Promise.reject(new EffectError("unknown", "no", "no"));
      },
      queryStatus: ({ actor, key, input }) => {
        seen.push([actor, key, input]);
        return Promise.resolve({ found: false });
      },
    });
    start("k", { actor: "b", input: 7 });
    await clock.advance(10_000);
    t.same(
      seen,
      Array.from({ length: 4 }, () => ["b", "k", 7]),
    );
  },
);

t.test("a run that is forgotten during its last status query aborts the query at once", async (t) => {
  const asked: AbortSignal[] = [];
  const { clock, runner, outcomes, start } = stage({
    maxAttempts: 1,
    run: () => Promise.reject(new EffectError("unknown", "lost", "no answer")),
    queryStatus: ({ signal }) => {
      asked.push(signal);
      return new Promise(() => {});
    },
  });
  start("k");
  await clock.advance(10);
  t.same(
    asked.map(({ aborted }) => aborted),
    [false],
    "the query is in flight",
  );
  runner.forget("k");
  t.ok(asked[0]?.aborted);
  await clock.advance(10_000);
  t.same(outcomes, []);
});

/** Runs whose calls take this long each; what is reported about how long a run took. */
function timed(callsMs: readonly (number | "fails after 100 ms")[]) {
  const reported: (number | undefined)[] = [];
  let call = 0;
  const staged = stage({
    timeoutMs: 10_000,
    run: async () => {
      const ms = callsMs[call++] ?? 0;
      await staged.clock.sleep(ms === "fails after 100 ms" ? 100 : ms);
      if (typeof ms === "string") throw new EffectError("retryable", "no", "no");
      return 1;
    },
  });
  const done: EffectRun["done"] = (_outcome, durationMs) => void reported.push(durationMs);
  return { ...staged, reported, done };
}

t.test("a run reports how long it took, from its first call to its outcome", async (t) => {
  const { clock, done, reported, start } = timed([250]);
  start("k", { done });
  await clock.advance(1000);
  t.same(reported, [250]);
});

t.test("the time of a run includes its failed calls and the pauses between them", async (t) => {
  const { clock, done, reported, start } = timed(["fails after 100 ms", 50]);
  start("k", { done });
  await clock.advance(1000);
  t.same(reported, [160]);
});

t.test("the time of a run does not include its wait for the provider", async (t) => {
  const { clock, done, reported, start } = timed(Array.from({ length: AT_ONCE + 1 }, () => 300));
  for (let i = 0; i < AT_ONCE; i++) start(`k${i}`);
  start("waiting", { done });
  await clock.advance(1000);
  t.same(reported, [300]);
});

t.test("a resumed run reports no time: an earlier owner may have begun it", async (t) => {
  const { clock, done, reported, start } = timed([250]);
  start("k", { done, resumed: true });
  await clock.advance(1000);
  t.same(reported, [undefined]);
});
