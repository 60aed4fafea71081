/**
 * The workers of one node, each in a thread of its own: started, stopped, watched. What they cost in time is not
 * taken from the orders.
 * Owns: the threads.  Does not own: what the workers do.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { stopping } from "../../src/runtime/limits.ts";
import type { NodeSettings, WorkerName } from "../../config/settings.ts";

/** What a thread is told when it starts. */
export type WorkerOrder = { readonly worker: WorkerName; readonly settings: NodeSettings };

/** What a thread tells. */
export type WorkerReport =
  | { readonly type: "started" }
  | { readonly type: "failed"; readonly reason: string }
  | { readonly type: "stopped" };

export type WorkerThreads = {
  /** Within `stopping.workersMs`: short work ends, the rest is left to other nodes. */
  stop(): Promise<void>;
};

/** The file that a thread runs. */
export const WORKER_ENTRY = new URL("./worker-entry.ts", import.meta.url);

/**
 * Needs the streams to exist. A fault of a thread that nobody handles ends the process, as one of its own would.
 * @throws Error with the thread's own words
 */
export async function startWorkerThreads(settings: NodeSettings, entry: URL): Promise<WorkerThreads> {
  const threads = await Promise.all(
    settings.workers.map((worker) => startThread(entry, { worker, settings })),
  );
  return {
    stop: async () => {
      await Promise.all(threads.map((thread) => thread.stop()));
    },
  };
}

async function startThread(entry: URL, order: WorkerOrder): Promise<WorkerThreads> {
  const thread = new Worker(entry, { workerData: order });
  thread.on("error", (error) => {
    throw error;
  });
  await hasStarted(thread, order.worker);
  let told = false;
  thread.once("exit", () => {
    // Nobody would do its work any more, and nobody would notice.
    if (!told) throw new Error(`${order.worker} worker: its thread has ended`);
  });
  return {
    stop: async () => {
      told = true;
      // It ends with its report, or of itself.
      const stopped = new Promise<void>((resolve) => {
        thread.once("message", () => resolve()).once("exit", () => resolve());
      });
      thread.postMessage("stop");
      // A worker gives up what is under way before; one that hangs does not keep the node.
      await Promise.race([stopped, pause(stopping.workersMs)]);
      await thread.terminate();
    },
  };
}

function hasStarted(thread: Worker, worker: WorkerName): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (reason: string): void => reject(new Error(`${worker} worker: ${reason}`));
    const onExit = (): void => failed("its thread ended while it started");
    thread.once("exit", onExit);
    thread.once("message", (report: WorkerReport) => {
      thread.removeListener("exit", onExit);
      if (report.type === "failed") failed(report.reason);
      else resolve();
    });
  });
}
