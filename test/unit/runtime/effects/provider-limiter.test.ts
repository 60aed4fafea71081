/** The limiter of a provider, as effects use it: its places, its queue, and what happens while the provider fails. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import type { EffectOutcome } from "../../../../src/runtime/actor/input.ts";
import { EffectError, type EffectHandler } from "../../../../src/runtime/definition.ts";
import { EffectRunner } from "../../../../src/runtime/effects/effect-runner.ts";
import type { Log } from "../../../../src/runtime/ports.ts";
import { silent } from "../commit/relay-stage.ts";

const breaker = { failures: 3, probeEveryMs: 1000, maxWaitMs: 5000 };

/** A provider that works while `works` is true, and counts its calls. */
function stage(handler: Partial<EffectHandler> = {}, concurrency = 10, log: Log = silent) {
  const clock = new VirtualClock();
  const provider = { works: true, asked: 0, at: [] as number[] };
  const answer = async (): Promise<unknown> => {
    provider.asked++;
    provider.at.push(clock.monotonic());
    if (!provider.works) throw new EffectError("retryable", "unreachable", "connection refused");
    return "done";
  };
  const job = { provider: "bank", timeoutMs: 1000, maxAttempts: 4, backoffMs: 10, run: answer, ...handler };
  const runner = new EffectRunner({
    handlers: { job },
    providers: { bank: { concurrency, breaker } },
    clock,
    log,
  });
  const outcomes = new Map<string, EffectOutcome>();
  const start = (key: string, resumed = false): void =>
    runner.start({
      actor: key,
      src: "job",
      key,
      input: undefined,
      resumed,
      done: (outcome) => void outcomes.set(key, outcome),
    });
  const state = () => runner.providers()[0]!;
  return { clock, runner, provider, outcomes, start, state, answer };
}

t.test("no more calls run than the provider's limit, and the others follow in order", async (t) => {
  const begun: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<number>>();
  const { clock, start, state } = stage(
    {
      run: ({ key }) => {
        begun.push(key);
        const gate = Promise.withResolvers<number>();
        gates.set(key, gate);
        return gate.promise;
      },
    },
    2,
  );
  for (const key of ["a", "b", "c", "d"]) start(key);
  await clock.advance(1);
  t.same(begun, ["a", "b"]);
  t.match(state(), { provider: "bank", busy: 2, waiting: 2, breaker: "closed" });
  gates.get("b")?.resolve(1);
  await clock.advance(1);
  t.same(begun, ["a", "b", "c"]);
  for (const key of ["a", "c"]) gates.get(key)?.resolve(1);
  await clock.advance(1);
  gates.get("d")?.resolve(1);
  await clock.advance(1);
  t.match(state(), { busy: 0, waiting: 0 });
});

t.test("effects wait while a provider fails, and only a few calls a second are made", async (t) => {
  const { clock, provider, outcomes, start, state } = stage();
  provider.works = false;
  for (let n = 0; n < 100; n++) start(`k${n}`);
  await clock.advance(500);
  t.equal(state().breaker, "open");
  const before = provider.asked;
  t.ok(before <= 13, `${before} calls: in flight when it opened`);
  await clock.advance(3000);
  t.ok(provider.asked - before <= 9, `${provider.asked - before} probes in three seconds`);
  t.equal(outcomes.size, 0, "no effect has failed");
  provider.works = true;
  await clock.advance(1500);
  t.equal(outcomes.size, 100);
  t.ok([...outcomes.values()].every((outcome) => "output" in outcome));
  t.equal(state().breaker, "closed");
  t.ok(provider.asked <= before + 9 + 100 + 3, "and each effect was called once when it worked again");
});

t.test("a single effect waits for its provider as well", async (t) => {
  const { clock, provider, outcomes, start } = stage();
  provider.works = false;
  start("alone");
  await clock.advance(4000);
  t.equal(outcomes.size, 0);
  provider.works = true;
  await clock.advance(1000);
  t.same(outcomes.get("alone"), { output: "done" });
});

