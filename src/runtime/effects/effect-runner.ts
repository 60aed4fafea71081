/**
 * Runs effects to their outcome: attempts, status queries for unknown outcomes, bounded retries.
 * Owns: the attempts in flight.  Does not own: whether an effect is still needed (its actor decides).
 * Invariants
 *   effects.E1. At most one run per actor and generation at a time on this node.
 *   effects.E2. Every attempt of an effect carries the same key; the status of an unknown outcome is queried before the
 *       effect is repeated.
 *   effects.E3. Every run ends: with an output, or with a failure after `maxAttempts`. An attempt that fails while the
 *       provider's breaker is not closed does not count; then the limiter's `maxWaitMs` ends the run.
 * Proved by: test/unit/runtime/effects/effect-runner.test.ts
 * A crash leaves nothing: the effect is open in the record of its actor, and the next owner resumes it.
 */
import {
  type EffectContext,
  EffectError,
  type EffectFailure,
  type EffectHandler,
  type ProviderLimits,
} from "../definition.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import type { EffectOutcome } from "../actor/input.ts";
import type { CallResult } from "./circuit-breaker.ts";
import type { Clock, Log } from "../ports.ts";
import { EffectDurationCounts, type EffectDurations } from "./effect-durations.ts";
import { type ProviderStatus, ProviderLimiter } from "./provider-limiter.ts";

/** An effect to be run. */
export type EffectRun = {
  readonly actor: string;
  /** Name of its handler. */
  readonly src: string;
  /** Its idempotency key, `effectKey`. */
  readonly key: string;
  readonly input: unknown;
  /** Facts of the actor, as acknowledged. */
  readonly facts?: object;
  /** An earlier owner may have started it. */
  readonly resumed: boolean;
  /**
   * Called once with the outcome, unless the run is forgotten first.
   * @param durationMs from the beginning of the first call; `undefined` when none began, and for a resumed effect
   */
  readonly done: (outcome: EffectOutcome, durationMs?: number) => void;
};

/** When the first call of a run began, by the monotonic clock, ms; absent while none has. */
type Timed = { begunAt?: number };

const NOT_FOUND: EffectFailure = {
  code: "not_found",
  message: "the provider has no such call",
  kind: "refused",
};
const CANCELLED: EffectFailure = { code: "cancelled", message: "the node stopped", kind: "retryable" };

/** For a provider that the definition does not list. */
const DEFAULT_LIMITS: ProviderLimits = { concurrency: 512 };
/** For the last status query of an unknown outcome, in the queue and in flight each: a caller may be waiting. */
const LAST_STATUS_QUERY_MS = 2000;

/** See the top of the file. */
export class EffectRunner {
  private readonly handlers: Readonly<Record<string, EffectHandler>>;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly failpoints: Failpoints | undefined;
  private readonly running = new Map<string, AbortController>();
  private readonly limiters = new Map<string, ProviderLimiter>();
  private readonly counted = new EffectDurationCounts();
  private stopped = false;

  constructor(options: {
    readonly handlers: Readonly<Record<string, EffectHandler>>;
    /** By the handlers' `provider`. */
    readonly providers?: Readonly<Record<string, ProviderLimits>> | undefined;
    readonly clock: Clock;
    readonly log: Log;
    readonly failpoints?: Failpoints | undefined;
  }) {
    this.handlers = options.handlers;
    this.clock = options.clock;
    this.log = options.log;
    this.failpoints = options.failpoints;
    for (const { provider } of Object.values(options.handlers)) {
      if (this.limiters.has(provider)) continue;
      this.limiters.set(
        provider,
        new ProviderLimiter(provider, options.providers?.[provider] ?? DEFAULT_LIMITS, options),
      );
    }
  }

  /** The state of each provider now. */
  providers(): ProviderStatus[] {
    return [...this.limiters.values()].map((limiter) => limiter.status());
  }

  /** How long effects took that began here. */
  durations(): EffectDurations {
    return this.counted.state();
  }

  /** Number of effects that run or wait in a queue. */
  count(): number {
    return this.running.size;
  }

