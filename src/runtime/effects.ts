/**
 * Runs effects to their outcome: tries, look-ups of unknown outcomes, bounded retries.
 * Owns: the tries under way.  Does not own: whether an effect is still wanted (its actor decides).
 * Invariants
 *   E1. One run per actor and generation at a time on this node.
 *   E2. Every try of an effect carries the same key; an unknown outcome is looked up before it is repeated.
 *   E3. Every run ends: with an output, or with a failure after `maxAttempts`.
 * Proved by: test/unit/runtime/effects.test.ts
 * A crash leaves nothing behind: the effect is open in the actor's record, and the next owner resumes it.
 */
import { type EffectContext, EffectError, type EffectFailure, type EffectHandler } from "./definition.ts";
import type { EffectOutcome } from "./cascade.ts";
import { pause } from "./pause.ts";
import type { Clock, Log } from "./ports.ts";

export type EffectRun = {
  readonly actor: string;
  readonly src: string;
  readonly key: string;
  readonly input: unknown;
  /** An earlier owner may have started it. */
  readonly resumed: boolean;
  readonly done: (outcome: EffectOutcome) => void;
};

const CANCELLED: EffectFailure = { code: "cancelled", message: "the node stopped", kind: "retryable" };

/** Tries under way at once per provider; more wait in line. */
const PROVIDER_CONCURRENCY = 512;

export class EffectRunner {
  private readonly handlers: Readonly<Record<string, EffectHandler>>;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly running = new Map<string, AbortController>();
  private readonly lanes = new Map<string, { busy: number; readonly waiting: (() => void)[] }>();
  private stopped = false;

  constructor(options: {
    readonly handlers: Readonly<Record<string, EffectHandler>>;
    readonly clock: Clock;
    readonly log: Log;
  }) {
    this.handlers = options.handlers;
    this.clock = options.clock;
    this.log = options.log;
  }

  /** Number of effects under way or in line. */
  count(): number {
    return this.running.size;
  }

  start(run: EffectRun): void {
    if (this.stopped || this.running.has(run.key)) return;
    const controller = new AbortController();
    this.running.set(run.key, controller);
    void this.settle(run, controller);
  }

  /** Forgets a run: its outcome is not delivered. The call itself is aborted where the provider allows it. */
  forget(key: string): void {
    this.running.get(key)?.abort();
    this.running.delete(key);
  }

  stop(): void {
    this.stopped = true;
    for (const key of this.running.keys()) this.forget(key);
  }

  private async settle(run: EffectRun, controller: AbortController): Promise<void> {
    const outcome = await this.attempt(run, controller);
    if (this.running.get(run.key) !== controller) return;
    this.running.delete(run.key);
    run.done(outcome);
  }

  private async attempt(run: EffectRun, controller: AbortController): Promise<EffectOutcome> {
    const handler = this.handlers[run.src];
    if (!handler)
      return failure({ code: "no_handler", message: `no handler for ${run.src}`, kind: "refused" });
    let unknown = run.resumed;
    let last = CANCELLED;
    for (let attempt = 1; attempt <= handler.maxAttempts && !controller.signal.aborted; attempt++) {
      if (attempt > 1) await pause(this.clock, handler.backoffMs * 2 ** (attempt - 2));
      const result = await this.inLane(handler.provider, () =>
        this.once(handler, run, attempt, unknown, controller.signal),
      );
      if ("output" in result) return result;
      last = result.error;
      this.log.debug({ actor: run.actor, effect: run.src, attempt, failure: last }, "effect try failed");
      if (last.kind === "refused") return result;
      if (last.kind === "unknown") unknown = true;
      if (last.code === "timeout" && handler.timeoutIsFinal) return await this.lastLook(handler, run, last);
    }
    return unknown ? await this.lastLook(handler, run, last) : failure(last);
  }

  private async once(
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
      attempt,
      resumed: run.resumed,
      signal: limit.signal,
    };
    try {
      if (unknown && handler.lookup) {
        const found = await untilAborted(handler.lookup(context), limit.signal);
        if (found.found) return { output: found.output };
      }
      return { output: await untilAborted(handler.run(context), limit.signal) };
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

  /** Before an unknown outcome is told as a failure, the provider is asked once more. */
  private async lastLook(
    handler: EffectHandler,
    run: EffectRun,
    last: EffectFailure,
  ): Promise<EffectOutcome> {
    if (!handler.lookup) return failure(last);
    const limit = new AbortController();
    const cancel = this.clock.after(Math.min(handler.timeoutMs, 2000), () => limit.abort());
    try {
      const context = {
        actor: run.actor,
        key: run.key,
        input: run.input,
        attempt: handler.maxAttempts,
        resumed: true,
        signal: limit.signal,
      };
      const found = await untilAborted(handler.lookup(context), limit.signal);
      return found.found ? { output: found.output } : failure(last);
    } catch (error) {
      this.log.warn({ err: error, actor: run.actor, effect: run.src }, "outcome could not be looked up");
      return failure(last);
    } finally {
      cancel();
    }
  }

  private async inLane<T>(provider: string, task: () => Promise<T>): Promise<T> {
    let lane = this.lanes.get(provider);
    if (!lane) {
      lane = { busy: 0, waiting: [] };
      this.lanes.set(provider, lane);
    }
    if (lane.busy >= PROVIDER_CONCURRENCY) {
      const { waiting } = lane;
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      lane.busy++;
    }
    try {
      return await task();
    } finally {
      const next = lane.waiting.shift();
      if (next) next();
      else lane.busy--;
    }
  }
}

function failure(error: EffectFailure): EffectOutcome {
  return { error };
}

function failureOf(error: unknown, handler: EffectHandler): EffectFailure {
  if (error instanceof EffectError) return { code: error.code, message: error.message, kind: error.kind };
  const message = error instanceof Error ? error.message : String(error);
  return { code: "failed", message, kind: handler.lookup ? "unknown" : "retryable" };
}

/** A provider that ignores its signal must not hold the run up. */
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
