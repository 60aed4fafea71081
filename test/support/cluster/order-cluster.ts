/**
 * A real cluster for process tests: nats-server, gateway, mailbox and order nodes as processes on free ports, in
 * a folder of the test's own. Everything is killed when the test is over.
 */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { loadCatalogue, sampleCatalogue } from "../../../nodes/local/catalogue.ts";
import { natsPlaceOf } from "../../../nodes/local/nats-plan.ts";
import { planCluster, type ProcessPlan } from "../../../nodes/local/plan.ts";
import { portOffsets } from "../../../config/settings.ts";
import type { Commented, Lifetime } from "./lifetime.ts";
import { findPlace } from "./local-cluster.ts";
import { type NatsServer, startNatsServer, startShippedCluster } from "./nats-server.ts";
import { type Started, startNode } from "./processes.ts";
import { waitUntil } from "../wait-until.ts";

export type OrderClusterOptions = {
  /** Order nodes; default 3. */
  readonly nodes?: number;
  readonly fulfillment?: "auto" | "manual";
  /** Pause between automatic steps, ms; default 0. */
  readonly stepDelayMs?: number;
  /** Further settings of every order node. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further variables of one order node, by its index. */
  readonly nodeEnv?: (index: number, home: string) => Readonly<Record<string, string>>;
  /** Further settings of the gateway simulator; with ORDERLY_LOG_LEVEL=debug it logs its requests. */
  readonly gatewayEnv?: Readonly<Record<string, string>>;
  /** Further settings of the carrier simulator; with ORDERLY_LOG_LEVEL=debug it logs its requests. */
  readonly carrierEnv?: Readonly<Record<string, string>>;
  /** True: nats-server syncs every batch, as with `npm start`. Default false, for speed. */
  readonly syncAlways?: boolean;
  /** 3: everything is stored and synced on each, as with `npm run start:cluster`. Default 1. */
  readonly natsServers?: 1 | 3;
  /** Time that a customer has on the payment page, and the pause before the first poll, ms; defaults as `npm start`. */
  readonly paymentDeadlineMs?: number;
  readonly paymentPollMs?: number;
  /** `off`: the gateway simulator sends no webhooks. */
  readonly webhooks?: "on" | "off";
  /** Bytes that nats-server may store in all; default unlimited. */
  readonly maxFileStoreBytes?: number;
  /** Absolute path of the file that every order node runs; default nodes/order-node.ts. */
  readonly nodeFile?: string;
  /** Puts the sample catalogue into the inventory, unless false. */
  readonly catalogue?: boolean;
  /**
   * A folder that an earlier cluster left: `nats`, `gateway`, `carrier` and `nodes`. It is copied, and the cluster
   * starts on the copy. With one nats-server only.
   */
  readonly storedIn?: string;
};

/** One process of the cluster; its name stays while the process is killed and started again. */
export type ClusterProcess = {
  readonly name: string;
  /** No slash at the end. */
  readonly url: string;
  /** The settings that it is started with. */
  readonly env: Readonly<Record<string, string>>;
  pid(): number;
  running(): boolean;
  /** Its output since its last start. */
  output(): string;
  /** Starts it again in the same place, and waits until it is ready. */
  start(): Promise<void>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>;
  /** Exit code of the last start, once it has ended; null when a signal has ended it. */
  exitCode(): Promise<number | null>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** SIGSTOP; the returned function lets it go on. */
  freeze(): () => void;
};

export type OrderCluster = {
  readonly nodes: readonly ClusterProcess[];
  readonly urls: readonly string[];
  readonly gateway: ClusterProcess;
  readonly carrier: ClusterProcess;
  readonly mailbox: ClusterProcess;
  /** Has `kill`, `restart` and `freeze` of its own. The first of `natsServers`. */
  readonly nats: NatsServer;
  readonly natsServers: readonly NatsServer[];
  /** Folder of everything that the cluster stores: `nats`, `gateway`, `carrier`, `nodes`. */
  readonly home: string;
  /** Folder of a node's files, by name. */
  homeOf(name: string): string;
};

const READY_TIMEOUT_MS = 60_000;

