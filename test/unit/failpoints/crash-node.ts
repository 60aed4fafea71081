/**
 * A whole order node in memory that can die at any failpoint. From then on nothing of it reaches the server, its disk,
 * the gateway, the other workers or its callers, although its code continues to the next await.
 */
import type { OpensPersonal } from "../../../src/services/orders/personal.ts";
import type { Documents } from "../../../src/runtime/workers/document-store.ts";
import { memoryNode } from "../../../src/adapters/memory/connection.ts";
import type { ProcessClock } from "../../../src/adapters/memory/virtual-clock.ts";
import type { MemoryOutbox } from "../../../src/adapters/memory/outbox.ts";
import type { MemoryServer } from "../../../src/adapters/memory/server.ts";
import type { MemoryWorkQueues } from "../../../src/adapters/memory/work-queue.ts";
import type { Actors } from "../../../src/runtime/actors.ts";
import type { Failpoints } from "../../../src/runtime/failpoints.ts";
import { hostOn } from "../../../src/runtime/host.ts";
import type { RuntimeNode } from "../../../src/runtime/node.ts";
import { subjects } from "../../../src/services/subjects.ts";
import type { Clock, Ids, Log, Outbox, Subscription } from "../../../src/runtime/ports.ts";
import { type RunningWorker, startWorker, type Work } from "../../../src/runtime/workers/worker.ts";
import type { WorkQueue } from "../../../src/runtime/workers/work-queue.ts";
import { completed, factsReader } from "../../../src/services/orders/facts-reader.ts";
import { mailedEvents } from "../../../src/services/email/worker.ts";
import { CLIENT_LIMITS, InventoryClient } from "../../../src/services/inventory/client.ts";
import { inventoryEffects } from "../../../src/services/inventory/inventory-effects.ts";
import { InventoryService } from "../../../src/services/inventory/service.ts";
import { InventoryShard } from "../../../src/services/inventory/shard.ts";
import { SHARD_LIMITS } from "../../../src/services/inventory/shard-dependencies.ts";
import { cancelledInJournal } from "../../../src/services/invoice/cancelled.ts";
import { startInvoiceWorker } from "../../../src/services/invoice/worker.ts";
import { seller } from "../../support/order-details.ts";
import { orderDefinition } from "../../../src/services/orders/definition.ts";
import { OrderService } from "../../../src/services/orders/orders.ts";
import type { Carrier } from "../../../src/services/fulfillment/carrier.ts";
import type { PaymentGateway } from "../../../src/services/payments/gateway.ts";
import { memoryRegister } from "../../../src/adapters/memory/register.ts";
import type { WebhookIntake } from "../../../src/services/webhooks/contract.ts";
import { webhookIntake } from "../../../src/services/webhooks/intake.ts";
import { orderInbox } from "../../../src/services/webhooks/order-inbox.ts";
import { UNMATCHED } from "../../../src/services/webhooks/subjects.ts";
import { instantCarrier } from "../../support/instant-carrier.ts";
import { keysInStory, sealedInStory } from "./crash-keys.ts";

/** What outlives every process. */
export type Surroundings = {
  readonly server: MemoryServer;
  /** The server's clock. */
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly partitions: number;
  readonly gateway: PaymentGateway;
  /** True when the answer to this call is lost. */
  readonly losesAnswer: (kind: string, orderId: string) => boolean;
  readonly queues: MemoryWorkQueues;
  readonly documents: Documents;
  /** What the mail server does with the mail of an event. */
  readonly mail: Work;
};

export type CrashNode = {
  readonly name: string;
  readonly node: RuntimeNode;
  /** Orders whose fulfillment is automatic, and orders that wait for the warehouse. */
  readonly auto: OrderService;
  readonly manual: OrderService;
  readonly inventory: InventoryClient;
  readonly webhooks: WebhookIntake;
  alive(): boolean;
  /** Starts the node; never resolves when the process dies meanwhile. @throws Unavailable */
  start(): Promise<void>;
  /** Shuts down. */
  stop(): Promise<void>;
  kill(): void;
  /** The network fails for this time, and both sides notice. */
  isolation(forMs: number): void;
};

