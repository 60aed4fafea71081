/**
 * Child processes of a test: started with the Node that runs the test, ended with it.
 * Owns: the processes it started, by their ids.  Does not own: files and ports they use.
 * Invariant: when the test is over, passed or failed, none of its processes runs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Lifetime } from "./lifetime.ts";
import { waitUntil } from "../wait-until.ts";

const OUTPUT_TIMEOUT_MS = 1000;

export type Started = {
  readonly pid: number;
  /** Its output so far, standard error included, oldest first. */
  output(): string;
  /** Resolves when the process has ended: exit code, or the signal that ended it. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  running(): boolean;
  send(signal: NodeJS.Signals): void;
  /** `kill -9`, and waits for the end. A frozen process dies too. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the end; fails when it takes longer than `timeoutMs` (default 10 s). */
  stop(timeoutMs?: number): Promise<void>;
  /** Freezes the process (SIGSTOP); the returned function lets it go on (SIGCONT). */
  freeze(): () => void;
  /** Writes a line to its standard input. */
  write(line: string): void;
  /** Closes the pipe that is its standard input. */
  closeStdin(): void;
};

export type StartOptions = {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
};

/** Starts a TypeScript file with this Node. */
export function startNode(
  t: Lifetime,
  file: string,
  args: readonly string[] = [],
  options: StartOptions = {},
): Started {
  return startProcess(t, process.execPath, [file, ...args], options);
}

/** Starts a command. Variables of the test runner itself are not handed on. */
export function startProcess(
  t: Lifetime,
  command: string,
  args: readonly string[],
  options: StartOptions = {},
): Started {
  const child = spawn(command, [...args], {
    // If the test is killed, standard input closes, and our processes stop by themselves.
    env: { ...cleanEnvironment(), ORDERLY_PARENT: "1", ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const started = watch(child);
  endWithUs(started);
  t.teardown(() => started.kill());
  return started;
}

/** If this process dies without its teardowns, a shell that waits for the end of its input kills the other process. */
function endWithUs({ pid, ended }: Started): void {
  const reaper = spawn("/bin/sh", ["-c", `read _; kill -9 ${pid} 2>/dev/null`], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  reaper.unref();
  (reaper.stdin as Socket).unref();
  void ended.then(() => reaper.kill("SIGKILL"));
}

/** The environment without the variables that would change how Orderly or a child Node behaves. */
export function cleanEnvironment(): Record<string, string | undefined> {
  const foreign = /^(ORDERLY_(?!CACHE$|NATS_SERVER$)|NATS_URL$|TAP|_TAP|NODE_OPTIONS$|NODE_V8_COVERAGE$)/u;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

/** True while a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function watch(child: ChildProcess): Started {
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
  const closed = once(child, "close");
  // A grandchild may hold the pipes open; the test does not wait for its output.
  const ended = once(child, "exit")
    .then(() => Promise.race([closed, pause(OUTPUT_TIMEOUT_MS, undefined, { ref: false })]))
    .then(() => ({ code: child.exitCode, signal: child.signalCode }));
  const running = () => child.exitCode === null && child.signalCode === null;
  const pid = child.pid;
  if (pid === undefined) throw new Error("the process could not be started");
  const kill = async () => {
    if (running()) child.kill("SIGKILL");
    await ended;
  };
  return {
    pid,
    output: () => output,
    ended,
    running,
    send: (signal) => void child.kill(signal),
    kill,
    async stop(timeoutMs = 10_000) {
      child.kill("SIGTERM");
      await waitUntil(`process ${pid} stops`, () => !running(), { timeoutMs });
      await ended;
    },
    freeze() {
      child.kill("SIGSTOP");
      spinUntilStopped(pid);
      return () => void child.kill("SIGCONT");
    },
    write: (line) => void child.stdin?.write(`${line}\n`),
    closeStdin: () => void child.stdin?.end(),
  };
}

/** Sends the signal, and waits for its effect where the system reports it (Linux). */
function spinUntilStopped(pid: number): void {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return;
  const deadline = performance.now() + 1000;
  while (performance.now() < deadline) {
    const states = readdirSync(tasks).map((task) => {
      const stat = readFileSync(`${tasks}/${task}/stat`, "utf8");
      return stat.slice(stat.lastIndexOf(")") + 2)[0];
    });
    if (states.every((state) => state === "T")) return;
  }
}
