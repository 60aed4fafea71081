/** One test file in a process of its own, in a copy of the project. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { FailureReader } from "./failures.ts";

export type Ending = {
  /** `failed`: an assertion or an error in a test. `unclear`: the file ended badly or did not end; no test says why. */
  readonly kind: "passed" | "failed" | "unclear" | "interrupted";
  /** The title of the failed test, or what is known instead. */
  readonly says: string;
  readonly ms: number;
};

export type TestRun = {
  /** The copy of the project. */
  readonly folder: string;
  /** For the temporary files of the test and its processes. */
  readonly temporary: string;
  /** From the project's root. */
  readonly file: string;
  /** A file that takes longer is ended. */
  readonly limitMs: number;
  /** Ends the process. */
  readonly signal: AbortSignal;
};

const PRELOAD = fileURLToPath(new URL("../../runner/preload.ts", import.meta.url));
/** More than any limit here: the runner ends a file, not tap. */
const TAP_TIMEOUT_S = 3600;
const ERROR_LINES = 3;

/** Runs until the first failure, which is all that the runner needs. Never rejects. */
export function runTest({ folder, temporary, file, limitMs, signal }: TestRun): Promise<Ending> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ["--import", PRELOAD, file], {
    cwd: folder,
    env: { ...withoutTap(process.env), TMPDIR: temporary, TAP_TIMEOUT: String(TAP_TIMEOUT_S) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const failures = new FailureReader();
  let errors = "";
  let outOfTime = false;
  // Servers that the test has started end with it, however it ends (test/support/cluster/processes.ts).
  const end = (): void => void child.kill("SIGKILL");
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    failures.read(text);
    if (failures.title !== undefined) end();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const limit = setTimeout(() => {
    outOfTime = true;
    end();
  }, limitMs);
  if (signal.aborted) end();
  else signal.addEventListener("abort", end);
  return new Promise((resolve) => {
    const finish = (how: string | undefined): void => {
      clearTimeout(limit);
      signal.removeEventListener("abort", end);
      const ms = performance.now() - startedAt;
      const { title } = failures;
      if (title !== undefined) resolve({ kind: "failed", says: title, ms });
      else if (signal.aborted) resolve({ kind: "interrupted", says: "", ms });
      else if (outOfTime)
        resolve({ kind: "unclear", says: `no test has failed within ${limitMs / 1000} s`, ms });
      else if (how === undefined) resolve({ kind: "passed", says: "", ms });
      else resolve({ kind: "unclear", says: [how, ...lastOf(errors)].join(": "), ms });
    };
    child.once("error", ({ message }) => finish(message));
    child.once("close", (code, ended) => finish(code === 0 ? undefined : `exit code ${code ?? ended}`));
  });
}

/** With tap's variables the file would take itself for a part of another test. */
const withoutTap = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^_?TAP/u.test(name)));

/** The lines that name the error, without the stack. */
function lastOf(errors: string): string[] {
  const lines = errors.split("\n").filter((line) => /\S/u.test(line) && !/^\s+at |^Node\.js v/u.test(line));
  return lines.slice(-ERROR_LINES).map((line) => line.trim());
}
