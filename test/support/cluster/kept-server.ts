/** A nats-server as `npm start` runs it: by its keeper, with its configuration, on a store of the test's own. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { greeting } from "../../../nodes/local/greeting.ts";
import { locateNatsServer } from "../../../nodes/local/nats-binary.ts";
import { natsConfigs } from "../../../nodes/local/nats-plan.ts";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import type { NatsLink } from "../../../src/adapters/nats/link.ts";
import { waitUntil } from "../wait-until.ts";
import { freePorts } from "./free-ports.ts";
import type { Lifetime } from "./lifetime.ts";
import { type Started, startNode } from "./processes.ts";

const KEEPER = fileURLToPath(new URL("../../../nodes/local/nats-keeper.ts", import.meta.url));

export type KeptServer = {
  readonly url: string;
  /** The process that keeps the server; to kill it is to kill the server. */
  readonly keeper: Started;
  /** Process id of the nats-server. */
  readonly serverPid: number;
  connect(): Promise<NatsLink>;
};

/** Starts the keeper and waits until its server takes connections. */
export async function startKeptServer(
  t: Lifetime,
  store: string,
  options: { readonly batches?: "memory" | "disk"; readonly port?: number } = {},
): Promise<KeptServer> {
  const { path } = await locateNatsServer();
  const port = options.port ?? (await freePorts(1))[0]!;
  const keeper = startNode(t, KEEPER, [path, natsConfigs.single], {
    env: {
      ORDERLY_NATS_PORT: String(port),
      ORDERLY_NATS_STORE: JSON.stringify(store),
      ORDERLY_NATS_MAX_STORE: "20GB",
      ORDERLY_NATS_BATCHES: options.batches ?? "memory",
    },
  });
  await waitUntil(
    `nats-server on port ${port} takes connections`,
    async () => {
      if (!keeper.running()) throw new Error(`the keeper ended: ${keeper.output().slice(-800)}`);
      return (await greeting(port)) === true;
    },
    { timeoutMs: 60_000, intervalMs: 20 },
  );
  const url = `nats://127.0.0.1:${port}`;
  const children = readFileSync(`/proc/${keeper.pid}/task/${keeper.pid}/children`, "utf8").trim().split(" ");
  const serverPid = children.map(Number).find((pid) => isServer(pid, path)) ?? 0;
  const connect = async () => {
    const link = await connectNats({ servers: [url], name: "test", connectTimeoutMs: 20_000 });
    t.teardown(() => link.close());
    return link;
  };
  return { url, keeper, serverPid, connect };
}

const isServer = (pid: number, path: string): boolean =>
  readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(path);
