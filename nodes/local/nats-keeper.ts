/**
 * Process: runs one nats-server, and ends it when the cluster has ended, however that happened; nats-server itself does
 * not watch its parent. Arguments: path of the executable, path of the configuration. Without arguments the keeper
 * searches the executable, and the configuration is that of one server of a cluster (config/nats/cluster.conf).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { loadNatsStoreSettings } from "../../config/tool-settings.ts";
import { runProcess } from "../process.ts";
import { clusterStopping } from "./cluster-stopping.ts";
import { storeLimit } from "./store-limit.ts";

/**
 * A shell that waits for the end of this process, however it ends, and then kills the server. To kill this process is
 * therefore to kill the server.
 */
function endWithUs(server: ChildProcess): void {
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

/** Loaded on demand: it takes several times as long as the rest of this file, and the cluster's start waits for it. */
async function foundArguments(): Promise<readonly string[]> {
  const { locateNatsServer } = await import("./nats-binary.ts");
  const { natsConfigs } = await import("./nats-plan.ts");
  return [(await locateNatsServer()).path, natsConfigs.cluster];
}

/** The limit that the configuration needs, if the environment does not set it. */
function roomOnDisk(): Readonly<Record<string, string>> {
  const { folder, limit, stores } = loadNatsStoreSettings();
  if (folder === undefined || limit !== undefined) return {};
  return { ORDERLY_NATS_MAX_STORE: String(storeLimit(folder, stores)) };
}

runProcess("nats-server", async () => {
  const given = process.argv.slice(2);
  const [binary = "", config = ""] = given.length > 0 ? given : await foundArguments();
  const server = spawn(binary, ["-c", config], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...roomOnDisk() },
  });
  await once(server, "spawn");
  endWithUs(server);
  let stopping = false;
  server.once("exit", (code, signal) => {
    if (stopping) return;
    process.stderr.write(`nats-server ended unexpectedly (${signal ?? `exit code ${code}`})\n`);
    process.exit(1);
  });
  return {
    async stop() {
      stopping = true;
      if (server.exitCode !== null || server.signalCode !== null) return;
      const ended = once(server, "exit");
      server.kill("SIGTERM");
      const kill = setTimeout(() => server.kill("SIGKILL"), clusterStopping.natsServerMs);
      await ended;
      clearTimeout(kill);
    },
  };
});
