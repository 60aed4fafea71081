/**
 * A worker consumes public events outside of any actor, and does the work of each event once, except in the case below.
 * All nodes run every worker and share its events.
 *
 * Work happens at least once. It is repeated when, after the work and before the mark, the process ends, or the server
 * is unavailable for longer than the life of the lock. So the work should carry a key of its own that identifies a
 * repeat: the Message-ID of an e-mail, the number of an invoice.
 *
 * Owns: the events in progress here.  Does not own: locks and marks (processed-events.ts), delivery (the queue).
 * Invariants
 *   worker.W1. An event is acknowledged only when it is marked done, or stored as a dead letter.
 *   worker.W2. Work starts only under the lock of the event, and is abandoned before the life of the lock ends.
 *   worker.W3. An event is attempted at most `maxAttempts` times, attempts that ended with their process included.
 *   worker.W4. Nothing is worked on whose work may have been done without a sign of it: an event that is older than
 *       the marks live (EVENT_AGE_MAX_MS), or whose mark cannot be read. It becomes a dead letter; its replay is done.
 * Proved by: test/unit/runtime/workers/worker.test.ts, test/unit/runtime/workers/old-events.test.ts,
 *   test/integration/runtime/worker.test.ts
 */
import { EVENT_AGE_MAX_MS, type WorkerBounds } from "./worker-bounds.ts";
import type { Subjects } from "../subjects.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import { type Bucket, type Clock, type Ids, type Log, Unavailable } from "../ports.ts";
import { type Claim, ProcessedEvents } from "./processed-events.ts";
import { NotAnEvent, readEvent, type WorkEvent } from "./work-event.ts";
import type { UnreadableEntries } from "../unreadable.ts";
import type { Backlog, DeadLetterKind, WorkItem, WorkQueue, WorkQueueOptions } from "./work-queue.ts";

/** The work refuses the event. Not retryable: the same event would always fail, so it becomes a dead letter at once. */
export class WorkRefused extends Error {
  override readonly name = "WorkRefused";
}

/** One attempt at an event. */
export type WorkContext = {
  /** 1 for the first attempt, over all nodes. */
  readonly attempt: number;
  /** Aborted at the time limit and when the worker stops. */
  readonly signal: AbortSignal;
};

/** The work on one event. It rejects with WorkRefused when no repeat can help; any other error is retried. */
export type Work = (event: WorkEvent, context: WorkContext) => Promise<void>;

/** What every worker needs from its node. `processed`: the bucket PROCESSED. */
export type WorkerDependencies = {
  readonly subjects: Pick<Subjects, "events">;
  readonly queue: WorkQueue;
  readonly processed: Bucket;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Where stored entries are named that cannot be read; only logged when absent. */
  readonly unreadable?: UnreadableEntries | undefined;
  /** Tests only: ends the process at a chosen place. */
  readonly failpoints?: Failpoints | undefined;
};

/** What distinguishes one worker from another. */
export type WorkerOptions = {
  /** Name of the worker and of its consumer, and prefix of its processed ids. A subject token; it never changes. */
  readonly name: string;
  /** Event types. A type that a later version adds is processed from then on, not for earlier events. */
  readonly types: readonly string[];
  readonly bounds: WorkerBounds;
  readonly work: Work;
};

/** Numbers of events by their end, in this process. */
export type WorkerCounters = {
  done: number;
  repeated: number;
  failed: number;
  /** Dead letters, except those below. */
  dead: number;
  /** Dead letters because they are too old, or because their mark cannot be read. */
  tooOld: number;
  unreadableMark: number;
};

/** A started worker. */
export type RunningWorker = {
  readonly counters: Readonly<WorkerCounters>;
  /** What waits for this worker, on all nodes. @throws Unavailable (retryable) */
  backlog(): Promise<Backlog>;
  /** Accepts no more events, waits briefly for those in progress, then aborts them. Idempotent. */
  stop(): Promise<void>;
};

const UNREADABLE =
  "its mark in PROCESSED cannot be read, so the work may have been done; replay it if it was not";
const tooOld = (ageMs: number): string =>
  `stored ${Math.floor(ageMs / DAY_MS)} days ago, longer than marks live, so the work may have been done; replay it if it was not`;
const DAY_MS = 24 * 60 * 60_000;
/** The counter of each kind of dead letter. */
const COUNTED = {
  failed: "dead",
  not_an_event: "dead",
  too_old: "tooOld",
  unreadable_mark: "unreadableMark",
} as const satisfies Record<DeadLetterKind, keyof WorkerCounters>;
/** How long events in progress may take when the worker stops; a process has 5 s in total. */
const STOP_GRACE_MS = 2_000;
/** The attempts of an event whose failure is logged as a warning: the first, and those that this number divides. */
const LOG_EVERY = 10;
/** Pause after a failure that the event did not cause, such as no answer from the server. */
const UNAVAILABLE_PAUSE_MS = 1_000;
/** The queue delivers an item again only after the life of its lock, so the next worker finds the lock expired. */
const ACK_WAIT_MARGIN_MS = 1_000;