  /** Starts a run; does nothing when a run with this key exists, or after `stop`. */
  start(run: EffectRun): void {
    if (this.stopped || this.running.has(run.key)) return;
    const controller = new AbortController();
    this.running.set(run.key, controller);
    void this.finish(run, controller);
  }

  /** Forgets a run: its outcome is not delivered. The call itself is aborted if its handler honors the signal. */
  forget(key: string): void {
    this.running.get(key)?.abort();
    this.running.delete(key);
  }

  /** Forgets all runs. */
  stop(): void {
    this.stopped = true;
    for (const key of this.running.keys()) this.forget(key);
  }

  private async finish(run: EffectRun, controller: AbortController): Promise<void> {
    const timed: Timed = {};
    const outcome = await this.attempt(run, controller, timed);
    if (this.running.get(run.key) !== controller) return;
    this.running.delete(run.key);
    const { begunAt } = timed;
    if (begunAt === undefined || run.resumed) return run.done(outcome);
    const durationMs = Math.max(0, this.clock.monotonic() - begunAt);
    this.counted.observe(run.src, outcome, durationMs);
    run.done(outcome, Math.round(durationMs));
  }

  private async attempt(run: EffectRun, controller: AbortController, timed: Timed): Promise<EffectOutcome> {
    const handler = this.handlers[run.src];
    if (!handler)
      return failure({ code: "no_handler", message: `no handler for ${run.src}`, kind: "refused" });
    const limiter = this.limiter(handler);
    const { signal } = controller;
    const wait = { deadline: this.clock.monotonic() + limiter.maxWaitMs, stop: signal };
    let unknown = run.resumed;
    let last: EffectFailure | undefined;
    for (let attempt = 1, counted = 0; counted < handler.maxAttempts; attempt++) {
      if (attempt > 1) await this.clock.sleep(handler.backoffMs * 2 ** Math.max(0, counted - 1));
      const result = await limiter.call(
        wait,
        () => {
          timed.begunAt ??= this.clock.monotonic();
          return this.tryOnce(handler, run, attempt, unknown, signal);
        },
        (outcome) => callResult(outcome, signal),
      );
      if (signal.aborted) return failure(CANCELLED);
      if (!result) return failure(unavailable(handler.provider, unknown, last));
      if ("output" in result) return result;
      last = result.error;
      this.log.debug({ actor: run.actor, effect: run.src, attempt, failure: last }, "effect attempt failed");
      if (last.kind === "refused") return result;
      if (last.kind === "unknown") unknown = true;
      if (last.code === "timeout" && handler.timeoutIsFinal)
        return await this.lastStatusQuery(handler, run, last, signal);
      if (limiter.isClosed()) counted++;
    }
    last ??= CANCELLED;
    return unknown ? await this.lastStatusQuery(handler, run, last, signal) : failure(last);
  }

  private async tryOnce(
    handler: EffectHandler,
    run: EffectRun,
    attempt: number,
    unknown: boolean,
    stop: AbortSignal,
  ): Promise<EffectOutcome> {
    if (stop.aborted) return failure(CANCELLED);
    const limit = new AbortController();
    const abort = (): void => limit.abort();
    stop.addEventListener("abort", abort, { once: true });
    let timedOut = false;
    const cancel = this.clock.after(handler.timeoutMs, () => {
      timedOut = true;
      limit.abort();
    });
    const context: EffectContext = {
      actor: run.actor,
      key: run.key,
      input: run.input,
      ...(run.facts && { facts: run.facts }),
      attempt,
      resumed: run.resumed,
      signal: limit.signal,
    };
    try {
      if (unknown && hasStatusQuery(handler)) {
        const found = await failpoint(this.failpoints, "effect.query_status", () =>
          untilAborted(handler.queryStatus(context), limit.signal),
        );
        if (found.found) return { output: found.output };
      }
      const output = await failpoint(this.failpoints, "effect.run", () =>
        untilAborted(handler.run(context), limit.signal),
      );
      return { output };
    } catch (error) {
      if (timedOut) {
        return failure({
          code: "timeout",
          message: `no answer within ${handler.timeoutMs} ms`,
          kind: "unknown",
        });
      }
      return failure(failureOf(error, handler));
    } finally {
      cancel();
      stop.removeEventListener("abort", abort);
    }
  }

