/** Runs one outside command to its end, within a time limit. */
import { execFile, type ExecFileException } from "node:child_process";

/** How a command is run. After `timeoutMs` it is killed. */
export type CommandOptions = {
  readonly timeoutMs: number;
  readonly cwd?: string;
  /** Added to the environment that the command inherits. */
  readonly env?: Readonly<Record<string, string>>;
};

/**
 * Resolves with the command's standard output.
 * @throws Error of one line: command, what went wrong, last line of standard error
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      command,
      [...args],
      {
        timeout: options.timeoutMs,
        killSignal: "SIGKILL",
        maxBuffer: 4 * 1024 * 1024,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        env: { ...process.env, ...options.env },
      },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        reject(new Error(`${command} ${reasonOf(error, stderr, options.timeoutMs)}`, { cause: error }));
      },
    );
  });
}

function reasonOf(error: ExecFileException, stderr: string, timeoutMs: number) {
  if (error.code === "ENOENT") return "is not installed";
  if (error.killed === true) return `took longer than ${timeoutMs / 1000} s`;
  const last = stderr.trim().split("\n").at(-1) ?? "";
  return `failed (${String(error.code ?? error.signal ?? error.message)})${last === "" ? "" : `: ${last.slice(0, 200)}`}`;
}