/** The consumer of a worker: the same on every node. */
export function consumerOf(
  subjects: WorkerDependencies["subjects"],
  { name, types, bounds }: Omit<WorkerOptions, "work">,
): WorkQueueOptions {
  return {
    name,
    filters: types.map((type) => subjects.events(type)),
    maxInFlight: bounds.maxInFlight,
    ackWaitMs: bounds.lockLifeMs + ACK_WAIT_MARGIN_MS,
  };
}

/** Starts a worker. @throws what `WorkQueue.consume` throws */
export async function startWorker(
  dependencies: WorkerDependencies,
  options: WorkerOptions,
): Promise<RunningWorker> {
  const worker = new Worker(dependencies, options);
  await worker.start();
  return worker;
}

class Worker implements RunningWorker {
  readonly counters: WorkerCounters = {
    done: 0,
    repeated: 0,
    failed: 0,
    dead: 0,
    tooOld: 0,
    unreadableMark: 0,
  };
  private readonly queue: WorkQueue;
  private readonly subjects: WorkerDependencies["subjects"];
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly options: WorkerOptions;
  private readonly failpoints: Failpoints | undefined;
  private readonly processed: ProcessedEvents;
  /** Of the attempts in progress. */
  private readonly limits = new Set<AbortController>();
  private readonly running = new Set<Promise<void>>();
  private stopping = false;
  private stopQueue: (() => Promise<void>) | undefined;
  private stopped: Promise<void> | undefined;

  constructor(dependencies: WorkerDependencies, options: WorkerOptions) {
    this.queue = dependencies.queue;
    this.subjects = dependencies.subjects;
    this.clock = dependencies.clock;
    this.log = dependencies.log.child({ worker: options.name });
    this.options = options;
    this.failpoints = dependencies.failpoints;
    this.processed = new ProcessedEvents({
      bucket: dependencies.processed,
      clock: dependencies.clock,
      worker: options.name,
      owner: dependencies.ids.next(),
      lockLifeMs: options.bounds.lockLifeMs,
      failpoints: dependencies.failpoints,
    });
  }

  async start(): Promise<void> {
    const subscription = await failpoint(this.failpoints, "worker.consume", () =>
      this.queue.consume(this.consumer(), (item) => {
        const processing = this.process(item);
        this.running.add(processing);
        return processing.finally(() => this.running.delete(processing));
      }),
    );
    this.stopQueue = () => subscription.stop();
  }

  private consumer(): WorkQueueOptions {
    return consumerOf(this.subjects, this.options);
  }

  backlog(): Promise<Backlog> {
    return this.queue.backlog(this.consumer());
  }

  stop(): Promise<void> {
    this.stopped ??= this.stopNow();
    return this.stopped;
  }

  private async stopNow(): Promise<void> {
    await this.stopQueue?.();
    const all = Promise.all(this.running);
    await Promise.race([all, this.clock.sleep(STOP_GRACE_MS)]);
    this.stopping = true;
    for (const limit of this.limits) limit.abort(new Error("the worker stops"));
    await all;
  }

  /** Never rejects: after a failure the item is delivered again. */
  private async process(item: WorkItem): Promise<void> {
    let event: WorkEvent | undefined;
    try {
      event = readEvent(item);
      await this.handle(item, event);
    } catch (error) {
      if (error instanceof NotAnEvent) return this.buryUnreadable(item, error.message);
      const what = { event: event?.id, subject: item.subject };
      // A server that is away says so once for every event: without a stack.
      if (error instanceof Unavailable)
        this.log.warn({ ...what, reason: error.message }, "event is retried later");
      else this.log.warn({ ...what, err: error }, "event is retried later");
      item.retry(UNAVAILABLE_PAUSE_MS);
    }
  }

