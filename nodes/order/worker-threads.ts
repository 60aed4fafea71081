/**
 * The workers of one node, each in a thread of its own: started, stopped, watched. Their processor time is not taken
 * from the orders.
 * Owns: the threads.  Does not own: what the workers do.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { NodeSettings, WorkerName } from "../../config/settings.ts";
import { stopping } from "../../src/runtime/limits.ts";
import type { UnreadableEntries } from "../../src/runtime/unreadable.ts";
import type { WorkerCounters } from "../../src/runtime/workers/worker.ts";

/** What a thread receives when it starts. */
export type WorkerAssignment = { readonly worker: WorkerName; readonly settings: NodeSettings };

/** What a thread reports. */
export type WorkerReport =
  | { readonly type: "started" }
  | { readonly type: "failed"; readonly reason: string }
  /** The events of this thread by their end, since its start. */
  | { readonly type: "counted"; readonly counters: WorkerCounters; readonly unreadable: UnreadableCounts }
  /** `undefined`: the server could not be asked. */
  | { readonly type: "backlog"; readonly backlog: WorkerBacklog | undefined }
  | { readonly type: "stopped" };

/** What waits for a worker on all nodes together. */
export type WorkerBacklog = {
  readonly items: number;
  /** Age of the oldest of them, ms; 0 when none waits. */
  readonly oldestMs: number;
  readonly deadLetters: number;
};

/** The events of one worker of this node, by their end, and what waits for it on all nodes. */
export type WorkerCount = {
  readonly worker: WorkerName;
  readonly counters: WorkerCounters;
  readonly unreadable: UnreadableCounts;
  /** `undefined` until it was read once, and while the server cannot be asked. */
  readonly backlog: WorkerBacklog | undefined;
};

type UnreadableCounts = ReturnType<UnreadableEntries["counts"]>;

/** The running threads of one node. */
export type WorkerThreads = {
  /** As the threads last reported them: counters about a second old, the backlog about ten. */
  counts(): readonly WorkerCount[];
  /** Stops within `stopping.workersMs`: short work ends, the rest is left to other nodes. */
  stop(): Promise<void>;
};

/** The file that a thread runs. */
export const WORKER_ENTRY = new URL("./worker-entry.ts", import.meta.url);

/**
 * Starts one thread per worker. The streams must exist. An unhandled fault of a thread ends the process, like one of
 * the process's own.
 * @throws Error with the thread's message
 */
export async function startWorkerThreads(settings: NodeSettings, entry: URL): Promise<WorkerThreads> {
  const threads = await Promise.all(
    settings.workers.map((worker) => startThread(entry, { worker, settings })),
  );
  return {
    counts: () => threads.flatMap((thread) => thread.counts()),
    stop: async () => {
      await Promise.all(threads.map((thread) => thread.stop()));
    },
  };
}

async function startThread(entry: URL, assignment: WorkerAssignment): Promise<WorkerThreads> {
  const thread = new Worker(entry, { workerData: assignment });
  thread.on("error", (error) => {
    throw error;
  });
  let stopRequested = false;
  let counted: Omit<WorkerCount, "worker" | "backlog"> | undefined;
  let backlog: WorkerBacklog | undefined;
  thread.on("message", (report: WorkerReport) => {
    if (report.type === "counted") counted = { counters: report.counters, unreadable: report.unreadable };
    if (report.type === "backlog") backlog = report.backlog;
  });
  await hasStarted(thread, assignment.worker, () => {
    // Otherwise no thread would do its work, and no operator would notice.
    if (!stopRequested) throw new Error(`${assignment.worker} worker: its thread has ended`);
  });
  return {
    counts: () => (counted === undefined ? [] : [{ worker: assignment.worker, ...counted, backlog }]),
    stop: async () => {
      stopRequested = true;
      // It ends after its report, or by itself.
      const stopped = new Promise<void>((resolve) => {
        thread.on("message", (report: WorkerReport) => report.type === "stopped" && resolve());
        thread.once("exit", () => resolve());
      });
      thread.postMessage("stop");
      // A worker abandons its work before that time; one that hangs must not delay the node.
      await Promise.race([stopped, pause(stopping.workersMs)]);
      await thread.terminate();
    },
  };
}

/** @param ended called when the thread ends after its start, also at the very moment of its report */
function hasStarted(thread: Worker, worker: WorkerName, ended: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let started = false;
    const failed = (reason: string): void => reject(new Error(`${worker} worker: ${reason}`));
    // One listener from the beginning: report and exit may come without any promise job between them.
    thread.once("exit", () => (started ? ended() : failed("its thread ended while it started")));
    thread.on("message", (report: WorkerReport) => {
      if (report.type === "failed") failed(report.reason);
      if (report.type !== "started") return;
      started = true;
      resolve();
    });
  });
}
