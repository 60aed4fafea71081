/** Puts the order application on the runtime: services, effects, inventory and workers of one node. */
import type { NodeSettings } from "../../config/settings.ts";
import { floorsBucket, nodesBucket } from "../../config/streams.ts";
import { natsBucket } from "../../src/adapters/bucket.nats.ts";
import { natsBus } from "../../src/adapters/bus.nats.ts";
import type { NatsLink } from "../../src/adapters/link.nats.ts";
import { natsJournal } from "../../src/adapters/journal.nats.ts";
import { ensureStreams } from "../../src/adapters/streams.nats.ts";
import { type Application, RuntimeNode } from "../../src/runtime/node.ts";
import type { Clock, Ids, Log, Outbox } from "../../src/runtime/ports.ts";
import type { UnitSink } from "../../src/runtime/unit.ts";
import { localCarrier } from "../../src/services/fulfillment/carrier.ts";
import { CLIENT_LIMITS, InventoryClient } from "../../src/services/inventory/client.ts";
import { inventoryEffects } from "../../src/services/inventory/effects.ts";
import { InventoryService } from "../../src/services/inventory/service.ts";
import { InventoryShard } from "../../src/services/inventory/shard.ts";
import { SHARD_LIMITS } from "../../src/services/inventory/shard-dependencies.ts";
import { orderDefinition } from "../../src/services/orders/definition.ts";
import { OrderService } from "../../src/services/orders/orders.ts";
import { httpGateway } from "../../src/services/payments/gateway.http.ts";
import { type NodeWorkers, startWorkers } from "./workers.ts";

export type ComposeOptions = {
  readonly settings: NodeSettings;
  readonly link: NatsLink;
  readonly outbox: Outbox;
  readonly log: Log;
  readonly clock: Clock;
  readonly ids: Ids;
};

export type ComposedOrders = {
  readonly node: RuntimeNode;
  readonly orders: OrderService;
  readonly inventory: InventoryClient;
  /** Starts the e-mail and invoice workers; the node has to be started first. */
  startWorkers(): Promise<NodeWorkers>;
};

const SHARD = 0;
const IDLE_ORDERS = 20_000;
const FIND_OWNER_MS = 5000;

export async function composeOrders(options: ComposeOptions): Promise<ComposedOrders> {
  const { settings, link, clock, ids, log } = options;
  const streams = {
    replicas: settings.replicas,
    partitions: settings.partitions,
    presenceAgeMs: settings.presenceTtlMs,
  };
  await ensureStreams(link, streams);
  const journal = natsJournal(link);
  const bus = natsBus(link);
  let inventory: InventoryClient | undefined;

  const application = (sink: UnitSink): Application => {
    const shard = new InventoryShard(SHARD, { journal, sink, ids, clock, limits: SHARD_LIMITS });
    inventory = new InventoryClient({ shard, number: SHARD, bus, clock, ids, limits: CLIENT_LIMITS });
    return {
      definition: orderDefinition({
        gateway: httpGateway(settings.gatewayUrl),
        gatewayTimeoutMs: settings.gatewayTimeoutMs,
        inventoryEffects: inventoryEffects(inventory, shard),
        carrier: localCarrier,
      }),
      resources: [new InventoryService(SHARD, shard, bus)],
    };
  };
  const node = new RuntimeNode({
    node: settings.nodeId,
    application,
    journal,
    bus,
    nodes: natsBucket(link, nodesBucket(streams)),
    floors: natsBucket(link, floorsBucket(streams)),
    outbox: options.outbox,
    clock,
    ids,
    log,
    partitions: settings.partitions,
    presenceTtlMs: settings.presenceTtlMs,
    presenceRefreshMs: settings.presenceRefreshMs,
    commitTimeoutMs: settings.commitTimeoutMs,
    outboxLimit: settings.outboxLimit,
    idleActors: IDLE_ORDERS,
    findOwnerMs: FIND_OWNER_MS,
    details: {
      url: settings.publicUrl,
      roles: ["orders", "inventory", "workers", "http"],
      ...(settings.development ? { pid: process.pid } : {}),
    },
  });
  if (!inventory) throw new Error("the runtime did not load the application");
  const orders = new OrderService({
    actors: node.actors,
    inventory,
    journal,
    ids,
    partitions: settings.partitions,
    idempotencySecret: settings.idempotencySecret,
    fulfillment: settings.fulfillment,
  });
  return {
    node,
    orders,
    inventory,
    startWorkers: () =>
      startWorkers({ link, streams, smtpUrl: settings.smtpUrl, actors: node.actors, clock, ids, log }),
  };
}
