/**
 * Process: runs one nats-server and ends it when the cluster is gone, however that died; nats-server itself
 * does not watch its parent. Arguments: path of the executable, path of the configuration. Without any: the
 * executable is looked for, and the configuration is that of one server of a cluster (config/nats/cluster.conf).
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { clusterStopping } from "./cluster-stopping.ts";
import { loadNatsStoreSettings } from "../../config/tool-settings.ts";
import { runProcess } from "../process.ts";
import { storeLimit } from "./store-limit.ts";

/** A shell that waits for our end, however we die, and takes the server along: who kills us has killed the server. */
function endWithUs(server: ChildProcess): void {
  if (process.platform === "win32") return;
  const reaper = spawn("/bin/sh", ["-c", `read _; kill -9 ${server.pid} 2>/dev/null`], {
    stdio: ["pipe", "ignore", "ignore"],
    // Ctrl-C in a terminal is for us, not for it.
    detached: true,
  });
  reaper.unref();
  // Without a server nothing may be killed: its id could be somebody else's by then.
  server.once("exit", () => reaper.kill("SIGKILL"));
}

/** Loaded only then: it takes several times as long as everything else here, and the cluster's start waits for us. */
async function found(): Promise<readonly string[]> {
  const { locateNatsServer } = await import("./nats-binary.ts");
  const { natsConfigs } = await import("./nats-plan.ts");
  return [(await locateNatsServer()).path, natsConfigs.cluster];
}

/** The limit that the configuration wants, where nobody has set it. */
function roomOnDisk(): Readonly<Record<string, string>> {
  const { folder, limit, stores } = loadNatsStoreSettings();
  if (folder === undefined || limit !== undefined) return {};
  return { ORDERLY_NATS_MAX_STORE: String(storeLimit(folder, stores)) };
}

runProcess("nats-server", async () => {
  const told = process.argv.slice(2);
  const [binary = "", config = ""] = told.length > 0 ? told : await found();
  const server = spawn(binary, ["-c", config], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...roomOnDisk() },
  });
  await once(server, "spawn");
  endWithUs(server);
  let stopping = false;
  server.once("exit", (code, signal) => {
    if (stopping) return;
    process.stderr.write(`nats-server ended by itself (${signal ?? `exit code ${code}`})\n`);
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
