/**
 * The thread in which the workers of a node run: started, stopped, watched. Its processor time is not taken from the
 * orders.
 * Owns: one thread.  Does not own: when it runs (node-workers.ts), what the workers do (workers.ts).
 * Proved by: test/process/worker-threads.test.ts
 */
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { NodeSettings, WorkerName } from "../../config/settings.ts";
import type { Forbidden } from "../../src/adapters/nats/link.ts";
import { stopping } from "../../src/runtime/limits.ts";
import type { UnreadableEntries } from "../../src/runtime/unreadable.ts";
import type { WorkerCounters } from "../../src/runtime/workers/worker.ts";

/** What the thread reports. */
export type WorkerReport =
  | { readonly type: "started" }
  /** `isAway`: the server could not be used; a later start may succeed. */
  | { readonly type: "failed"; readonly reason: string; readonly isAway: boolean }
  | { readonly type: "counted"; readonly counts: readonly EventCount[] }
  /** The server has refused a subject to the thread's user. */
  | { readonly type: "forbidden"; readonly reason: string }
  | { readonly type: "stopped" };

/** The events of one worker by their end, since the start of its thread. */
export type EventCount = {
  readonly worker: WorkerName;
  readonly counters: WorkerCounters;
  readonly unreadable: ReturnType<UnreadableEntries["counts"]>;
};

/** The thread could not use the server. Retryable with another thread. */
export class WorkersUnavailable extends Error {
  override readonly name = "WorkersUnavailable";
}

/** The file that the thread runs. */
export const WORKER_ENTRY = new URL("./worker-entry.ts", import.meta.url);

/** Shown by tools that list the threads of a process. */
export const THREAD_NAME = "workers";

/** MB for new objects. The default is for a heap of gigabytes, and at rest as much of it stays in use as was once. */
const YOUNG_GENERATION_MB = 12;

/** One thread with all workers of the node. A fault of it ends the process, like one of the process's own. */
export class WorkerThread {
  /** Rejects with WorkersUnavailable, or Error with the thread's message. Resolves too when `stop` was called first. */
  readonly started: Promise<void>;
  private readonly thread: Worker;
  private readonly ended: Promise<void>;
  private stopRequested = false;
  private stopped: Promise<void> | undefined;
  private counted: readonly EventCount[] = [];
  private refused: Forbidden | undefined;

  constructor(settings: NodeSettings, entry: URL) {
    this.thread = new Worker(entry, {
      name: THREAD_NAME,
      workerData: settings,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.thread.on("error", (error) => {
      throw error;
    });
    this.thread.on("message", (report: WorkerReport) => {
      if (report.type === "counted") this.counted = report.counts;
      if (report.type === "forbidden") this.refused = { reason: report.reason, at: performance.now() };
    });
    this.ended = new Promise((resolve) => this.thread.once("exit", () => resolve()));
    this.started = this.hasStarted();
  }

  /** As the thread last reported them, about a second old; none before its first report. */
  counts(): readonly EventCount[] {
    return this.counted;
  }

  /** The newest refusal of the server to let the thread's user publish or subscribe. */
  forbidden(): Forbidden | undefined {
    return this.refused;
  }

  /** Stops within `stopping.workersMs`: short work ends, the rest is left to other nodes. Idempotent. */
  stop(): Promise<void> {
    this.stopped ??= this.stopNow();
    return this.stopped;
  }

  private async stopNow(): Promise<void> {
    this.stopRequested = true;
    // It ends after its report, or by itself.
    const reported = new Promise<void>((resolve) => {
      this.thread.on("message", (report: WorkerReport) => report.type === "stopped" && resolve());
    });
    this.thread.postMessage("stop");
    // A worker abandons its work before that time; one that hangs must not delay the node.
    await Promise.race([reported, this.ended, pause(stopping.workersMs)]);
    await this.thread.terminate();
  }

  private hasStarted(): Promise<void> {
    return new Promise((resolve, reject) => {
      let started = false;
      // One listener from the beginning: report and exit may come without any promise job between them.
      this.thread.once("exit", () => {
        if (this.stopRequested) return resolve();
        if (!started) return reject(new Error("workers: their thread ended while it started"));
        // Otherwise no thread would do its work, and no operator would notice.
        throw new Error("workers: their thread has ended");
      });
      this.thread.on("message", (report: WorkerReport) => {
        if (report.type === "failed")
          reject(new (report.isAway ? WorkersUnavailable : Error)(`workers: ${report.reason}`));
        if (report.type !== "started") return;
        started = true;
        resolve();
      });
    });
  }
}
