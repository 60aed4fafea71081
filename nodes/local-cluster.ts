/** Process: `npm start`. A whole cluster on this machine, from nats-server to the order nodes. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadClusterSettings, unknownVariables } from "../config/settings.ts";
import { clusterStopping } from "./local/cluster-stopping.ts";
import { type LocalCluster, startLocalCluster } from "./local/cluster.ts";
import { welcome } from "./local/welcome.ts";
import { runProcess } from "./process.ts";

const print = (line: string) => process.stdout.write(`${line}\n`);

runProcess(
  "start",
  async (signal) => {
    const settings = loadClusterSettings();
    for (const name of unknownVariables()) print(`note: ${name} is not a setting of Orderly`);
    const cluster = await startLocalCluster({ settings, signal, report: print });
    writeFileSync(join(settings.home, "processes.json"), processList(cluster));
    print(
      welcome({
        nodes: cluster.nodes,
        gatewayUrl: cluster.gateway.url,
        carrierUrl: cluster.carrier.url,
        mailboxUrl: cluster.mailbox.url,
        nats: cluster.nats,
        natsKeepers: cluster.natsKeepers,
        home: settings.home,
        fulfillment:
          settings.fulfillment === "auto"
            ? `auto, a step every ${settings.stepDelayMs} ms`
            : "manual: POST /v1/orders/{id}/fulfillment/{step}",
      }),
    );
    return {
      async stop() {
        print("stopping: order nodes, then the rest, then nats-server ...");
        await cluster.stop();
        print("stopped");
      },
    };
  },
  { stopTimeoutMs: clusterStopping.launcherMs },
);

/** Name and id of every process, for scripts. It does not say whether they still run. */
function processList(cluster: LocalCluster): string {
  const children = [
    ...cluster.nodes,
    cluster.gateway,
    cluster.carrier,
    cluster.mailbox,
    ...cluster.natsKeepers,
  ];
  const list = children.map(({ name, pid, url }) => ({ name, pid, url }));
  return `${JSON.stringify([{ name: "launcher", pid: process.pid, url: "" }, ...list], undefined, 2)}\n`;
}
