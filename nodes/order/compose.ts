/** Puts the order application on the runtime: services, effects and inventory of one node. */
import { ofPartition } from "../../src/runtime/layout.ts";
import { subjects } from "../../src/services/subjects.ts";
import { INVENTORY_STREAM } from "../../src/services/inventory/subjects.ts";
import { INVOICE_STORE } from "../../src/services/invoice/subjects.ts";
import type { NodeSettings } from "../../config/settings.ts";
import { natsBucket } from "../../src/adapters/nats/bucket.ts";
import { apiKeysBucket, revealsBucket, streamSettings } from "./streams.ts";
import { natsDocuments } from "../../src/adapters/nats/documents.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { natsPorts } from "../../src/adapters/nats/node-ports.ts";
import { hostOn } from "../../src/runtime/host.ts";
import type { RuntimeNode } from "../../src/runtime/node.ts";
import type { Application } from "../../src/runtime/application.ts";
import type { Failpoints } from "../../src/runtime/failpoints.ts";
import type { Bus, Clock, Ids, Log, Outbox, Subscription } from "../../src/runtime/ports.ts";
import { restore } from "../../src/runtime/actor/restore.ts";
import type { ActorDefinition, ProviderLimits } from "../../src/runtime/definition.ts";
import type { IdentityTaken } from "../../src/runtime/cluster/identity-taken.ts";
import type { Unverified } from "../../src/runtime/cluster/owned-resource.ts";
import type { WriteSetSink } from "../../src/runtime/commit/write-set.ts";
import { httpCarrier } from "../../src/services/fulfillment/carrier.http.ts";
import type { Carrier } from "../../src/services/fulfillment/carrier.ts";
import type { Inventory } from "../../src/services/inventory/contract.ts";
import { CLIENT_LIMITS, InventoryClient } from "../../src/services/inventory/client.ts";
import { inventoryEffects } from "../../src/services/inventory/inventory-effects.ts";
import { InventoryService } from "../../src/services/inventory/service.ts";
import { InventoryShard } from "../../src/services/inventory/shard.ts";
import { SHARD_LIMITS } from "../../src/services/inventory/shard-dependencies.ts";
import type { Invoices } from "../../src/services/invoice/contract.ts";
import { storedInvoices } from "../../src/services/invoice/invoices.ts";
import type { Customers } from "../../src/services/personal/contract.ts";
import type { OpensPersonal } from "../../src/services/orders/personal.ts";
import type { OrderInsights } from "../../src/services/insight/contract.ts";
import { orderInsights } from "../../src/services/insight/order-insights.ts";
import type { Machines } from "../../src/services/machines/contract.ts";
import { orderMachinesAsData } from "../../src/services/machines/order-machines.ts";
import type { LiveOrders } from "../../src/services/live/contract.ts";
import { StoredApiKeys } from "../../src/services/access/api-keys.ts";
import { AuditLog } from "../../src/services/audit/audit-log.ts";
import { AUDIT } from "../../src/services/audit/chain.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import { StoredReveals } from "../../src/services/access/reveals.ts";
import { ClusterMaintenance } from "../../src/services/maintenance/maintenance.ts";
import { liveOrders } from "../../src/services/live/live-orders.ts";
import { orderDefinition, type ProviderName } from "../../src/services/orders/definition.ts";
import { OrderPredictor } from "../../src/services/orders/order-predictor.ts";
import { OrderService } from "../../src/services/orders/orders.ts";
import { References } from "../../src/services/orders/references.ts";
import { ParkedOrderService } from "../../src/services/orders/parked-orders.ts";
import { httpGateway } from "../../src/services/payments/gateway.http.ts";
import type { PaymentGateway } from "../../src/services/payments/gateway.ts";
import { type OrderInbox, orderInbox } from "../../src/services/webhooks/order-inbox.ts";
import type { MasterKeys } from "../../src/services/personal/master-keys.ts";
import type { SharedKeys } from "../../src/services/personal/shared-keys.ts";
import { SEALED_DETAIL, SEALED_FORM } from "../../src/services/personal/sealed-form.ts";
import { connectedInventory } from "./connected-inventory.ts";
import { checkKeyFile, openKeys, pooledRandom, sealed } from "./personal-keys.ts";
import type { Program } from "./program.ts";
import { customersOf, serveErasures } from "./customers.ts";
import { earlierNodes, sealedFormOpened } from "./earlier-nodes.ts";
import { ownershipHistory } from "./ownership-history.ts";
import { sharedSettings } from "./shared-settings.ts";
import type { Ownerships } from "../../src/http/operations/operations-port.ts";
import { orUnavailable } from "../../src/services/unavailable.ts";

