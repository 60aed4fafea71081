/**
 * What waits for the workers of this node, seen by its main thread: counted every few seconds, and noticed at once
 * while no thread works on it. It makes the workers' consumers, which keep the events meanwhile.
 * Owns: the newest counts, the subscriptions to the first event.  Does not own: the events, the workers' thread.
 * Invariants
 *   watch.V1. An event that is stored after `work` was called, or waited before, is noticed: by its own publication, by
 *       the count at the beginning and after each reconnection, or by the next count at the latest. (The server counts
 *       a stored event for its consumers a moment after its answer, so that a count at that moment can miss it.)
 * Proved by: test/integration/nodes/work-watch.test.ts
 */
import { setTimeout as pause } from "node:timers/promises";
import type { WorkerName } from "../../config/settings.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { ensureConsumers, natsWorkQueue, onWork } from "../../src/adapters/nats/work-queue.ts";
import { type Clock, Unavailable } from "../../src/runtime/ports.ts";
import type { Subjects } from "../../src/runtime/subjects.ts";
import type { WorkQueue, WorkQueueOptions } from "../../src/runtime/workers/work-queue.ts";
import { consumerOf } from "../../src/runtime/workers/worker.ts";
import { emailQueue } from "../../src/services/email/worker.ts";
import { invoiceQueue } from "../../src/services/invoice/worker.ts";

/** How often the server is asked what waits. */
const COUNT_EVERY_MS = 10_000;
const queues = { email: emailQueue, invoice: invoiceQueue } as const satisfies Record<WorkerName, object>;

/** What waits for a worker on all nodes together. */
export type WorkerBacklog = {
  readonly items: number;
  /** Age of the oldest of them, ms; 0 when none waits. */
  readonly oldestMs: number;
  readonly deadLetters: number;
};

/** What a watch needs. `clock`: the server's time. */
export type WatchOptions = {
  readonly workers: readonly WorkerName[];
  readonly link: NatsLink;
  readonly subjects: Subjects;
  readonly clock: Pick<Clock, "now">;
  /** Of streams. */
  readonly streams: number;
  /** Tests only. */
  readonly everyMs?: number | undefined;
};

/** The watch of one node. `start` once, `stop` once. */
export class WorkWatch {
  private readonly options: WatchOptions;
  private readonly queue: WorkQueue;
  private readonly consumers: readonly { readonly worker: WorkerName; readonly options: WorkQueueOptions }[];
  private readonly backlogs = new Map<WorkerName, WorkerBacklog | undefined>();
  private readonly stopping = new AbortController();
  /** Called after each count. */
  private readonly listeners = new Set<() => void>();
  private forgetLink: (() => void) | undefined;

  constructor(options: WatchOptions) {
    const { link, subjects, clock, streams, workers } = options;
    this.options = options;
    this.queue = natsWorkQueue(link, subjects, () => clock.now(), streams);
    this.consumers = workers.map((worker) => ({ worker, options: consumerOf(subjects, queues[worker]) }));
  }

  /** Makes the consumers, and counts from now on. @throws Unavailable (retryable) */
  async start(): Promise<void> {
    const { link, subjects, clock, streams } = this.options;
    for (const { options } of this.consumers)
      await ensureConsumers(link, subjects, options, () => clock.now(), streams);
    this.forgetLink = link.onChange((connected) => connected && void this.count());
    void this.countAgain();
  }

  /** As it was counted last; `undefined` until then, and while the server cannot be asked. */
  backlog(worker: WorkerName): WorkerBacklog | undefined {
    return this.backlogs.get(worker);
  }

  /** Resolves when work waits for a worker, or at the abort. */
  async work(signal: AbortSignal): Promise<void> {
    const found = Promise.withResolvers<void>();
    const { link, subjects } = this.options;
    const ends = this.consumers.map(({ options }) => onWork(link, subjects, options, () => found.resolve()));
    const counted = () => this.waits() === true && found.resolve();
    this.listeners.add(counted);
    signal.addEventListener("abort", () => found.resolve(), { once: true });
    if (signal.aborted) found.resolve();
    // After the subscriptions, on their connection: what they do not see is counted.
    void this.count();
    await found.promise;
    for (const end of ends) end();
    this.listeners.delete(counted);
  }

  /**
   * Resolves when nothing has waited for `restMs`, and `done` has not changed, or at the abort.
   * @param done a number that every event changes
   */
  async rest(restMs: number, done: () => number, signal: AbortSignal): Promise<void> {
    const rested = Promise.withResolvers<void>();
    let since = performance.now();
    let before = done();
    const counted = () => {
      const now = done();
      if (now !== before || this.waits() !== false) since = performance.now();
      before = now;
      if (performance.now() - since >= restMs) rested.resolve();
    };
    this.listeners.add(counted);
    signal.addEventListener("abort", () => rested.resolve(), { once: true });
    if (signal.aborted) rested.resolve();
    await rested.promise;
    this.listeners.delete(counted);
  }

  /** Idempotent. */
  stop(): void {
    this.stopping.abort();
    this.forgetLink?.();
  }

  /** `undefined`: that is not known. */
  private waits(): boolean | undefined {
    const known = this.consumers.map(({ worker }) => this.backlogs.get(worker));
    if (known.some((backlog) => backlog !== undefined && backlog.items > 0)) return true;
    return known.includes(undefined) ? undefined : false;
  }

  private async countAgain(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.count();
      const { everyMs = COUNT_EVERY_MS } = this.options;
      await pause(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  private async count(): Promise<void> {
    await Promise.all(
      this.consumers.map(async ({ worker, options }) =>
        this.backlogs.set(worker, await this.backlogOf(options)),
      ),
    );
    for (const listener of this.listeners) listener();
  }

  private async backlogOf(options: WorkQueueOptions): Promise<WorkerBacklog | undefined> {
    try {
      const { items, oldestAt, deadLetters } = await this.queue.backlog(options);
      const oldestMs = oldestAt === undefined ? 0 : Math.max(0, this.options.clock.now() - oldestAt);
      return { items, oldestMs, deadLetters };
    } catch (error) {
      if (error instanceof Unavailable || this.stopping.signal.aborted) return undefined;
      throw error;
    }
  }
}