  private async handle(item: WorkItem, event: WorkEvent): Promise<void> {
    const claim = await this.processed.claim(event.id, item.replayOf);
    if (claim.status === "locked") return item.retry(claim.retryAfterMs);
    if (claim.status === "done") {
      this.counters.repeated++;
      return item.ack();
    }
    if (claim.status === "unreadable") {
      await this.bury(item, event.subject, UNREADABLE, 0, "unreadable_mark");
      await this.processed.dead(claim.mark);
      return item.ack();
    }
    const age = this.clock.now() - item.at;
    if (age > EVENT_AGE_MAX_MS) {
      return this.abandon(item, event, claim, tooOld(age), claim.attempt - 1, "too_old");
    }
    // Earlier attempts ended with their process: another one would end this process too.
    if (claim.attempt > this.options.bounds.maxAttempts) {
      return this.abandon(item, event, claim, claim.failure ?? "the worker ended during its last attempt");
    }
    const failure = await this.attempt(event, claim.attempt);
    if (failure === undefined) return this.finish(item, event, claim);
    if (this.stopping) return this.postpone(item, claim, failure, 0);
    if (failure instanceof WorkRefused || claim.attempt === this.options.bounds.maxAttempts) {
      return this.abandon(item, event, claim, failure.message);
    }
    this.counters.failed++;
    const delayMs = this.backoffMs(claim.attempt);
    this.logFailure(event, claim.attempt, delayMs, failure);
    await this.postpone(item, claim, failure, delayMs);
  }

  /** A line for the first and for every tenth attempt: a mail server may be away for hours. The stack on debug only. */
  private logFailure(event: WorkEvent, attempt: number, delayMs: number, failure: Error): void {
    const fields = { event: event.id, attempt, delayMs };
    if (attempt === 1 || attempt % LOG_EVERY === 0)
      this.log.warn({ ...fields, reason: failure.message }, "event attempt failed");
    else this.log.debug({ ...fields, err: failure }, "event attempt failed");
  }

  /** Resolves with the error when the attempt failed. */
  private async attempt(event: WorkEvent, attempt: number): Promise<Error | undefined> {
    const limit = new AbortController();
    const { workLimitMs } = this.options.bounds;
    const cancel = this.clock.after(workLimitMs, () => {
      limit.abort(new Error(`not done within ${workLimitMs} ms`));
    });
    const aborted = Promise.withResolvers<never>();
    limit.signal.addEventListener("abort", () => aborted.reject(limit.signal.reason), { once: true });
    aborted.promise.catch(() => undefined);
    this.limits.add(limit);
    if (this.stopping) limit.abort(new Error("the worker stops"));
    try {
      limit.signal.throwIfAborted();
      await failpoint(this.failpoints, "worker.work", () => {
        const work = this.options.work(event, { attempt, signal: limit.signal });
        return Promise.race([work, aborted.promise]);
      });
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      cancel();
      this.limits.delete(limit);
    }
  }

  private async finish(item: WorkItem, event: WorkEvent, claim: Claim): Promise<void> {
    this.counters.done++;
    if (await this.processed.done(claim)) return item.ack();
    // Not acknowledged: delivered here again, the mark is tried again; on another node the work is repeated.
    this.log.error({ event: event.id }, "event is done but could not be marked; it may be done twice");
    item.retry(UNAVAILABLE_PAUSE_MS);
  }

  private async postpone(item: WorkItem, claim: Claim, failure: Error, delayMs: number): Promise<void> {
    await this.processed.failed(claim, failure.message);
    item.retry(delayMs);
  }

  private async abandon(
    item: WorkItem,
    event: WorkEvent,
    claim: Claim,
    reason: string,
    attempts = claim.attempt,
    kind: DeadLetterKind = "failed",
  ): Promise<void> {
    try {
      await this.bury(item, event.subject, reason, attempts, kind);
    } catch (error) {
      await this.processed.failed(claim, reason);
      throw error;
    }
    await this.processed.dead(claim);
    item.ack();
  }

  private async buryUnreadable(item: WorkItem, reason: string): Promise<void> {
    try {
      await this.bury(item, `sequence-${item.sequence}`, reason, 1, "not_an_event");
      item.ack();
    } catch (error) {
      this.log.warn({ subject: item.subject, err: error }, "dead letter is stored later");
      item.retry(UNAVAILABLE_PAUSE_MS);
    }
  }

  private async bury(
    item: WorkItem,
    about: string,
    reason: string,
    attempts: number,
    kind: DeadLetterKind,
  ): Promise<void> {
    const worker = this.options.name;
    const partition = item.subject.split(".")[2] ?? "0";
    await failpoint(this.failpoints, "worker.bury", () =>
      this.queue.bury({ kind, worker, partition, about, item, reason, attempts }),
    );
    this.counters[COUNTED[kind]]++;
    this.log.error(
      { about, subject: item.subject, sequence: item.sequence, kind, reason, attempts },
      "dead letter",
    );
  }

  private backoffMs(attempt: number): number {
    const { backoffMs, backoffMaxMs } = this.options.bounds;
    return Math.min(backoffMaxMs, backoffMs * 2 ** (attempt - 1));
  }
}
