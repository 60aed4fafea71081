/**
 * Orders, their payments and one inventory on a cluster of three nodes under a random schedule of faults, from one
 * seed: the real machines, the real shard joined to the orders' commits, the gateway's own books over a bad network.
 * What must hold is checked on the log itself, after every step. The same seed gives the same run.
 */
import { subjects } from "../../../../src/services/subjects.ts";
import { INVENTORY_STREAM } from "../../../../src/services/inventory/subjects.ts";
import type { OrderInput, PaymentMethod } from "../../../../machines/types.ts";
import type { MemoryLog } from "../../../../src/adapters/memory/log.ts";
import type { Fault, Operation } from "../../../../src/adapters/memory/server.ts";
import type { InventoryClient } from "../../../../src/services/inventory/client.ts";
import { type OrderMachines, orderStatus } from "../../../../src/services/orders/status.ts";
import type { Choice } from "../../../../nodes/gateway/pages.ts";
import { randomOf } from "../../runtime/cluster-chaos.ts";
import { type ClusterNode, memoryCluster } from "../../runtime/memory-cluster.ts";
import { GatewayModel } from "./gateway-model.ts";
import { OrderAudit } from "./order-chaos-audit.ts";
import { invoiceNumber, orderApplication, unreliable } from "./order-chaos-world.ts";

const PARTITIONS = 3;
const NAMES = ["one", "two", "three"] as const;
const SKUS = ["A", "B", "C"] as const;
const METHODS: readonly PaymentMethod[] = [
  "cash_on_delivery",
  "in_person",
  "credit_card",
  "debit_card",
  "tokenized",
  "async",
  "async",
];
/** What customers do on their pages; the rest just leaves. */
const CHOICES: readonly Choice[] = ["pay", "pay", "pay", "pay", "decline"];
const UNTOKENED: ReadonlySet<PaymentMethod> = new Set(["cash_on_delivery", "in_person", "async"]);
const MAX_TRIES = 60;
/** Time after which a process is killed, as its parent would do. */
const STOP_LIMIT_MS = 10_000;
/** Answers after which a client repeats its request. */
const NOT_NOW: readonly string[] = ["unavailable", "overloaded", "storage_unavailable"];

/** The result of one run. */
export type OrderRun = {
  /** Violations; empty without any. */
  readonly faults: readonly string[];
  /** How the orders ended, by status. */
  readonly ends: Readonly<Record<string, number>>;
  readonly takeovers: number;
};

/** The order has ended, and its page is still checked. */
function isWatched(machines: OrderMachines | undefined): boolean {
  const value = machines?.payment.value;
  return typeof value === "object" && "watching" in value;
}