const LATENCY_MS = 2;
const BOUNDS = {
  maxInFlight: 8,
  workLimitMs: 2500,
  lockLifeMs: 3500,
  backoffMs: 100,
  backoffMaxMs: 400,
  maxAttempts: 20,
};

/** @param reached called at every failpoint; may call `kill` */
export function crashNode(
  around: Surroundings,
  name: string,
  process: ProcessClock,
  disk: MemoryOutbox,
  reached: (node: CrashNode, ...at: Parameters<Failpoints>) => void,
): CrashNode {
  const { server, ids, log, partitions } = around;
  let alive = true;
  const ports = memoryNode(server, name, process);
  const { journal, bus, link } = ports;
  const crash: Failpoints = (point, when) => {
    if (alive) reached(self, point, when);
  };
  /** An action outside the process that takes time; it happens although its caller dies meanwhile. */
  const outside = <T>(act: () => Promise<T>, lost = false): Promise<T> =>
    new Promise((resolve, reject) => {
      if (!alive) return;
      const answered = (tell: () => void): void => {
        if (!lost) process.after(LATENCY_MS, tell);
      };
      around.clock.after(LATENCY_MS, () => {
        void act().then(
          (value) => answered(() => resolve(value)),
          (error: unknown) => answered(() => reject(error)),
        );
      });
    });
  const outbox: Outbox = {
    ...disk,
    write: (rows) => {
      if (alive) disk.write(rows);
    },
    remove: (commits) => {
      if (alive) disk.remove(commits);
    },
  };

  const { shared: sharedKeys, seals } = keysInStory((bucket) => ports.bucket(bucket), process, crash);
  const open: OpensPersonal = (id, text) => seals.personal.open(id, text);
  const documents = sealedInStory(
    {
      put: (key, value) => outside(() => around.documents.put(key, value)),
      get: (key) => outside(() => around.documents.get(key)),
    },
    sharedKeys,
    () => process.now(),
  );
  const made: { inventory?: InventoryClient } = {};
  const { nodes, checkpoints, definitions, settings } = ports;
  const node = hostOn(
    { journals: [journal], bus, nodes, checkpoints, definitions, settings, outbox, clock: process, ids },
    {
      node: name,
      subjects,
      application: (sink, unverified, time) => {
        const shard = new InventoryShard(0, {
          journal,
          sink,
          ids,
          clock: time,
          limits: SHARD_LIMITS,
          unverified,
          failpoints: crash,
        });
        const limits = CLIENT_LIMITS;
        const inventory = new InventoryClient({
          shard,
          number: 0,
          bus,
          clock: time,
          idempotencySecret: "secret",
          ids,
          limits,
          failpoints: crash,
        });
        made.inventory = inventory;
        return {
          definition: orderDefinition({
            gateway: gatewayOver(around, outside),
            gatewayTimeoutMs: 400,
            inventoryEffects: inventoryEffects(inventory, shard),
            carrier: carrierOver(outside),
            documents,
            open,
            openToken: (id, token) => seals.tokens.open(id, token),
          }),
          resources: [new InventoryService(0, shard, bus, crash)],
        };
      },
      shared: { values: { TAX: "2300" }, digests: () => Promise.resolve({ SECRET: "1f" }) },
      log: log.child({ node: name }),
      partitions,
      presenceTtlMs: 2000,
      presenceRefreshMs: 500,
      commitTimeoutMs: 500,
      outboxLimit: 1000,
      effectLimit: 1000,
      idleActors: 12,
      failpoints: crash,
    },
  );
  const { inventory } = made;
  if (!inventory) throw new Error("the runtime did not load the application");
  const service = (mode: "auto" | "manual"): OrderService =>
    new OrderService({
      actors: node.actors,
      inventory,
      journalOf: () => journal,
      ids,
      partitions,
      idempotencySecret: "a secret of some length",
      fulfillment: { mode, stepDelayMs: 100 },
      hostedPayment: { deadlineMs: 60_000, pollMs: 1000, pollMaxMs: 5000 },
      taxBasisPoints: 2300,
      seals,
    });

  const webhooks = webhookIntake({
    secrets: { payments: ["a secret of the gateway"], carrier: ["a secret of the carrier"] },
    deliver: (...input) => node.actors.deliver(...input),
    inbox: orderInbox({
      journalOf: () => journal,
      partitions,
      read: (order) => node.actors.read(order),
      log: log.child({ node: name }),
    }),
    unmatched: {
      payments: memoryRegister(link, UNMATCHED.payments),
      carrier: memoryRegister(link, UNMATCHED.carrier),
    },
    orIsolated: (promise) => node.orIsolated(promise),
    now: () => node.clock.now(),
    log: log.child({ node: name }),
    failpoints: crash,
  });

  const reading = { facts: factsReader(() => journal, partitions, open), failpoints: crash };
  const mail: Work = async (event, context) => {
    const whole = await completed(event, reading);
    await outside(() => around.mail(whole, context));
  };
  const workers: RunningWorker[] = [];
  const consuming: Subscription[] = [];
  const shared = {
    subjects,
    queue: queueOver(around.queues.queue(), outside, () => alive, consuming),
    processed: ports.bucket("PROCESSED"),
    clock: node.clock,
    ids,
    log: log.child({ node: name }),
    bounds: BOUNDS,
    failpoints: crash,
  };
  const self: CrashNode = {
    name,
    node,
    auto: service("auto"),
    manual: service("manual"),
    inventory,
    webhooks,
    alive: () => alive,
    start: async () => {
      await node.start();
      workers.push(
        await startWorker(shared, { name: "email", types: mailedEvents, bounds: BOUNDS, work: mail }),
      );
      const deliver = (...input: Parameters<Actors["deliver"]>) => node.actors.deliver(...input);
      const numbers = ports.bucket("INVOICES_NUMBERS");
      const isCancelled = cancelledInJournal(() => journal, partitions);
      workers.push(
        await startInvoiceWorker({
          ...shared,
          facts: reading.facts,
          numbers,
          documents,
          deliver,
          seller,
          isCancelled,
        }),
      );
    },
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await node.stop();
    },
    kill: () => {
      alive = false;
      process.end();
      link.disconnect();
      for (const subscription of consuming) void subscription.stop();
    },
    isolation: (forMs) => {
      if (!alive) return;
      link.disconnect();
      process.after(forMs, () => link.reconnect());
    },
  };
  return self;
}

