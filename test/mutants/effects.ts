/** Planted bugs of running effects: attempts, status queries, the breaker and the limiter of a provider. */
import type { Mutant } from "./mutant.ts";

const RUNNER = "src/runtime/effects/effect-runner.ts";
const BREAKER = "src/runtime/effects/circuit-breaker.ts";
const LIMITER = "src/runtime/effects/provider-limiter.ts";
const RUNNER_TEST = "test/unit/runtime/effects/effect-runner.test.ts";
const BREAKER_TEST = "test/unit/runtime/effects/circuit-breaker.test.ts";
const LIMITER_TEST = "test/unit/runtime/effects/provider-limiter.test.ts";

export const effectsMutants: readonly Mutant[] = [
  {
    id: "effects-one-attempt-too-many",
    does: "An effect is attempted once more than its handler permits.",
    file: RUNNER,
    find: "counted < handler.maxAttempts",
    replace: "counted <= handler.maxAttempts",
    tests: [RUNNER_TEST],
  },
  {
    id: "effects-forgotten-in-queue-still-runs",
    does: "A forgotten effect is not aborted, so it runs when it has waited for its place.",
    file: RUNNER,
    find: "    this.running.get(key)?.abort();\n",
    replace: "",
    tests: [RUNNER_TEST],
  },
  {
    id: "effects-outcome-of-forgotten-run",
    does: "The outcome of a forgotten run is reported as that of the run that followed it.",
    file: RUNNER,
    find: "if (this.running.get(run.key) !== controller) return;",
    replace: "if (!this.running.has(run.key)) return;",
    tests: [RUNNER_TEST],
  },
  {
    id: "effects-resumed-not-queried",
    does: "An effect that an earlier owner may have started is run without a status query.",
    file: RUNNER,
    find: "let unknown = run.resumed;",
    replace: "let unknown = false;",
    tests: [RUNNER_TEST],
  },
  {
    id: "effects-unknown-forgotten-by-next-failure",
    does: "A retryable failure of the status query makes an unknown outcome a known one.",
    file: RUNNER,
    find: `if (last.kind === "unknown") unknown = true;`,
    replace: `unknown = last.kind === "unknown";`,
    tests: [LIMITER_TEST],
  },
  {
    id: "effects-failure-counts-while-open",
    does: "Attempts count while the provider's breaker is not closed.",
    file: RUNNER,
    find: "if (limiter.isClosed()) counted++;",
    replace: "counted++;",
    tests: [LIMITER_TEST],
  },
  {
    id: "effects-start-after-stop",
    does: "An effect starts on a node that has stopped.",
    file: RUNNER,
    find: "    this.stopped = true;\n",
    replace: "",
    tests: [RUNNER_TEST],
  },
  {
    id: "effects-started-twice",
    does: "An effect that runs is started a second time.",
    file: RUNNER,
    find: "if (this.stopped || this.running.has(run.key)) return;",
    replace: "if (this.stopped) return;",
    tests: [RUNNER_TEST],
  },
  {
    id: "effects-query-of-first-attempt-only",
    does: "Only what an earlier owner may have started is queried, and not an unknown outcome of this run.",
    file: RUNNER,
    find: "if (unknown && hasStatusQuery(handler)) {",
    replace: "if (unknown && run.resumed && hasStatusQuery(handler)) {",
    tests: [RUNNER_TEST],
  },
  {
    id: "effects-breaker-opens-late",
    does: "The breaker opens one failure later than its limit.",
    file: BREAKER,
    find: "++this.failures >= this.limits.failures",
    replace: "++this.failures > this.limits.failures",
    tests: [BREAKER_TEST],
  },
  {
    id: "effects-breaker-success-keeps-failures",
    does: "A success does not end a row of failures.",
    file: BREAKER,
    find: `      this.failures = 0;
      if (this.current`,
    replace: "      if (this.current",
    tests: [BREAKER_TEST],
  },
  {
    id: "effects-breaker-counts-early-calls",
    does: "A call from before the latest change of state counts.",
    file: BREAKER,
    find: "if (permit.stateNumber !== this.stateNumber) return;",
    replace: "if (permit.stateNumber > this.stateNumber) return;",
    tests: [BREAKER_TEST],
  },
  {
    id: "effects-breaker-ignored-probe-keeps-place",
    does: "An abandoned probe keeps its place.",
    file: BREAKER,
    find: "      this.probes--;\n",
    replace: "      this.probes = Math.max(this.probes, 0);\n",
    tests: [BREAKER_TEST],
  },
  {
    id: "effects-breaker-waits-for-all-probes",
    does: "The breaker opens again only when the full number of probes has failed, and not all that were made.",
    file: BREAKER,
    find: "++this.failedProbes >= this.probes",
    replace: "++this.failedProbes >= PROBES",
    tests: [BREAKER_TEST],
  },
  {
    id: "effects-breaker-one-probe-too-many",
    does: "A half-open breaker permits one call more.",
    file: BREAKER,
    find: "this.probes >= PROBES)",
    replace: "this.probes > PROBES)",
    tests: [BREAKER_TEST],
  },
  {
    id: "effects-breaker-reopens-without-pause",
    does: "A breaker that opens again counts its pause from when it first opened.",
    file: BREAKER,
    find: "    this.openedAt = now;\n",
    replace: `    if (this.current === "closed") this.openedAt = now;\n`,
    tests: [BREAKER_TEST],
  },
  {
    id: "effects-limiter-one-call-too-many",
    does: "One call more than the provider's limit runs at a time.",
    file: LIMITER,
    find: "if (this.busy >= this.limits.concurrency) break;",
    replace: "if (this.busy > this.limits.concurrency) break;",
    tests: [LIMITER_TEST],
  },
  {
    id: "effects-limiter-tick-once",
    does: "The check of probes and deadlines is scheduled once and not again.",
    file: LIMITER,
    find: "      this.ticking = false;\n",
    replace: "",
    tests: [LIMITER_TEST],
  },
  {
    id: "effects-limiter-place-kept",
    does: "A call that ends does not start the next one in the queue.",
    file: LIMITER,
    find: `      this.breaker?.report(permit, result, this.clock.monotonic());
      this.advance();`,
    replace: "      this.breaker?.report(permit, result, this.clock.monotonic());",
    tests: [LIMITER_TEST],
  },
  {
    id: "effects-limiter-deadline-ignored",
    does: "Calls whose effects were forgotten leave the queue, those whose deadline has passed do not.",
    file: LIMITER,
    find: "if (waiting.deadline > now && !waiting.stop.aborted) continue;",
    replace: "if (waiting.deadline > now || !waiting.stop.aborted) continue;",
    tests: [LIMITER_TEST],
  },
];
