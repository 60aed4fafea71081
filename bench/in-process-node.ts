/**
 * One node of the runtime in this process, on a nats-server of its own (`sync_interval: always`) and a SQLite
 * file: no HTTP, no workers, no gateway or carrier process.
 */
import { join } from "node:path";
import pino from "pino";
import { subjects } from "../src/services/subjects.ts";
import { loadNodeSettings } from "../config/settings.ts";
import { streamSettings } from "../nodes/order/streams.ts";
import { composeOrders } from "../nodes/order/compose.ts";
import { openMasterKeys } from "../nodes/order/personal-keys.ts";
import { programOf } from "../nodes/order/program.ts";
import { sampleCatalogue } from "../nodes/local/catalogue.ts";
import { systemClock } from "../src/adapters/local/system-clock.ts";
import { randomIds } from "../src/adapters/local/random-ids.ts";
import { natsPorts } from "../src/adapters/nats/node-ports.ts";
import type { NatsLink } from "../src/adapters/nats/link.ts";
import { sqliteOutbox } from "../src/adapters/local/sqlite-outbox.ts";
import { hostOn } from "../src/runtime/host.ts";
import type { RuntimeNode } from "../src/runtime/node.ts";
import type { Orders } from "../src/services/orders/contract.ts";
import { instantCarrier } from "../test/support/instant-carrier.ts";
import type { Lifetime } from "../test/support/cluster/lifetime.ts";
import { startNatsServer } from "../test/support/cluster/nats-server.ts";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import { waitUntil } from "../test/support/wait-until.ts";
import { counter } from "./counter.ts";
import { instantGateway } from "./instant-gateway.ts";
import { PLENTY } from "./stock.ts";
import { connectTo } from "./stored-orders.ts";

const SETTLE_TIMEOUT_MS = 60_000;

export type InProcessNode = {
  readonly node: RuntimeNode;
  readonly link: NatsLink;
  readonly natsPid: number;
};

/** Settings of the node that differ from their defaults, as variables. */
type Variables = Readonly<Record<string, string>>;

const log = pino({ level: "error" }, pino.destination(2));

/** A node that hosts counters. */
export async function hostCounters(life: Lifetime, set: Variables = {}): Promise<InProcessNode> {
  const { link, natsPid, outbox, settings, streams } = await surroundings(life, set);
  const ports = { ...(await natsPorts(link, streams)), outbox, clock: systemClock, ids: randomIds() };
  const { nodeId, partitions, presenceTtlMs, presenceRefreshMs, commitTimeoutMs } = settings;
  const node = hostOn(ports, {
    node: nodeId,
    subjects,
    application: () => ({ definition: counter, resources: [] }),
    log,
    partitions,
    presenceTtlMs,
    presenceRefreshMs,
    commitTimeoutMs,
    outboxLimit: settings.outboxLimit,
    effectLimit: settings.effectLimit,
  });
  await started(life, node);
  return { node, link, natsPid };
}

/** A node that hosts orders, with plenty of the sample catalogue in stock. */
export async function hostOrders(
  life: Lifetime,
  set: Variables = {},
): Promise<InProcessNode & { readonly orders: Orders }> {
  const { link, natsPid, outbox, settings } = await surroundings(life, set);
  const { node, orders, inventory } = await composeOrders({
    settings,
    program: programOf(settings.commit),
    link,
    masterKeys: openMasterKeys(settings),
    outbox,
    log,
    clock: systemClock,
    ids: randomIds(),
    gateway: instantGateway,
    carrier: instantCarrier,
  });
  await started(life, node);
  for (const { sku, name, price } of sampleCatalogue()) {
    const put = await inventory.put(sku, { onHand: PLENTY, name, price });
    if (put.status !== "stored") throw new Error(`stock of ${sku}: ${put.status}`);
  }
  return { node, orders, link, natsPid };
}

async function surroundings(life: Lifetime, set: Variables) {
  const server = await startNatsServer(life, { syncAlways: true });
  const link = await connectTo(life, server.url);
  const outbox = sqliteOutbox({ path: join(temporaryFolder(life), "outbox.sqlite") });
  life.teardown(() => outbox.close());
  const settings = loadNodeSettings({
    ORDERLY_NODE_ID: "bench",
    ORDERLY_DEVELOPMENT: "true",
    ORDERLY_FULFILLMENT: "manual",
    ORDERLY_HOME: temporaryFolder(life),
    ...set,
    NATS_URL: server.url,
  });
  return { link, natsPid: server.pid(), outbox, settings, streams: streamSettings(settings) };
}

async function started(life: Lifetime, node: RuntimeNode): Promise<void> {
  await node.start();
  life.teardown(() => node.stop());
  await waitUntil("every partition is open", () => node.status().partitions.every(({ open }) => open), {
    timeoutMs: SETTLE_TIMEOUT_MS,
  });
}