/** Starts all of it, and waits until every node is ready. */
export async function startOrderCluster(
  t: Commented,
  options: OrderClusterOptions = {},
): Promise<OrderCluster> {
  const count = options.nodes ?? 3;
  // Below the ports of outgoing connections: such a port could be taken when a killed process starts again.
  const natsCount = options.natsServers ?? 1;
  const { home, port, natsPort } = await findPlace(t, count, natsCount);
  if (options.storedIn !== undefined) cpSync(options.storedIn, home, { recursive: true });
  const natsServers =
    natsCount === 3
      ? (await startShippedCluster(t, natsPort, home)).servers
      : [
          await startNatsServer(t, {
            port: natsPort,
            dir: join(home, "nats"),
            syncAlways: options.syncAlways ?? false,
            ...(options.maxFileStoreBytes === undefined
              ? {}
              : { maxFileStoreBytes: options.maxFileStoreBytes }),
          }),
        ];
  const plan = planCluster(
    {
      home,
      fulfillment: options.fulfillment ?? "auto",
      stepDelayMs: options.stepDelayMs ?? 0,
      paymentDeadlineMs: options.paymentDeadlineMs ?? 900_000,
      paymentPollMs: options.paymentPollMs ?? 2000,
      webhooks: options.webhooks ?? "on",
      personalKeyFile: join(home, "personal.key"),
      logLevel: "info",
    },
    {
      nodes: Array.from({ length: count }, (_, index) => port + index),
      gateway: port + portOffsets.gateway,
      mailboxHttp: port + portOffsets.mailboxHttp,
      carrier: port + portOffsets.carrier,
      smtp: port + portOffsets.smtp,
    },
    natsPlaceOf({ natsServers: natsCount, natsPort }),
  );
  const gateway = clusterProcess(
    t,
    { ...plan.gateway, env: { ...plan.gateway.env, ...options.gatewayEnv } },
    "/ledger",
  );
  const carrier = clusterProcess(
    t,
    { ...plan.carrier, env: { ...plan.carrier.env, ...options.carrierEnv } },
    "/health/ready",
  );
  const mailbox = clusterProcess(t, plan.mailbox, "/messages");
  await Promise.all([gateway.start(), carrier.start(), mailbox.start()]);
  const nodes = plan.nodes.map((node, index) =>
    clusterProcess(
      t,
      {
        ...node,
        file: options.nodeFile ?? node.file,
        env: { ...node.env, ...options.env, ...options.nodeEnv?.(index, home) },
      },
      "/health/ready",
    ),
  );
  t.teardown(() => {
    // The output of the nodes explains most failures.
    if (!t.passing()) for (const node of nodes) t.comment(node.name, node.output().slice(-3000));
  });
  await Promise.all(nodes.map((node) => node.start()));
  const [first] = nodes;
  if (options.catalogue !== false && first !== undefined)
    await loadCatalogue(first.url, sampleCatalogue(), new AbortController().signal);
  return {
    nodes,
    urls: nodes.map((node) => node.url),
    gateway,
    carrier,
    mailbox,
    nats: natsServers[0]!,
    natsServers,
    home,
    homeOf: (name) => join(home, "nodes", name),
  };
}

/** Waits until `holds` is true for the address of every node; fails after `timeoutMs` (default 30 s). */
export async function everyNode(
  { nodes }: OrderCluster,
  what: string,
  holds: (url: string) => Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  await Promise.all(
    nodes.map(({ name, url }) =>
      waitUntil(`${name} ${what}`, () => holds(url), { timeoutMs, intervalMs: 50 }),
    ),
  );
}

/** @param path answers 200 once the process is ready */
function clusterProcess(t: Lifetime, plan: ProcessPlan, path: string): ClusterProcess {
  let started: Started | undefined;
  const current = (): Started => {
    if (started === undefined) throw new Error(`${plan.name} was never started`);
    return started;
  };
  return {
    name: plan.name,
    url: plan.url,
    env: plan.env,
    pid: () => current().pid,
    running: () => started?.running() ?? false,
    output: () => started?.output() ?? "",
    async start() {
      if (started?.running() === true) throw new Error(`${plan.name} runs already`);
      const mine = startNode(t, plan.file, plan.args, { env: plan.env });
      started = mine;
      let ended = false;
      await waitUntil(
        `${plan.name} is ready`,
        async () => {
          ended = !mine.running();
          return ended || (await isOk(plan.url + path));
        },
        { timeoutMs: READY_TIMEOUT_MS, intervalMs: 50 },
      ).catch((error: unknown) => {
        throw new Error(`${plan.name} is not ready; it wrote:\n${mine.output().slice(-2000)}`, {
          cause: error,
        });
      });
      if (ended)
        throw new Error(`${plan.name} ended while starting; it wrote:\n${mine.output().slice(-2000)}`);
    },
    stop: () => current().stop(),
    exitCode: async () => (await current().ended).code,
    kill: () => current().kill(),
    freeze: () => current().freeze(),
  };
}

async function isOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.body?.cancel();
  return response.ok;
}
