/** The order application on one simulated node, as production composes it, with its workers. */
import type { MemoryWorkQueues } from "../../src/adapters/memory/work-queue.ts";
import type { MemoryNode } from "../../src/adapters/memory/connection.ts";
import { ofPartition } from "../../src/runtime/layout.ts";
import type { Application } from "../../src/runtime/application.ts";
import type { Clock, Ids, Log } from "../../src/runtime/ports.ts";
import type { ActorDefinition, ProviderLimits } from "../../src/runtime/definition.ts";
import { inboxDelivery } from "../../src/runtime/routing/inbox-delivery.ts";
import type { RunningWorker } from "../../src/runtime/workers/worker.ts";
import { startEmailWorker } from "../../src/services/email/worker.ts";
import { CLIENT_LIMITS, InventoryClient } from "../../src/services/inventory/client.ts";
import { inventoryEffects } from "../../src/services/inventory/inventory-effects.ts";
import { InventoryService } from "../../src/services/inventory/service.ts";
import { InventoryShard } from "../../src/services/inventory/shard.ts";
import { SHARD_LIMITS } from "../../src/services/inventory/shard-dependencies.ts";
import { cancelledInJournal } from "../../src/services/invoice/cancelled.ts";
import { INVOICE_NUMBERS } from "../../src/services/invoice/subjects.ts";
import { factsReader } from "../../src/services/orders/facts-reader.ts";
import { startInvoiceWorker } from "../../src/services/invoice/worker.ts";
import { orderDefinition, type ProviderName } from "../../src/services/orders/definition.ts";
import { subjects } from "../../src/services/subjects.ts";
import type { Host } from "../unit/runtime/memory-cluster.ts";
import type { Plan } from "./plan.ts";
import { type Program, probeOf } from "./probe.ts";
import type { Providers } from "./providers.ts";

/** What one process has besides the runtime. */
export type OrderApplication = Application & { readonly inventory: InventoryClient };

/** The application of one process. */
export function orderApplication(
  host: Host,
  plan: Plan,
  providers: Providers,
  mended: ReadonlySet<string>,
  program: Program,
): OrderApplication {
  const { journal, sink, ids, clock, bus, unverified } = host;
  const shard = new InventoryShard(0, { journal, sink, ids, clock, limits: SHARD_LIMITS, unverified });
  const inventory = new InventoryClient({
    shard,
    number: 0,
    bus,
    clock,
    idempotencySecret: "secret",
    ids,
    limits: CLIENT_LIMITS,
  });
  // One machine more than the committed definition has.
  const { fingerprints: _, ...orders } = orderDefinition({
    gateway: providers.gateway,
    gatewayTimeoutMs: plan.gatewayTimeoutMs,
    inventoryEffects: inventoryEffects(inventory, shard),
    carrier: providers.carrier,
    documents: providers.documents,
    providers: limitsOf(plan),
  });
  const definition: ActorDefinition = {
    ...orders,
    machines: { ...orders.machines, probe: probeOf(program, mended) },
  };
  return { definition, resources: [new InventoryService(0, shard, bus)], inventory };
}

function limitsOf(plan: Plan): Readonly<Record<ProviderName, ProviderLimits>> {
  const limits: ProviderLimits = {
    concurrency: plan.providerConcurrency,
    ...(plan.breaker ? { breaker: { failures: 3, probeEveryMs: 300, maxWaitMs: 1500 } } : {}),
  };
  return { gateway: limits, carrier: limits, inventory: { concurrency: 64 }, documents: limits };
}

/** What the workers of one node need of its process. */
export type WorkerHost = {
  readonly ports: MemoryNode;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly queues: MemoryWorkQueues;
};

/** Shorter than in production: a lock that a dead process has left is awaited within a run. */
const bounds = {
  maxInFlight: 4,
  workLimitMs: 1_000,
  lockLifeMs: 2_000,
  backoffMs: 100,
  backoffMaxMs: 800,
  maxAttempts: 1_000,
};
const SELLER = { name: "Shop", address: ["1 Main St"], taxId: "PT1" };

/** Starts both workers of a node. @throws Unavailable */
export async function startWorkers(
  host: WorkerHost,
  plan: Plan,
  providers: Providers,
): Promise<RunningWorker[]> {
  const { ports, clock, ids, log } = host;
  const { partitions } = plan;
  const common = {
    subjects,
    queue: host.queues.queue(ports.link),
    processed: ports.bucket(subjects.buckets.processed),
    clock,
    ids,
    log,
    bounds,
  };
  const journalOf = (partition: number) => ofPartition(partition, ports.journals);
  const facts = factsReader(journalOf, partitions);
  const invoice = await startInvoiceWorker({
    ...common,
    facts,
    numbers: ports.bucket(INVOICE_NUMBERS),
    documents: providers.documents,
    deliver: inboxDelivery({ subjects, journalOf, clock, partitions }),
    isCancelled: cancelledInJournal(journalOf, partitions),
    seller: SELLER,
    render: {
      renderInvoice: async (order, { number }) =>
        Buffer.from(`%PDF-1.3 invoice ${number} of ${order.orderId}`),
      renderCreditNote: async (order, { number }) =>
        Buffer.from(`%PDF-1.3 credit note ${number} of ${order.orderId}`),
    },
  });
  const email = await startEmailWorker({ ...common, facts, smtpUrl: "", mailer: providers.mailer });
  return [invoice, email];
}
