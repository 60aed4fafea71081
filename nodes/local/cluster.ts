/**
 * Starts the processes of a local cluster in order and stops them in order.
 * Owns: the folder's lock and every child.  Does not own: where output is printed, signals.
 * Invariants
 *   local.C1. A cluster of which a part cannot start is stopped as a whole.
 *   local.C2. Children are stopped in the reverse order of their needs: nodes, then gateway, carrier and mailbox, then
 *             NATS.
 *   local.C3. No stop takes longer than the sum of its three bounds (`clusterStopping`).
 * Proved by: test/process/start*.test.ts
 */
import { join } from "node:path";
import type { ClusterSettings } from "../../config/settings.ts";
import { loadCatalogue, sampleCatalogue } from "./catalogue.ts";
import { type Child, notReady, startChild } from "./child.ts";
import { clusterStopping } from "./cluster-stopping.ts";
import { buildConsole } from "./console-build.ts";
import { lockHome } from "./home-lock.ts";
import { isDrillRequest } from "../drill-messages.ts";
import { Drills } from "./drills.ts";
import { withMaxWait } from "./max-wait.ts";
import { natsPlaceOf, natsPortsOf } from "./nats-plan.ts";
import { type NatsPlace, planCluster, portsOf, type ProcessPlan } from "./plan.ts";
import { describeTaken, takenPorts, type WantedPort } from "./ports.ts";
import { provideNats } from "./provide-nats.ts";
import { nodeIsReady } from "./readiness.ts";
import { restartCommand, writeSettingsFile } from "./settings-file.ts";

const START_TIMEOUT_MS = 30_000;
const READY_TIMEOUT_MS = 60_000;
/** Time that the processes of a killed cluster need to stop. */
const LEFTOVER_TIMEOUT_MS = 10_000;

/** A cluster whose processes all run and are ready. */
export type LocalCluster = {
  readonly nodes: readonly Child[];
  readonly gateway: Child;
  readonly carrier: Child;
  readonly mailbox: Child;
  /** One per nats-server; none when NATS already ran. */
  readonly natsKeepers: readonly Child[];
  /** Which NATS, for people. */
  readonly nats: string;
  /** Items of the sample catalogue that were added. */
  readonly added: number;
  stop(): Promise<void>;
};

type Group = "nats" | "services" | "nodes";
type Launch = (group: Group, plan: ProcessPlan) => Promise<Child>;

/** What to start, and where to report its progress. */
export type ClusterOptions = {
  readonly settings: ClusterSettings;
  readonly signal: AbortSignal;
  /** Progress, one line each. */
  readonly report: (line: string) => void;
};

/** Starts everything. @throws Error for people: the reason and the remedy; no process runs then */
export async function startLocalCluster(options: ClusterOptions): Promise<LocalCluster> {
  const { settings, report } = options;
  const lock = lockHome(settings.home);
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const launched: Record<Group, Promise<Child>[]> = { nats: [], services: [], nodes: [] };
  const again: { start?: (name: string) => Promise<Child> } = {};
  const drills = new Drills({
    signal: (pid, name) => process.kill(pid, name),
    now: Date.now,
    start: (name) => again.start?.(name) ?? Promise.reject(new Error(`${name} has not started yet`)),
  });
  const launch: Launch = (group, plan) => {
    const child = startChild(plan, {
      logs: join(settings.home, "logs"),
      startTimeoutMs: START_TIMEOUT_MS,
      signal,
      onEnd: (child, how) => {
        report(`${child.name} (process ${child.pid}) ${how}; its log: ${child.log}`);
        const command = restartCommand(group, plan, settings);
        if (command !== undefined) report(`start it again: ${command}`);
      },
      onMessage: (message, answer) => {
        if (!isDrillRequest(message)) return;
        report(`drill: ${message.action} ${message.node}`);
        void drills
          .run(message.node, message.action)
          .then((result) => answer({ type: "drilled", id: message.id, result }));
      },
    });
    launched[group].push(child);
    return child;
  };
  const stop = async () => {
    drills.thawAll();
    await stopAll(launched.nodes, clusterStopping.nodesMs);
    await stopAll(launched.services, clusterStopping.servicesMs);
    await stopAll(launched.nats, clusterStopping.natsMs);
    lock.release();
  };
  try {
    await portsAreFree({ settings, signal, report }, lock.leftover);
    const { plans, ...cluster } = await startAll({ settings, signal, report }, launch);
    for (const node of cluster.nodes) drills.add(node);
    again.start = async (name) => {
      const plan = plans.find((found) => found.name === name);
      if (!plan) throw new Error(`${name} is not planned`);
      const child = await launch("nodes", plan);
      const stillPossible = () => child.running();
      await nodeIsReady(child.url, { timeoutMs: READY_TIMEOUT_MS, signal, stillPossible });
      return child;
    };
    return { ...cluster, stop };
  } catch (error) {
    failed.abort(error);
    await stop();
    throw error;
  }
}

