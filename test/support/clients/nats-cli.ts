/** The real `nats` CLI, where this machine has one. */
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { Lifetime } from "../cluster/lifetime.ts";
import { cleanEnvironment, startProcess } from "../cluster/processes.ts";
import { waitUntil } from "../wait-until.ts";

export type NatsCli = {
  /** Runs a line of shell that uses `nats`; returns its output, standard error included. @throws when it fails */
  run(line: string): Promise<string>;
  /** The same on a terminal, up to its first question, or to its end. */
  page(line: string): Promise<string>;
};

const TIMEOUT_MS = 20_000;
const QUESTION = "Next Page?";

/** The folder with the CLI: one of `PATH`, or where `go install` puts it. */
export function natsCliFolder(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), join(homedir(), "go", "bin")];
  return folders.filter((folder) => folder !== "").find((folder) => isExecutable(join(folder, "nats")));
}

/** @param url of the server that the CLI talks to unless the line names one */
export function natsCli(t: Lifetime, folder: string, url: string): NatsCli {
  const env = {
    ...cleanEnvironment(),
    PATH: `${folder}${delimiter}${process.env["PATH"] ?? ""}`,
    NATS_URL: url,
  };
  return {
    run: (line) =>
      new Promise((resolve, reject) => {
        execFile("/bin/sh", ["-c", line], { env, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
          if (error === null) resolve(stdout + stderr);
          else reject(new Error(`${line}: ${error.message}\n${stdout}${stderr}`));
        });
      }),
    async page(line) {
      const terminal = startProcess(t, "script", ["-qec", line, "/dev/null"], { env });
      await waitUntil(
        `"${line}" has shown a page`,
        () => !terminal.running() || terminal.output().includes(QUESTION),
      );
      await terminal.kill();
      return terminal.output();
    },
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
