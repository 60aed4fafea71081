/**
 * Process: runs one nats-server and ends it when the cluster is gone, however that died; nats-server itself
 * does not watch its parent. Arguments: path of the executable, path of the configuration.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { runProcess } from "../process.ts";

const STOP_TIMEOUT_MS = 2_500;

runProcess("nats-server", async () => {
  const [binary, config] = process.argv.slice(2);
  if (binary === undefined || config === undefined) throw new Error("usage: nats-keeper.ts BINARY CONFIG");
  const server = spawn(binary, ["-c", config], { stdio: ["ignore", "inherit", "inherit"] });
  await once(server, "spawn");
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
      const kill = setTimeout(() => server.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(kill);
    },
  };
});
