/** The version of a nats-server, and whether it is new enough. */
import { isAtLeast, MINIMUM_SERVER } from "../../src/adapters/nats/connection.ts";
import { runCommand } from "./run-command.ts";

const ASK_TIMEOUT_MS = 10_000;

/**
 * The version in the answer to `<path> --version`, e.g. `2.15.1`.
 * @throws Error when the file does not run or does not answer like a nats-server
 */
export async function natsServerVersion(path: string): Promise<string> {
  const answer = await runCommand(path, ["--version"], { timeoutMs: ASK_TIMEOUT_MS });
  const version = /nats-server: v(\d+\.\d+\.\d+)/u.exec(answer)?.[1];
  if (version === undefined) throw new Error(`${path} does not answer like a nats-server`);
  return version;
}

/** True when `version` (`major.minor.patch`) is the oldest usable one or newer. */
export function isUsable(version: string): boolean {
  return isAtLeast(version, MINIMUM_SERVER);
}