/** What the composition of an order node needs: its settings and its opened ports. */
export type ComposeOptions = {
  readonly settings: NodeSettings;
  /** Shown to the other nodes and to operators. */
  readonly program: Program;
  readonly link: NatsLink;
  readonly masterKeys: MasterKeys;
  readonly outbox: Outbox;
  readonly log: Log;
  /** The process's own. */
  readonly clock: Clock;
  readonly ids: Ids;
  /** Tests only: ends the process at a chosen place. */
  readonly failpoints?: Failpoints | undefined;
  /** See `NodeOptions.onLost`. */
  readonly onLost?: ((reason: string) => void) | undefined;
  /** Called once when another process has claimed this node's id. */
  readonly onIdentityTaken?: (taken: IdentityTaken) => void;
  /** Instead of the one at `settings.gatewayUrl`. */
  readonly gateway?: PaymentGateway;
  /** Instead of the one at `settings.carrierUrl`. */
  readonly carrier?: Carrier;
};

/** The services of one order node, and the runtime node below them. */
export type ComposedOrders = {
  readonly node: RuntimeNode;
  /** Between nodes. */
  readonly bus: Bus;
  readonly orders: OrderService;
  readonly live: LiveOrders;
  readonly predictions: OrderPredictor;
  readonly maintenance: ClusterMaintenance;
  readonly keys: StoredApiKeys;
  readonly reveals: StoredReveals;
  readonly audit: AuditLog;
  readonly insights: OrderInsights;
  readonly machines: Machines;
  readonly parked: ParkedOrderService;
  readonly inventory: Inventory;
  /** See `ownershipHistory`. */
  readonly ownerships: Ownerships;
  readonly invoices: Invoices;
  readonly inbox: OrderInbox;
  readonly customers: Customers;
  /** Keys of sealed data that no person owns. */
  readonly sharedKeys: SharedKeys;
  /** The node takes part in erasures from now on. */
  readonly serveErasures: () => Promise<Subscription>;
};

const SHARD = 0;
/** Invoices that are read at once; more wait in line. */
const DOCUMENT_READS = 128;

/**
 * Puts the order domain on a runtime node: effects, inventory, services. Nothing is started. It makes the streams that
 * are missing. @throws StreamIncompatible; MasterKeyMissing; Unavailable (retryable)
 */
