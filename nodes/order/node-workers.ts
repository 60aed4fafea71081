/**
 * The workers of one node: their thread runs while there is work, and ends after some minutes of rest. At rest a node
 * keeps no second copy of everything in memory, and its start waits for no thread.
 * Owns: when the thread runs, the counters over all of its lives.  Does not own: the thread, what waits.
 * Invariants
 *   workers.N1. At most one thread runs.
 *   workers.N2. While no thread runs, work that waits starts one (watch.V1).
 *   workers.N3. A thread that ends or fails by itself ends the process; one that cannot reach the server is repeated.
 * Proved by: test/process/worker-threads.test.ts, test/integration/nodes/node-workers.test.ts
 */
import { setTimeout as pause } from "node:timers/promises";
import type { NodeSettings, WorkerName } from "../../config/settings.ts";
import type { Forbidden } from "../../src/adapters/nats/link.ts";
import type { Log } from "../../src/runtime/ports.ts";
import type { WorkerCounters } from "../../src/runtime/workers/worker.ts";
import { type EventCount, WorkersUnavailable, WorkerThread } from "./worker-threads.ts";
import { type WatchOptions, type WorkerBacklog, WorkWatch } from "./work-watch.ts";

/** The events of one worker of this node, by their end, and what waits for it on all nodes. */
export type WorkerCount = EventCount & {
  /** `undefined` until it was read once, and while the server cannot be asked. */
  readonly backlog: WorkerBacklog | undefined;
};

/** Without work for this time the thread ends. */
const REST_MS = 5 * 60_000;
/** Pause after a thread that could not reach the server. */
const AGAIN_MS = 1_000;
const NONE: WorkerCounters = { done: 0, repeated: 0, failed: 0, dead: 0, tooOld: 0, unreadableMark: 0 };

/** What the workers of a node need. */
export type NodeWorkersOptions = Omit<WatchOptions, "workers" | "streams"> & {
  readonly settings: NodeSettings;
  readonly log: Log;
  /** The file that the thread runs. */
  readonly entry: URL;
  /** Tests only. */
  readonly restMs?: number;
};

/** The workers of one node. `start` once, `stop` once. */
export class NodeWorkers {
  private readonly options: NodeWorkersOptions;
  private readonly watch: WorkWatch;
  private readonly stopping = new AbortController();
  private thread: WorkerThread | undefined;
  /** Of the threads that have ended. */
  private ended: readonly EventCount[] = [];

  constructor(options: NodeWorkersOptions) {
    const { workers, streams } = options.settings;
    this.options = options;
    this.watch = new WorkWatch({ ...options, workers, streams });
  }

  /** From now on events wait for the workers, or are worked on. @throws Unavailable (retryable) */
  async start(): Promise<void> {
    if (this.options.settings.workers.length === 0) return;
    await this.watch.start();
    // A fault ends the process.
    void this.run();
  }

  /** Counters are about a second old, the backlog about ten. */
  counts(): readonly WorkerCount[] {
    const running = this.thread?.counts() ?? [];
    return this.sumWith(running).map((count) => ({ ...count, backlog: this.watch.backlog(count.worker) }));
  }

  /** The newest refusal of the server to let the workers' user publish or subscribe. */
  forbidden(): Forbidden | undefined {
    return this.thread?.forbidden();
  }

  /** Stops within `stopping.workersMs`: short work ends, the rest is left to other nodes. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.watch.stop();
    await this.thread?.stop();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.watch.work(signal);
      if (!signal.aborted) await this.runThread(signal);
    }
  }

  private async runThread(signal: AbortSignal): Promise<void> {
    const { settings, entry, log, restMs = REST_MS } = this.options;
    log.info({}, "workers start: an event waits");
    const thread = new WorkerThread(settings, entry);
    this.thread = thread;
    try {
      await thread.started;
      await this.watch.rest(restMs, () => handled(thread.counts()), signal);
    } catch (error) {
      if (!(error instanceof WorkersUnavailable)) throw error;
      log.warn({ reason: error.message }, "the workers start again");
      await pause(AGAIN_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
    // At its own stop the node waits for the thread.
    if (signal.aborted) return;
    log.info({}, "workers end until the next event");
    await thread.stop();
    this.ended = this.sumWith(thread.counts());
    this.thread = undefined;
  }

  /** One count for each worker: of the threads that have ended, and the given ones. */
  private sumWith(counts: readonly EventCount[]): EventCount[] {
    return this.options.settings.workers.map((worker) => sumOf(worker, [...this.ended, ...counts]));
  }
}

const handled = (counts: readonly EventCount[]): number =>
  counts.flatMap(({ counters }) => Object.values(counters)).reduce((sum, count) => sum + count, 0);

function sumOf(worker: WorkerName, counts: readonly EventCount[]): EventCount {
  const own = counts.filter((count) => count.worker === worker);
  return {
    worker,
    counters: own.reduce((sum, { counters }) => added(sum, counters), NONE),
    unreadable: own.reduce<EventCount["unreadable"]>((sum, { unreadable }) => added(sum, unreadable), {}),
  };
}

/** The sum of two records of numbers, key by key. */
function added<T extends object>(a: T, b: T): T {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  const numberIn = (record: T, key: string): number => (record as Record<string, number>)[key] ?? 0;
  return Object.fromEntries(keys.map((key) => [key, numberIn(a, key) + numberIn(b, key)])) as T;
}