  /**
   * Queries the status once more before an unknown outcome becomes a failure, unless the provider is known not to work.
   * Without an answer the failure is of kind `unknown`, and the machine decides what follows.
   */
  private async lastStatusQuery(
    handler: EffectHandler,
    run: EffectRun,
    last: EffectFailure,
    stop: AbortSignal,
  ): Promise<EffectOutcome> {
    if (!hasStatusQuery(handler)) return failure(last);
    const found = await this.limiter(handler).call(
      { deadline: this.clock.monotonic() + LAST_STATUS_QUERY_MS, stop },
      () => this.queryStatus(handler, run, stop),
      (outcome) => callResult(outcome, stop),
    );
    if (found && "output" in found) return found;
    const notExecuted = found?.error === NOT_FOUND;
    return failure(notExecuted ? last : { ...last, kind: "unknown" });
  }

  private async queryStatus(
    handler: HasStatusQuery,
    run: EffectRun,
    stop: AbortSignal,
  ): Promise<EffectOutcome> {
    const limit = new AbortController();
    const abort = (): void => limit.abort();
    stop.addEventListener("abort", abort, { once: true });
    const cancel = this.clock.after(Math.min(handler.timeoutMs, LAST_STATUS_QUERY_MS), abort);
    try {
      const context = {
        actor: run.actor,
        key: run.key,
        input: run.input,
        ...(run.facts && { facts: run.facts }),
        attempt: handler.maxAttempts,
        resumed: true,
        signal: limit.signal,
      };
      const found = await failpoint(this.failpoints, "effect.query_status_last", () =>
        untilAborted(handler.queryStatus(context), limit.signal),
      );
      return found.found ? { output: found.output } : failure(NOT_FOUND);
    } catch (error) {
      this.log.warn({ err: error, actor: run.actor, effect: run.src }, "status query failed");
      return failure(failureOf(error, handler));
    } finally {
      cancel();
      stop.removeEventListener("abort", abort);
    }
  }

  private limiter({ provider }: EffectHandler): ProviderLimiter {
    const limiter = this.limiters.get(provider);
    if (!limiter) throw new Error(`no limiter for ${provider}`);
    return limiter;
  }
}

type HasStatusQuery = EffectHandler & Required<Pick<EffectHandler, "queryStatus">>;

function hasStatusQuery(handler: EffectHandler): handler is HasStatusQuery {
  return handler.queryStatus !== undefined;
}

/** A provider that refuses a call works; a call that this node abandoned shows nothing. */
function callResult(outcome: EffectOutcome, stop: AbortSignal): CallResult {
  if ("output" in outcome || outcome.error.kind === "refused") return "success";
  return stop.aborted ? "ignored" : "failure";
}

/** The failure when the provider did not work again in time. An outcome that may have happened stays unknown. */
function unavailable(provider: string, unknown: boolean, last: EffectFailure | undefined): EffectFailure {
  const message = `${provider} does not work at the moment${last ? `: ${last.message}` : ""}`;
  return { code: "provider_unavailable", message, kind: unknown ? "unknown" : "retryable" };
}

function failure(error: EffectFailure): EffectOutcome {
  return { error };
}

function failureOf(error: unknown, handler: EffectHandler): EffectFailure {
  if (error instanceof EffectError) return { code: error.code, message: error.message, kind: error.kind };
  const message = error instanceof Error ? error.message : String(error);
  return { code: "failed", message, kind: handler.queryStatus ? "unknown" : "retryable" };
}

/** A handler that ignores its signal must not delay the run. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw new EffectError("unknown", "aborted", "aborted");
  let abort: (() => void) | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        abort = () => reject(new EffectError("unknown", "aborted", "aborted"));
        signal.addEventListener("abort", abort, { once: true });
      }),
    ]);
  } finally {
    if (abort) signal.removeEventListener("abort", abort);
  }
}
