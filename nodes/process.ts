/**
 * The life of one process: start, run, stop in order, and never outlive its parent.
 * Owns: signals, fatal errors, the exit code.  Does not own: what runs, or its logs.
 * Invariants
 *   process.P1. `stop` is called at most once, and only after `start` has resolved.
 *   process.P2. After the first request to stop, the process ends within `stopTimeoutMs`.
 *   process.P3. An unhandled error ends the process with exit code 1 and its stack on standard error.
 *   process.P4. A process that cannot go on ends at once, without its orderly stop.
 * Proved by: test/process/process.test.ts
 */
import { hasWatchedParent } from "../config/tool-settings.ts";
import { stopping } from "../src/runtime/limits.ts";

/** A process that has started. */
export type Running = {
  /** Rejects when it cannot go on: the process ends at once, with exit code 1 and the reason. */
  readonly failed?: Promise<never>;
  stop(): Promise<void>;
};

/** Sent to the parent over its IPC channel, if there is one. */
export type ProcessReport =
  | { readonly type: "started" }
  | { readonly type: "failed"; readonly reason: string };

/** Orders, addresses and secrets are in the files of a process and of its children: for its user alone. */
const OWN_FILES = 0o077;

/**
 * Runs `start`, and stops its result on SIGTERM, SIGINT or SIGHUP, or when the parent has ended (with
 * ORDERLY_PARENT=1). A second signal ends the process at once. Exit code 0 after an orderly stop, otherwise 1, also
 * after `stopTimeoutMs`.
 * @param start its signal is aborted when a stop is requested during the start
 */
export function runProcess(
  name: string,
  start: (signal: AbortSignal) => Promise<Running>,
  { stopTimeoutMs = stopping.processMs }: { readonly stopTimeoutMs?: number } = {},
): void {
  process.umask(OWN_FILES);
  const stopRequest = new AbortController();
  let exitSoon: NodeJS.Timeout | undefined;

  const requestStop = (why: string) => {
    if (stopRequest.signal.aborted) return;
    exitSoon = setTimeout(
      () => end(`did not stop within ${stopTimeoutMs / 1000} s of ${why}`),
      stopTimeoutMs,
    );
    stopRequest.abort(new Error(why));
  };
  const end = (reason: string): never => {
    process.stderr.write(`orderly ${name}: ${reason}\n`);
    process.exit(1);
  };
  const fatal = (error: unknown) => end(`fatal: ${stackOf(error)}`);

  process.on("uncaughtException", fatal);
  process.on("unhandledRejection", fatal);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      if (stopRequest.signal.aborted) end(`${signal} while stopping: ends at once`);
      requestStop(signal);
    });
  // Sent for a write beyond the limit of a file's size. The write fails like one to a full disk; no process may end.
  if (process.platform !== "win32") process.on("SIGXFSZ", () => {});
  if (hasWatchedParent()) onParentGone(() => requestStop("its parent's end"));

  void live(start, stopRequest.signal).then(
    () => {
      clearTimeout(exitSoon);
      process.exit(0);
    },
    (error: unknown) => {
      const reason = isProgrammerFault(error) ? stackOf(error) : messageOf(error);
      report({ type: "failed", reason });
      end(reason);
    },
  );
}

async function live(start: (signal: AbortSignal) => Promise<Running>, stop: AbortSignal): Promise<void> {
  let running: Running;
  try {
    running = await start(stop);
  } catch (error) {
    // The start failed because a stop was requested.
    if (stop.aborted) return;
    throw error;
  }
  report({ type: "started" });
  await Promise.race([aborted(stop), ...(running.failed === undefined ? [] : [running.failed])]);
  await running.stop();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** The channel, or standard input without one, closes when the parent ends, however it ends. */
function onParentGone(gone: () => void): void {
  if (process.channel !== undefined) {
    process.once("disconnect", gone);
    return;
  }
  process.stdin.once("end", gone).once("close", gone).once("error", gone).resume();
}

function report(message: ProcessReport): void {
  // The parent may end at this very moment; that is no failure of this process.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

/** Reported with its stack. Other errors are about the environment, and their message contains the remedy. */
function isProgrammerFault(error: unknown): boolean {
  return error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "EADDRINUSE")
    return `${error.message}; stop what listens there, or choose another port`;
  return error.message;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
