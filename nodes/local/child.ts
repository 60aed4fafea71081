/**
 * One process of the local cluster: started, watched, stopped.
 * Owns: the process and its log file.  Does not own: when it may start, and what its end means.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { ProcessReport } from "../process.ts";
import { reasonOf } from "./max-wait.ts";
import type { ProcessPlan } from "./plan.ts";

/** A process that runs. */
export type Child = {
  readonly name: string;
  readonly pid: number;
  /** Path of its log; the log of the run before is kept beside it as `.1`. */
  readonly log: string;
  readonly url: string;
  running(): boolean;
  /** SIGTERM, then SIGKILL after `timeoutMs`. Resolves when the process has ended. Idempotent. */
  stop(timeoutMs: number): Promise<void>;
};

/** For a failed wait until a child is ready. @throws Error with the child's name, the reason, and its log */
export const notReady =
  ({ name, log }: Child) =>
  (error: unknown): never => {
    throw new Error(`${name} is not ready: ${reasonOf(error)}; its log: ${log}`, { cause: error });
  };

/** How a child is started and watched. */
export type ChildOptions = {
  readonly logs: string;
  readonly startTimeoutMs: number;
  /** Aborted: the child is stopped and the start rejects. */
  readonly signal: AbortSignal;
  /** Called once when a started child ends without a call of `stop`. */
  readonly onEnd: (child: Child, how: string) => void;
  /** Called for each message of a started child; `answer` sends one back. */
  readonly onMessage?: (message: unknown, answer: (message: object) => void) => void;
};

const STOP_OF_FAILED_MS = 2_000;
const LOG_LINES_SHOWN = 5;

/**
 * Starts a process. Resolves when the process has reported that it has started.
 * @throws Error with the reason: the process's own message, or the end of its log
 */
export async function startChild(plan: ProcessPlan, options: ChildOptions): Promise<Child> {
  options.signal.throwIfAborted();
  const log = freshLog(options.logs, plan.name);
  const descriptor = openSync(log, "a");
  const process_ = spawn(process.execPath, [plan.file, ...plan.args], {
    env: { ...process.env, ...plan.env, ORDERLY_PARENT: "1" },
    stdio: ["ignore", descriptor, descriptor, "ipc"],
    // A group of its own: Ctrl-C goes to the launcher, which stops its children in order.
    detached: true,
  });
  closeSync(descriptor);
  const child = describe(plan, process_, log);
  let stopped = false;
  const supervised: Child = {
    ...child,
    stop(timeoutMs) {
      stopped = true;
      return child.stop(timeoutMs);
    },
  };
  try {
    await hasStarted(plan.name, process_, log, options);
  } catch (error) {
    await child.stop(STOP_OF_FAILED_MS);
    throw error;
  }
  process_.on("message", (message) =>
    options.onMessage?.(message, (answer) => {
      // It may have ended meanwhile.
      if (process_.connected) process_.send(answer, () => {});
    }),
  );
  process_.once("exit", () => {
    if (!stopped) options.onEnd(supervised, howItEnded(process_));
  });
  return supervised;
}

function describe(plan: ProcessPlan, process_: ChildProcess, log: string): Child {
  const running = () => process_.exitCode === null && process_.signalCode === null;
  const ended = new Promise<void>((resolve) => process_.once("exit", () => resolve()));
  return {
    name: plan.name,
    pid: process_.pid ?? 0,
    log,
    url: plan.url,
    running,
    async stop(timeoutMs) {
      if (process_.pid === undefined || !running()) return;
      process_.kill("SIGTERM");
      const kill = setTimeout(() => process_.kill("SIGKILL"), timeoutMs);
      await ended;
      clearTimeout(kill);
    },
  };
}

function hasStarted(
  name: string,
  process_: ChildProcess,
  log: string,
  { signal, startTimeoutMs }: ChildOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (reason?: string) => {
      clearTimeout(late);
      signal.removeEventListener("abort", onAbort);
      process_.removeListener("exit", onExit).removeListener("message", onMessage);
      if (reason === undefined) resolve();
      else reject(new Error(`${name}: ${reason}`));
    };
    const onAbort = () => settle("interrupted");
    const onExit = () => settle(`${howItEnded(process_)} while starting${endOf(log)}`);
    const onMessage = (report: ProcessReport) => {
      // A node serves before it has started: a drill may come first.
      if (report.type === "failed") settle(report.reason);
      else if (report.type === "started") settle();
    };
    const late = setTimeout(
      () => settle(`did not start within ${startTimeoutMs / 1000} s${endOf(log)}`),
      startTimeoutMs,
    );
    signal.addEventListener("abort", onAbort, { once: true });
    process_.once("exit", onExit).on("message", onMessage);
    process_.once("error", (error) => settle(error.message));
  });
}

function howItEnded(process_: ChildProcess): string {
  return process_.signalCode === null
    ? `ended with exit code ${process_.exitCode ?? "unknown"}`
    : `was ended by ${process_.signalCode}`;
}

/** The log of the run before is kept, so that an operator can read how it ended. */
function freshLog(folder: string, name: string): string {
  mkdirSync(folder, { recursive: true });
  const log = join(folder, `${name}.log`);
  if (existsSync(log)) renameSync(log, `${log}.1`);
  return log;
}

function endOf(log: string): string {
  const lines = readFileSync(log, "utf8").trim().split("\n").slice(-LOG_LINES_SHOWN);
  return `\n${lines.map((line) => `    ${line.slice(0, 300)}`).join("\n")}\n  whole log: ${log}`;
}
