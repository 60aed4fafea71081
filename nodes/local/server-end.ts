/** nats-server does not watch its parent: what this process starts ends with it, however it ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/**
 * A shell that waits for the end of this process, however it ends, and then kills the server. To kill this process is
 * therefore to kill the server.
 */
export function endWithUs(server: ChildProcess): void {
  if (process.platform === "win32") return;
  const reaper = spawn("/bin/sh", ["-c", `read _; kill -9 ${server.pid} 2>/dev/null`], {
    stdio: ["pipe", "ignore", "ignore"],
    // Ctrl-C in a terminal must reach this process only.
    detached: true,
  });
  reaper.unref();
  // After the server's end nothing may be killed: another process could have its id by then.
  server.once("exit", () => reaper.kill("SIGKILL"));
}

/** SIGTERM, then SIGKILL after `timeoutMs`. Resolves when the server has ended. */
export async function endServer(server: ChildProcess, timeoutMs: number): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, "exit");
  server.kill("SIGTERM");
  const kill = setTimeout(() => server.kill("SIGKILL"), timeoutMs);
  await ended;
  clearTimeout(kill);
}
