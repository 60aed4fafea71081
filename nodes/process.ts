/**
 * The life of one process: start, run, stop in order, and never outlive its parent.
 * Owns: signals, fatal errors, the exit code.  Does not own: what runs, or its logs.
 * Invariants
 *   P1. `stop` is called at most once, and only after `start` has resolved.
 *   P2. Once a stop is asked for, the process is gone after `stopTimeoutMs` at the latest.
 *   P3. An error nobody handled ends the process with exit code 1 and its stack on standard error.
 * Proved by: test/process/process.test.ts
 */
import { stopping } from "../src/runtime/limits.ts";
import { hasWatchedParent } from "../config/tool-settings.ts";

export type Running = { stop(): Promise<void> };

/** Told to the parent over its IPC channel, where there is one. */
export type ProcessReport =
  | { readonly type: "started" }
  | { readonly type: "failed"; readonly reason: string };

/**
 * Runs `start` and stops what it gave on SIGTERM, SIGINT or SIGHUP, or when the parent is gone (with ORDERLY_PARENT=1).
 * A second signal ends at once. Exit code 0 after an orderly stop, else 1; so after `stopTimeoutMs`.
 * @param start its signal is aborted when a stop is asked for while it still starts
 */
export function runProcess(
  name: string,
  start: (signal: AbortSignal) => Promise<Running>,
  { stopTimeoutMs = stopping.processMs }: { readonly stopTimeoutMs?: number } = {},
): void {
  const wish = new AbortController();
  let exitSoon: NodeJS.Timeout | undefined;

  const askToStop = (why: string) => {
    if (wish.signal.aborted) return;
    exitSoon = setTimeout(
      () => end(`did not stop within ${stopTimeoutMs / 1000} s of ${why}`),
      stopTimeoutMs,
    );
    wish.abort(new Error(why));
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
      if (wish.signal.aborted) end(`${signal} while stopping: ends at once`);
      askToStop(signal);
    });
  // Comes with a write beyond a limit on the size of files, which fails like one to a full disk: nobody ends of it.
  if (process.platform !== "win32") process.on("SIGXFSZ", () => {});
  if (hasWatchedParent()) onParentGone(() => askToStop("its parent's end"));

  void live(start, wish.signal).then(
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

async function live(start: (signal: AbortSignal) => Promise<Running>, wish: AbortSignal): Promise<void> {
  let running: Running;
  try {
    running = await start(wish);
  } catch (error) {
    // Start gave up because it was told to.
    if (wish.aborted) return;
    throw error;
  }
  report({ type: "started" });
  await aborted(wish);
  await running.stop();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** The channel, or standard input where there is none, closes when the parent dies, however it dies. */
function onParentGone(gone: () => void): void {
  if (process.channel !== undefined) {
    process.once("disconnect", gone);
    return;
  }
  process.stdin.once("end", gone).once("close", gone).once("error", gone).resume();
}

function report(message: ProcessReport): void {
  // The parent may die at this very moment; that is not our failure.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

/** Told with its stack; anything else is about the surroundings, and its message says what to do. */
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