t.test("the longest wait ends in a failure, as retryable or as unknown", async (t) => {
  const { clock, provider, outcomes, start } = stage({
    queryStatus: () => Promise.reject(new EffectError("retryable", "unreachable", "connection refused")),
  });
  provider.works = false;
  for (let n = 0; n < 4; n++) start(`new${n}`);
  start("old", true);
  await clock.advance(4900);
  t.equal(outcomes.size, 0);
  await clock.advance(1500);
  t.match(outcomes.get("new1"), { error: { code: "provider_unavailable", kind: "retryable" } });
  t.match(outcomes.get("old"), { error: { code: "provider_unavailable", kind: "unknown" } });
  t.equal(outcomes.size, 5);
});

t.test(
  "the status of an outcome that is unknown when the provider fails is queried when it works again",
  async (t) => {
    const did: string[] = [];
    let known = false;
    const { clock, provider, outcomes, start, answer } = stage({
      run: async () => {
        did.push("run");
        known = true;
        throw new EffectError("unknown", "lost", "connection lost");
      },
      queryStatus: async () => {
        await answer();
        did.push("query");
        return known ? { found: true, output: "as it was" } : { found: false };
      },
    });
    start("k");
    provider.works = false;
    await clock.advance(3000);
    provider.works = true;
    await clock.advance(1500);
    t.same(did, ["run", "query"], "never called again");
    t.same(outcomes.get("k"), { output: "as it was" });
  },
);

t.test("forgotten effects leave the queue, and a forgotten probe makes room", async (t) => {
  const { clock, runner, provider, outcomes, start, state } = stage();
  provider.works = false;
  for (let n = 0; n < 20; n++) start(`k${n}`);
  await clock.advance(500);
  for (let n = 0; n < 19; n++) runner.forget(`k${n}`);
  await clock.advance(300);
  t.ok(state().waiting <= 1, "the others are gone before the provider works again");
  provider.works = true;
  await clock.advance(1500);
  t.same([...outcomes], [["k19", { output: "done" }]]);
});

t.test("a provider that refuses calls works", async (t) => {
  const { clock, start, state } = stage({
    run: () => Promise.reject(new EffectError("refused", "no", "no")),
  });
  for (let n = 0; n < 20; n++) start(`k${n}`);
  await clock.advance(100);
  t.equal(state().breaker, "closed");
});

t.test("a provider that never answers opens the breaker like one that fails", async (t) => {
  const { clock, outcomes, start, state } = stage({ run: () => new Promise(() => {}), timeoutIsFinal: true });
  for (let n = 0; n < 3; n++) start(`k${n}`);
  await clock.advance(1100);
  t.equal(state().breaker, "open");
  t.match(outcomes.get("k0"), { error: { code: "timeout", kind: "unknown" } });
});

t.test(
  "a line is logged when a breaker opens, and one when it closes; probes are logged on debug",
  async (t) => {
    const lines: object[] = [];
    const log: Log = {
      ...silent,
      debug: (fields, message) => void lines.push({ level: "debug", message, ...fields }),
      info: (fields, message) => void lines.push({ level: "info", message, ...fields }),
      warn: (fields, message) => void lines.push({ level: "warn", message, ...fields }),
      child: () => log,
    };
    const { clock, provider, start } = stage({}, 10, log);
    provider.works = false;
    for (const key of ["a", "b", "c", "d"]) start(key);
    await clock.advance(3500);
    provider.works = true;
    await clock.advance(1500);
    const loud = lines.filter((line) => !("level" in line) || line.level !== "debug");
    t.match(loud, [
      {
        level: "warn",
        message: "provider fails: calls to it wait",
        provider: "bank",
        from: "closed",
        to: "open",
      },
      { level: "info", message: "provider works again", provider: "bank", from: "half_open", to: "closed" },
    ]);
    t.equal(loud.length, 2);
  },
);
