/** One test file in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Counts, countsIn, NONE } from "./tap-output.ts";

export type FileResult = {
  /** From the project's root. */
  readonly file: string;
  readonly counts: Counts;
  readonly ok: boolean;
  /** Why the file failed as a whole: it ended badly, or did not end. Undefined when its tests say all. */
  readonly reason: string | undefined;
  readonly ms: number;
  /** Everything it has written, in the Test Anything Protocol. */
  readonly output: string;
  /** Everything it has written to standard error. */
  readonly errors: string;
};

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PRELOAD = fileURLToPath(new URL("preload.ts", import.meta.url));
/** Of one test file, as in .taprc; a file may ask tap for more with `t.setTimeout`. */
const TIMEOUT_S = 300;
/** Longest that any file may ask for. */
const FILE_LIMIT_MS = 360_000;
const KILL_AFTER_MS = 5000;

/** Runs a file to its end. Never rejects. `stop` of what it returns ends it sooner. */
export function startFile(
  file: string,
  limitMs = FILE_LIMIT_MS,
): { readonly ended: Promise<FileResult>; stop(reason: string): void } {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ["--import", PRELOAD, file], {
    cwd: ROOT,
    env: { ...withoutTap(process.env), TAP_TIMEOUT: String(TIMEOUT_S) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = collected(child.stdout);
  const errors = collected(child.stderr);
  let stopped: string | undefined;
  const stop = (reason: string): void => {
    stopped ??= reason;
    end(child);
  };
  const limit = setTimeout(() => stop(`has not ended after ${limitMs / 1000} s`), limitMs);
  const ended = new Promise<FileResult>((resolve) => {
    const finish = (how: string | undefined): void => {
      clearTimeout(limit);
      const ms = performance.now() - startedAt;
      resolve(resultOf(file, output(), errors(), ms, stopped ?? how));
    };
    child.once("error", ({ message }) => finish(message));
    child.once("close", (code, signal) => {
      finish(signal === null ? (code === 0 ? undefined : `exit code ${code}`) : `ended by ${signal}`);
    });
  });
  return { ended, stop };
}

/** A file that ends badly without a failed test counts as one failure; so does one without counts. */
function resultOf(
  file: string,
  output: string,
  errors: string,
  ms: number,
  how: string | undefined,
): FileResult {
  const counts = countsIn(output);
  const known = counts ?? NONE;
  const base = { file, ms, output, errors };
  const reason = counts === undefined ? `says no counts: ${how ?? "exit code 0"}` : how;
  if (reason === undefined) return { ...base, counts: known, ok: known.fail === 0, reason };
  const failed = known.fail > 0 ? known : { ...known, total: known.total + 1, fail: 1 };
  return { ...base, counts: failed, ok: false, reason };
}

/** With tap's variables the file would take itself for a part of another test, and say no counts. */
const withoutTap = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^_?TAP/u.test(name)));

function collected(stream: NodeJS.ReadableStream): () => string {
  const chunks: string[] = [];
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => chunks.push(chunk));
  return () => chunks.join("");
}

/** SIGTERM, on which tap says which tests were running; then SIGKILL. */
function end(child: ChildProcess): void {
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS).unref();
}
