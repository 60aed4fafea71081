/** The machine on which a figure was measured: without it a figure means nothing. */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { locateNatsServer } from "../nodes/local/nats-binary.ts";

/** Part of every result line. */
export type Machine = {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly platform: string;
  readonly node: string;
  readonly natsServer: string;
  /** Ends with `-changed` when files differ from the commit. */
  readonly commit: string;
};

/** Describes this machine. @throws NatsServerMissing */
export async function describeMachine(report: (line: string) => void): Promise<Machine> {
  const nats = await locateNatsServer({ report });
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    memoryGb: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    natsServer: nats.version,
    commit: commitHash(),
  };
}

function commitHash(): string {
  try {
    const hash = git("rev-parse", "--short=12", "HEAD");
    return git("status", "--porcelain") === "" ? hash : `${hash}-changed`;
  } catch {
    // Not a checkout, or no git here.
    return "unknown";
  }
}

function git(...args: string[]): string {
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  return execFileSync("git", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
}