type Outside = <T>(act: () => Promise<T>, lost?: boolean) => Promise<T>;

function gatewayOver({ gateway, losesAnswer }: Surroundings, outside: Outside): PaymentGateway {
  return {
    authorize: (request, call) =>
      outside(() => gateway.authorize(request, call), losesAnswer("authorize", request.orderId)),
    createPage: (request, call) => outside(() => gateway.createPage(request, call)),
    checkPayment: (request, call) => outside(() => gateway.checkPayment(request, call)),
    capture: (request, call) =>
      outside(() => gateway.capture(request, call), losesAnswer("capture", request.orderId)),
    void: (request, call) => outside(() => gateway.void(request, call)),
    refund: (request, call) => outside(() => gateway.refund(request, call)),
    queryStatus: (call) => outside(() => gateway.queryStatus(call)),
  };
}

function carrierOver(outside: Outside): Carrier {
  return {
    createLabel: (request, call) => outside(() => instantCarrier.createLabel(request, call)),
    handOver: (request, call) => outside(() => instantCarrier.handOver(request, call)),
    queryStatus: (call) => outside(() => instantCarrier.queryStatus(call)),
  };
}

/** The server of the queue runs on: items of a dead process are delivered again after their time. */
function queueOver(
  queue: WorkQueue,
  outside: Outside,
  alive: () => boolean,
  consuming: Subscription[],
): WorkQueue {
  return {
    consume: async (options, onItem) => {
      const subscription = await queue.consume(options, (item) =>
        onItem({
          ...item,
          ack: () => alive() && item.ack(),
          retry: (delayMs) => alive() && item.retry(delayMs),
        }),
      );
      consuming.push(subscription);
      return subscription;
    },
    backlog: (options) => outside(() => queue.backlog(options)),
    bury: (letter) => outside(() => queue.bury(letter)),
  };
}
