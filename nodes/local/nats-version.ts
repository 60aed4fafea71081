/** Which nats-server will do, and how one is asked for its version. */
import { runCommand } from "./run-command.ts";

/** Oldest usable server: fixes of atomic batches and schedules; older ones drop stream options silently. */
export const MINIMUM_NATS_VERSION = "2.14.9";

const ASK_TIMEOUT_MS = 10_000;

/**
 * What `<path> --version` answers, e.g. `2.15.1`.
 * @throws Error when it does not run or does not answer like a nats-server
 */
export async function natsServerVersion(path: string): Promise<string> {
  const answer = await runCommand(path, ["--version"], { timeoutMs: ASK_TIMEOUT_MS });
  const version = /nats-server: v(\d+\.\d+\.\d+)/u.exec(answer)?.[1];
  if (version === undefined) throw new Error(`${path} does not answer like a nats-server`);
  return version;
}

/** True when `version` (`major.minor.patch`) is the oldest usable one or newer. */
export function isUsable(version: string): boolean {
  const wanted = MINIMUM_NATS_VERSION.split(".").map(Number);
  const given = version.split(".").map(Number);
  for (const [index, part] of wanted.entries()) {
    const difference = (given[index] ?? 0) - part;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