export async function composeOrders(options: ComposeOptions): Promise<ComposedOrders> {
  const { settings, link, masterKeys, clock, ids, log, failpoints } = options;
  const server = await natsPorts(link, streamSettings(settings));
  // The server's time, once the node is made.
  const time = {
    now: () => node.clock.now(),
    monotonic: () => clock.monotonic(),
    after: (delayMs: number, run: () => void) => clock.after(delayMs, run),
  };
  const keyOptions = { settings, masterKeys, link, clock: time, failpoints };
  const keys = openKeys(keyOptions);
  await checkKeyFile(keys.shared);
  const documents = sealed(await natsDocuments(link, INVOICE_STORE, time.now), keys.shared, keyOptions);
  const open: OpensPersonal = (orderId, text) => keys.personal.open(orderId, text);
  const { bus, journals } = server;
  const journal = ofPartition(INVENTORY_STREAM, journals);
  let inventory: InventoryClient | undefined;
  let definition: ActorDefinition | undefined;

  const application = (sink: WriteSetSink, unverified: Unverified, time: Clock): Application => {
    const shard = new InventoryShard(SHARD, {
      journal,
      sink,
      ids,
      clock: time,
      limits: SHARD_LIMITS,
      unverified,
      failpoints,
    });
    inventory = new InventoryClient({
      shard,
      number: SHARD,
      bus,
      clock: time,
      ids,
      idempotencySecret: settings.idempotencySecret,
      limits: CLIENT_LIMITS,
      failpoints,
    });
    definition = orderDefinition({
      gateway: options.gateway ?? httpGateway(settings.gatewayUrl, () => time.now()),
      gatewayTimeoutMs: settings.gatewayTimeoutMs,
      internalEvents: settings.internalEvents,
      providers: providerLimits(settings),
      inventoryEffects: inventoryEffects(inventory, shard),
      carrier: options.carrier ?? httpCarrier(settings.carrierUrl),
      documents,
      open,
      openToken: (orderId, token) => keys.tokens.open(orderId, token),
    });
    return {
      definition,
      resources: [new InventoryService(SHARD, shard, bus, failpoints)],
    };
  };
  const ports = { ...server, outbox: options.outbox, clock, ids };
  const node = hostOn(ports, {
    node: settings.nodeId,
    subjects,
    application,
    log,
    partitions: settings.partitions,
    presenceTtlMs: settings.presenceTtlMs,
    presenceRefreshMs: settings.presenceRefreshMs,
    commitTimeoutMs: settings.commitTimeoutMs,
    outboxLimit: settings.outboxLimit,
    effectLimit: settings.effectLimit,
    onLost: options.onLost,
    failpoints,
    shared: sharedSettings(settings, masterKeys.secret()),
    onIdentityTaken: options.onIdentityTaken,
    details: {
      url: settings.publicUrl,
      projection: settings.projection,
      roles: ["orders", "inventory", ...(settings.workers.length > 0 ? ["workers"] : []), "http"],
      ...(settings.development ? { pid: process.pid } : {}),
      [SEALED_DETAIL]: SEALED_FORM,
      ...options.program,
    },
  });
  if (!inventory || !definition) throw new Error("the runtime did not load the application");
  const ofOrders = definition;
  const answered = connectedInventory(inventory, (promise) => node.orIsolated(promise));
  const journalOf = (partition: number) => ofPartition(partition, journals);
  const { partitions, streams } = settings;
  const entries = () => node.status().entries;
  const { fulfillment, hostedPayment, idempotencySecret, taxBasisPoints } = settings;
  const plan = { fulfillment, hostedPayment, idempotencySecret, taxBasisPoints };
  const maintenance = new ClusterMaintenance(server.settings, time, log);
  const apiKeys = new StoredApiKeys({
    bucket: natsBucket(link, apiKeysBucket(settings)),
    clock: time,
    random: pooledRandom(),
    log,
  });
  const served = { actors: node.actors, inventory: answered, ids, maintenance, ...plan };
  const references = new References({ journal, actors: node.actors, clock: time });
  const orders = new OrderService({
    ...served,
    references,
    journalOf,
    partitions,
    streams,
    unreadable: node.unreadable,
    hasEarlierNodes: earlierNodes(entries, clock),
    seals: { ...keys, areOpenedByAll: sealedFormOpened(entries, clock) },
  });
  const customers = { node: settings.nodeId, keys, clock: time, bus, journals, entries };
  const live = liveOrders({
    journalOf,
    partitions,
    restore: (stored, facts) => restore(ofOrders, stored, facts).snapshot,
    open,
    unreadable: node.unreadable,
  });
  return {
    node,
    bus,
    orders,
    live,
    predictions: new OrderPredictor({ ...served, parked: node.parked, references }),
    maintenance,
    keys: apiKeys,
    audit: new AuditLog({ journal: natsJournal(link, AUDIT), writer: settings.nodeId, log }),
    reveals: new StoredReveals({ bucket: natsBucket(link, revealsBucket(settings)), clock: time }),
    insights: orderInsights({ actors: node.actors, journalOf, partitions, open, now: time.now }),
    parked: new ParkedOrderService(node.parked, { open, layout: { partitions, streams }, idempotencySecret }),
    machines: orderMachinesAsData({ definition: ofOrders, journalOf, partitions, clock: time, plan }),
    inventory: answered,
    ownerships: (since) => orUnavailable(() => ownershipHistory({ subjects, partitions, journals }, since)),
    invoices: storedInvoices(documents, node.actors),
    customers: customersOf(customers),
    sharedKeys: keys.shared,
    serveErasures: () => serveErasures(customers),
    inbox: orderInbox({ journalOf, partitions, read: (order) => node.actors.read(order), log }),
  };
}

/**
 * The inventory has no breaker: its client finds the new owner after a takeover, and a request without an owner
 * costs one message. Documents have none either: they are stored where the orders are.
 */
function providerLimits(settings: NodeSettings): Readonly<Record<ProviderName, ProviderLimits>> {
  const breaker = {
    failures: settings.breakerFailures,
    probeEveryMs: settings.breakerProbeMs,
    maxWaitMs: settings.providerMaxWaitMs,
  };
  return {
    gateway: { concurrency: settings.gatewayConcurrency, breaker },
    carrier: { concurrency: settings.carrierConcurrency, breaker },
    inventory: { concurrency: settings.inventoryConcurrency },
    documents: { concurrency: DOCUMENT_READS },
  };
}
