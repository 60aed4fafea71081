/** Process: `npm start`. A whole cluster on this machine, from nats-server to the order nodes. */
import { loadClusterSettings } from "../config/settings.ts";
import { startLocalCluster } from "./local/cluster.ts";
import { welcome } from "./local/welcome.ts";
import { runProcess } from "./process.ts";

/** Promised to whoever interrupts us. */
const STOP_TIMEOUT_MS = 9_700;

const print = (line: string) => process.stdout.write(`${line}\n`);

runProcess(
  "start",
  async (signal) => {
    const settings = loadClusterSettings();
    const cluster = await startLocalCluster({ settings, signal, report: print });
    print(
      welcome({
        nodes: cluster.nodes,
        gatewayUrl: cluster.gateway.url,
        mailboxUrl: cluster.mailbox.url,
        nats: cluster.nats,
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
  { stopTimeoutMs: STOP_TIMEOUT_MS },
);