/** @param steps of random length, up to 300 ms of virtual time each */
export async function orderChaos(seed: number, steps: number, streams = 1): Promise<OrderRun> {
  const random = randomOf(seed);
  const chance = (share: number): boolean => random() < share;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  let trouble = 0;
  const cluster = memoryCluster({
    partitions: PARTITIONS,
    streams,
    idleActors: 6,
    latencyMs: () => 1 + Math.floor(random() * 4),
    ...(seed % 2 === 0 ? { replicationMs: () => Math.floor(random() * 8) } : {}),
  });
  cluster.faults.push(({ kind }: Operation): Fault | undefined => {
    if (!chance(trouble)) return undefined;
    const which = random();
    if (which < 0.35) return { lose: "answer" };
    if (which < 0.6) return { lose: "request" };
    // Most replicas lag a little, some far.
    if (kind === "read" && which < 0.75) return { staleBy: 1 + Math.floor(random() ** 4 * 400) };
    return { delayMs: Math.floor(random() * 900) };
  });
  const logs = subjects.streams(streams).map((name) => cluster.server.log(name));
  const audit = new OrderAudit(logs, PARTITIONS, SKUS);
  const books = new GatewayModel(() => cluster.clock.now());
  const gateway = unreliable(books, random, () => trouble);

  const nodes = new Map<string, ClusterNode & { readonly inventory: InventoryClient }>();
  const paused = new Set<string>();
  const starting = new Set<string>();
  const boot = (name: string): void => {
    starting.add(name);
    let inventory: InventoryClient | undefined;
    const launched = cluster.launch(name, (host) => {
      const application = orderApplication(host, gateway);
      inventory = application.inventory;
      return application;
    });
    void launched
      .then(
        (node) => nodes.set(name, { ...node, inventory: inventory as InventoryClient }),
        // The server did not answer in time: the process ends, as in production, and is started again later.
        () => undefined,
      )
      .finally(() => starting.delete(name));
  };
  /** Repeats `ask` on random nodes until it returns an answer, as a client does. */
  const insist = async <T>(
    ask: (
      node: ClusterNode & { readonly inventory: InventoryClient },
      attempt: number,
    ) => Promise<T | undefined>,
  ): Promise<T | undefined> => {
    for (let attempt = 1; attempt <= MAX_TRIES; ) {
      const node = nodes.get(pick(NAMES));
      // A missing node is no try: the run starts nodes again, and ends before the tries do.
      const answer = node && (await Promise.race([ask(node, attempt++), cluster.pause(4000)]));
      if (answer !== undefined) return answer;
      await cluster.pause(60);
    }
    return undefined;
  };

  const orders = new Map<string, OrderInput>();
  const placed = new Map<string, string>();
  const cancelled = new Set<string>();
  let asked = 0;
  const place = async (): Promise<void> => {
    const orderId = `ord_${++asked}`;
    const method = pick(METHODS);
    const lines = SKUS.filter(() => chance(0.5)).map((sku) => ({
      sku,
      quantity: 1 + Math.floor(random() * 3),
    }));
    const input: OrderInput = {
      orderId,
      customer: { id: "cus_1", email: "ada@example.com", name: "Ada Byron" },
      lines: lines.length > 0 ? lines : [{ sku: "A", quantity: 1 }],
      payment: { method, ...(UNTOKENED.has(method) ? {} : { token: "tok_ok" }) },
      shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
      fulfillment: { mode: "auto", stepDelayMs: 300 },
      hostedPayment: { deadlineMs: 5000, pollMs: 5, pollMaxMs: 1000 },
      taxBasisPoints: 2300,
    };
    orders.set(orderId, input);
    // With a key the client repeats until it has an answer; without one each try creates an order with a new id.
    const keyed = chance(0.6);
    const waitMs = chance(0.5) ? 0 : 1500;
    const request = keyed ? { request: `hash-${orderId}` } : {};
    await insist(async (node, attempt) => {
      if (attempt > 1 && !keyed) return true;
      const reply = await node.actors.start(orderId, input, { ...request, waitMs, mayExist: keyed });
      if (reply.status === "ok") {
        audit.answered(orderId, reply.snapshot);
        placed.set(orderId, JSON.stringify(reply.snapshot.machines["order"]?.value));
        return true;
      }
      if (NOT_NOW.includes(reply.status)) return undefined;
      audit.faults.push(`${orderId} was answered ${JSON.stringify(reply)}`);
      return true;
    });
  };
  const cancel = async (id: string): Promise<void> => {
    const commandId = `cancel-${++asked}`;
    const event = { type: "cancel", reason: "changed my mind" } as { type: string };
    await insist(async (node) => {
      const reply = await node.actors.command(id, "order", event, { commandId, waitMs: 0 });
      if (reply.status === "ok") {
        audit.answered(id, reply.snapshot);
        cancelled.add(id);
      }
      return NOT_NOW.includes(reply.status) ? undefined : true;
    });
  };
  /** A customer on the page of an order; the gateway's callback about it arrives once, twice or never. */
  const visit = (id: string, choice: Choice): void => {
    const event = books.choose(id, choice);
    if (event === undefined) return;
    for (let times = Math.floor(random() * 3); times > 0; times--)
      void insist((node) =>
        node.actors.deliver(id, "payment", event, `msg_${id}_${choice}`).then(
          () => true,
          () => undefined,
        ),
      );
  };
  /** Sets the counted stock: an absolute number. */
  const stock = (sku: string, onHand: number): Promise<unknown> =>
    insist(async ({ inventory }) => {
      const reply = await inventory.put(sku, { onHand, name: sku, price: { amount: 100, currency: "EUR" } });
      return reply.status === "stored" || reply.status === "below_reserved" ? reply : undefined;
    });
  /** The invoice worker: at least once, sometimes twice. */
  const invoicedThrough = new Map<MemoryLog, number>();
  const invoice = (log: MemoryLog): void => {
    for (;;) {
      const from = (invoicedThrough.get(log) ?? 0) + 1;
      const event = log.next(from, (subject) => subject.endsWith(".order.ready"));
      if (!event) return;
      invoicedThrough.set(log, event.sequence);
      const id = event.headers["ce-subject"] ?? "";
      const issued = {
        type: "invoice.issued",
        number: invoiceNumber(id),
        issuedAt: "2026-11-22T20:00:00.000Z",
      };
      for (let times = chance(0.3) ? 2 : 1; times > 0; times--) {
        void insist((node) =>
          node.actors.deliver(id, "fulfillment", issued, `invoice.${id}`).then(
            () => true,
            () => undefined,
          ),
        );
      }
    }
  };
  const check = (): void => {
    for (const log of logs) invoice(log);
    audit.check(orders.keys());
  };

  for (const name of NAMES) boot(name);
  await cluster.until("all nodes run", () => nodes.size === NAMES.length);
  await cluster.settled();
  await cluster.done(Promise.all([stock("A", 20), stock("B", 30), stock("C", 400)]));
  trouble = 0.08;
  for (let step = 0; step < steps && audit.faults.length === 0; step++) {
    for (let i = Math.floor(random() * 3); i > 0; i--) void place();
    if (chance(0.3) && orders.size > 0) void cancel(pick([...orders.keys()]));
    for (const id of orders.keys()) {
      if (chance(0.08)) visit(id, pick(CHOICES));
      // Only while the machine checks: `reconcile` alone finds later payments.
      if (chance(0.05) && isWatched(audit.machines(id))) visit(id, "pay_late");
    }
    if (chance(0.1)) void stock(pick(SKUS), 20 + Math.floor(random() * 60));
    const name = pick(NAMES);
    const node = nodes.get(name);
    const what = random();
    if (node && what < 0.05) {
      node.kill();
      nodes.delete(name);
      paused.delete(name);
    } else if (node && what < 0.08 && !paused.has(name)) {
      // As after SIGTERM: the node hands over, as far as the servers answer, and ends.
      nodes.delete(name);
      starting.add(name);
      void Promise.race([node.node.stop(), cluster.pause(STOP_LIMIT_MS)]).finally(() => {
        node.kill();
        starting.delete(name);
      });
    } else if (!node && !starting.has(name) && what < 0.5) {
      boot(name);
    } else if (node && what < 0.12) {
      node.clock.pause();
      paused.add(name);
    } else if (node && paused.has(name) && what < 0.6) {
      node.clock.resume();
      paused.delete(name);
    } else if (node && what < 0.17) {
      node.link.disconnect();
    } else if (node && what < 0.2) {
      node.link.cut();
    } else if (node && what < 0.24) {
      node.outbox.failWith("disk full");
    } else if (node && what < 0.6) {
      node.outbox.failWith(undefined);
      node.link.reconnect();
    }
    await cluster.clock.advance(Math.floor(random() * 300));
    check();
  }

  // The faults are over: everything that began must end now.
  trouble = 0;
  cluster.repairDisks();
  for (const name of NAMES) {
    const node = nodes.get(name);
    node?.clock.resume();
    node?.link.reconnect();
    if (!node && !starting.has(name)) boot(name);
  }
  for (let second = 0; second < 150 && audit.faults.length === 0; second += 10) {
    await cluster.clock.advance(10_000);
    for (const name of NAMES) if (!nodes.has(name) && !starting.has(name)) boot(name);
    check();
  }
  audit.checkEnd(orders.keys(), books);
  const ends: Record<string, number> = {};
  for (const id of orders.keys()) {
    const machines = audit.machines(id);
    const status = machines ? orderStatus(machines) : "never";
    ends[status] = (ends[status] ?? 0) + 1;
    if (!machines && placed.has(id)) audit.faults.push(`${id} was acknowledged and is lost`);
    if (cancelled.has(id) && status !== "cancelled")
      audit.faults.push(`${id} was cancelled and is ${status}`);
    const ended = ["completed", "cancelled", "rejected", "payment_failed", "payment_expired", "never"];
    if (!ended.includes(status)) audit.faults.push(`${id} is stuck in ${status}`);
  }
  const parked = [...nodes.values()].flatMap(({ node }) => node.status().partitions.map((one) => one.parked));
  if (parked.some((count) => count > 0)) audit.faults.push("orders are parked");
  const open = [...nodes.values()].flatMap(({ node }) => node.status().held);
  if (new Set(open).size !== PARTITIONS + 1 || open.length !== PARTITIONS + 1)
    audit.faults.push(`held are ${open.join(" ")}`);
  for (const node of nodes.values()) node.kill();
  return {
    faults: audit.faults,
    ends,
    takeovers: logs[INVENTORY_STREAM]?.all("$KV.ORDERS.inventory.0").length ?? 0,
  };
}
