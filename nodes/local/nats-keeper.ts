/**
 * Process: runs one nats-server, and ends it when the cluster has ended, however that happened; nats-server itself does
 * not watch its parent. Arguments: path of the executable, path of the configuration. Without arguments the keeper
 * searches the executable, and the configuration is that of one server of a cluster (config/nats/cluster.conf).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { loadNatsStoreSettings } from "../../config/tool-settings.ts";
import { runProcess } from "../process.ts";
import { type MemoryBatches, memoryBatches } from "./batches/memory-batches.ts";
import { clusterStopping } from "./cluster-stopping.ts";
import { greeting } from "./greeting.ts";
import { endServer, endWithUs } from "./server-end.ts";
import { storeLimit } from "./store-limit.ts";

const CHECK_INTERVAL_MS = 250;

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

const log = (line: string) => process.stdout.write(`orderly: ${line}\n`);

/** Before a node can connect: what a loss of power has left. */
async function repair(
  batches: MemoryBatches,
  binary: string,
  config: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  if (!batches.mustRepair()) return;
  log("staged atomic batches may be lost: searching half a batch at the end of each log");
  const { removeHalfBatches } = await import("./batches/power-loss.ts");
  const removed = await removeHalfBatches({
    binary,
    config,
    env,
    plans: batches.plans(),
    keep: (plans) => batches.keep(plans),
  });
  for (const { stream, first, last, canceled } of removed)
    log(
      `${stream}: half a batch removed, messages ${first} to ${last}; timers it had canceled: ${canceled.length}`,
    );
  if (removed.length === 0) log("there is none");
  batches.repaired();
}

/** Keeps the links while the server runs. @returns ends it */
function keepLinks(batches: MemoryBatches, port: number): () => void {
  let greeted = false;
  const timer = setInterval(() => {
    // It greets when it has recovered its streams, for which it needs what is staged.
    if (greeted) batches.check();
    else void greeting(port).then((answer) => (greeted ||= answer === true));
  }, CHECK_INTERVAL_MS);
  return () => clearInterval(timer);
}

runProcess("nats-server", async () => {
  const given = process.argv.slice(2);
  const [binary = "", config = ""] = given.length > 0 ? given : await foundArguments();
  const { folder, batchesIn, port } = loadNatsStoreSettings();
  const batches =
    folder === undefined || batchesIn === undefined ? undefined : memoryBatches({ store: folder, log });
  const env = { ...process.env, ...roomOnDisk() };
  if (batches !== undefined) await repair(batches, binary, config, env);
  const server = spawn(binary, ["-c", config], { stdio: ["ignore", "inherit", "inherit"], env });
  await once(server, "spawn");
  endWithUs(server);
  const end = batches !== undefined && batchesIn === "memory" ? keepLinks(batches, port) : () => {};
  let stopping = false;
  server.once("exit", (code, signal) => {
    if (stopping) return;
    process.stderr.write(`nats-server ended unexpectedly (${signal ?? `exit code ${code}`})\n`);
    process.exit(1);
  });
  return {
    async stop() {
      stopping = true;
      end();
      await endServer(server, clusterStopping.natsServerMs);
      batches?.leave();
    },
  };
});