async function startAll(
  { settings, signal, report }: ClusterOptions,
  launch: Launch,
): Promise<Omit<LocalCluster, "stop"> & { readonly plans: readonly ProcessPlan[] }> {
  // The services need no server: they start beside it. The nodes' first requests to them come with the first order.
  const services = startServices({ settings, signal, report }, launch);
  // Its failure is reported below; the server's own comes first.
  services.catch(() => undefined);
  // Nodes read it when they start.
  const built = buildConsole({ signal, report });
  const nats = await provideNats({
    settings,
    signal,
    report,
    timeoutMs: START_TIMEOUT_MS,
    launch: (plan) => launch("nats", plan),
  });
  await built;
  const [{ gateway, carrier, mailbox }, nodes] = await Promise.all([
    services,
    startNodes({ settings, signal, report }, nats, launch),
  ]);
  const first = nodes[0];
  const isOpen = settings.auth === "off";
  if (!isOpen)
    report("ORDERLY_AUTH=keys: make a key with `node orderly.mjs keys create`; no sample catalogue");
  const added =
    first === undefined || !isOpen ? 0 : await loadCatalogue(first.url, sampleCatalogue(), signal);
  if (added > 0) report(`sample catalogue: ${added} items added`);
  const { nodes: plans } = planCluster(settings, portsOf(settings), nats);
  return {
    nodes,
    plans,
    gateway,
    carrier,
    mailbox,
    natsKeepers: nats.keepers,
    nats: nats.description,
    added,
  };
}

async function startServices(
  { settings, report }: ClusterOptions,
  launch: Launch,
): Promise<Pick<LocalCluster, "gateway" | "carrier" | "mailbox">> {
  const plan = planCluster(settings, portsOf(settings), natsPlaceOf(settings));
  const [gateway, carrier, mailbox] = await Promise.all([
    launch("services", plan.gateway),
    launch("services", plan.carrier),
    launch("services", plan.mailbox),
  ]);
  report("payment gateway simulator, carrier simulator and mailbox are ready");
  return { gateway, carrier, mailbox };
}

async function startNodes(
  { settings, signal, report }: ClusterOptions,
  nats: NatsPlace,
  launch: Launch,
): Promise<readonly Child[]> {
  const plan = planCluster(settings, portsOf(settings), nats);
  let ready = 0;
  return Promise.all(
    plan.nodes.map(async (node) => {
      writeSettingsFile(node);
      const child = await launch("nodes", node);
      const stillPossible = () => child.running();
      const maxWait = { timeoutMs: READY_TIMEOUT_MS, signal, stillPossible };
      await nodeIsReady(node.url, maxWait).catch(notReady(child));
      report(`order nodes: ${++ready} of ${plan.nodes.length} ready`);
      return child;
    }),
  );
}

async function portsAreFree({ settings, signal, report }: ClusterOptions, leftover: boolean): Promise<void> {
  const wanted = wantedPorts(settings);
  const taken = await takenPorts(wanted);
  if (taken.length === 0) return;
  if (!leftover) throw new Error(describeTaken(taken));
  report("the last run here was killed; waiting for its processes to end ...");
  await withMaxWait(
    async () => {
      const still = await takenPorts(wanted);
      return still.length === 0 ? true : describeTaken(still);
    },
    { timeoutMs: LEFTOVER_TIMEOUT_MS, signal },
  );
}

function wantedPorts(settings: ClusterSettings): WantedPort[] {
  const ports = portsOf(settings);
  const setting = "ORDERLY_PORT";
  const nats = natsPortsOf(settings);
  const natsSetting = "ORDERLY_NATS_PORT";
  return [
    ...ports.nodes.map((port, index) => ({ port, user: `order node ${index + 1}`, setting })),
    { port: ports.gateway, user: "payment gateway simulator", setting },
    { port: ports.mailboxHttp, user: "mailbox", setting },
    { port: ports.carrier, user: "carrier simulator", setting },
    { port: ports.smtp, user: "mailbox, SMTP", setting },
    ...(settings.natsUrl === undefined
      ? [
          ...nats.clients.map((port) => ({ port, user: "nats-server", setting: natsSetting })),
          ...nats.routes.map((port) => ({ port, user: "nats-server, routes", setting: natsSetting })),
        ]
      : []),
  ];
}

/** A child that never started stops itself; see startChild. */
async function stopAll(launched: readonly Promise<Child>[], timeoutMs: number): Promise<void> {
  const settled = await Promise.allSettled(launched);
  const started = settled.flatMap((child) => (child.status === "fulfilled" ? [child.value] : []));
  await Promise.all(started.map((child) => child.stop(timeoutMs)));
}
