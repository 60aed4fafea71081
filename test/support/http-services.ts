/** The services of the HTTP API in memory, alike the real ones as far as HTTP can see. */
import type { FastifyInstance } from "fastify";
import pino from "pino";
import type { Test } from "tap";
import { type AppDependencies, createApp } from "../../src/http/app.ts";
import { oneKey } from "./one-key.ts";
import { noPlacements } from "./quiet-cluster.ts";
import { knownHosts } from "../../src/http/connections/known-hosts.ts";
import type { Inventory, PutHow, StockView } from "../../src/services/inventory/contract.ts";
import type { PredictedOrder, OrderPredictions } from "../../src/services/predictions/contract.ts";
import type {
  CommandHow,
  OrderCommand,
  OrderView,
  Orders,
  PlaceOrder,
} from "../../src/services/orders/contract.ts";
import type { OrderList, ProjectionState } from "../../src/services/projection/contract.ts";
import type { Register } from "../../src/runtime/ports.ts";
import type { WebhookCounts, WebhookSender } from "../../src/services/webhooks/contract.ts";
import type { OrderInbox } from "../../src/services/webhooks/order-inbox.ts";
import type { UnmatchedRegisters } from "../../src/services/webhooks/unmatched.ts";

export const body: PlaceOrder = {
  customer: { id: "cus_1", email: "ada@example.com", name: "Ada Byron" },
  lines: [{ sku: "TSHIRT-M", quantity: 2 }],
  payment: { method: "credit_card", token: "tok_ok" },
  shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
};

export const order: OrderView = {
  id: "ord_1",
  version: 3,
  status: "confirmed",
  customer: body.customer,
  lines: [
    {
      id: "l1",
      sku: "TSHIRT-M",
      quantity: 2,
      unitPrice: { amount: 1999, currency: "EUR" },
      cancelled: 0,
      shipped: 0,
      returned: 0,
    },
  ],
  total: { amount: 3998, currency: "EUR" },
  payment: { method: "credit_card", status: "authorized", reason: null, url: null },
  fulfillment: { status: "stored", trackingNumber: null },
  invoice: null,
  shippingAddress: body.shippingAddress,
  reason: null,
  createdAt: "2026-11-22T10:00:00.000Z",
  updatedAt: "2026-11-22T10:00:00.120Z",
  nextEvents: ["cancel", "pick"],
};

/** The counts of an intake that has taken nothing. */
export const noWebhooks: WebhookCounts = {
  otherBody: { payments: 0, carrier: 0 },
  unmatched: {
    payments: { unknown_order: 0, unknown_type: 0 },
    carrier: { unknown_order: 0, unknown_type: 0 },
  },
};

/** Inboxes of orders that all exist and have got nothing. */
export const emptyInbox: OrderInbox = { exists: async () => true, inputs: async () => [] };

/** Registers in memory, without bounds. */
export function registersInMemory(): UnmatchedRegisters & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  const of = (sender: WebhookSender): Register => ({
    get: async (key) => {
      const value = kept.get(`${sender} ${key}`);
      return value === undefined ? undefined : { key, value, revision: 1, at: 0 };
    },
    update: async (key, value) => {
      if (kept.has(`${sender} ${key}`)) return { status: "conflict" };
      kept.set(`${sender} ${key}`, value);
      return { status: "stored", revision: kept.size };
    },
    list: async () => [],
  });
  return { payments: of("payments"), carrier: of("carrier"), kept };
}

type Placed = { order: PlaceOrder; options: Parameters<Orders["place"]>[1] };

/** Keeps orders in a map; `place` confirms every order, `command` returns the order unchanged. */
export class OrdersInMemory implements Orders {
  readonly stored = new Map<string, OrderView>([[order.id, order]]);
  readonly placed: Placed[] = [];
  readonly annotations: Parameters<Orders["annotate"]>[] = [];
  readonly commands: ({ id: string; command: OrderCommand } & CommandHow)[] = [];

  async place(request: PlaceOrder, options: Placed["options"]): ReturnType<Orders["place"]> {
    this.placed.push({ order: request, options });
    const view = { ...order, id: `ord_${this.placed.length}`, customer: request.customer };
    this.stored.set(view.id, view);
    return { status: "placed", order: view };
  }

  async get(id: string): ReturnType<Orders["get"]> {
    const found = this.stored.get(id);
    return found === undefined ? { status: "not_found" } : { status: "found", order: found };
  }

  async command(id: string, command: OrderCommand, how?: CommandHow): ReturnType<Orders["command"]> {
    this.commands.push({ id, command, ...how });
    const found = this.stored.get(id);
    return found === undefined ? { status: "not_found" } : { status: "done", order: found };
  }

  async annotate(...asked: Parameters<Orders["annotate"]>): ReturnType<Orders["annotate"]> {
    this.annotations.push(asked);
    const found = this.stored.get(asked[0]);
    return found === undefined ? { status: "not_found" } : { status: "done", order: found };
  }

  async messages(id: string): ReturnType<Orders["messages"]> {
    return this.stored.has(id) ? { status: "found", items: [] } : { status: "not_found" };
  }

  async history(id: string): ReturnType<Orders["history"]> {
    return this.stored.has(id) ? { status: "found", items: [], nextAfter: null } : { status: "not_found" };
  }
}

/** What the dry runs of {@link PredictionsInMemory} answer. */
export const prediction: PredictedOrder = {
  status: "predicted",
  before: null,
  after: null,
  machines: [],
  events: ["order.created"],
  effects: [],
  timers: [],
  guards: [],
  basedOn: { version: 0, source: "owner" },
};

/** Predicts the same of every request. */
export class PredictionsInMemory implements OrderPredictions {
  readonly places: Parameters<OrderPredictions["place"]>[] = [];
  readonly commands: Parameters<OrderPredictions["command"]>[] = [];
  readonly annotations: Parameters<OrderPredictions["annotate"]>[] = [];
  readonly resumes: Parameters<OrderPredictions["resume"]>[] = [];

  async place(...asked: Parameters<OrderPredictions["place"]>): Promise<PredictedOrder> {
    this.places.push(asked);
    return prediction;
  }

  async command(...asked: Parameters<OrderPredictions["command"]>): Promise<PredictedOrder> {
    this.commands.push(asked);
    return prediction;
  }

  async annotate(...asked: Parameters<OrderPredictions["annotate"]>): Promise<PredictedOrder> {
    this.annotations.push(asked);
    return prediction;
  }

  async resume(...asked: Parameters<OrderPredictions["resume"]>): Promise<PredictedOrder> {
    this.resumes.push(asked);
    return prediction;
  }
}

/** The state of a projection that is switched off. */
export const noProjection: ProjectionState = {
  status: "off",
  progress: 0,
  orders: 0,
  streams: [],
  behindMs: 0,
  builds: 0,
  folded: 0,
  unreadable: 0,
};

/** A node without a list of orders. */
export const noList: OrderList = {
  list: async () => ({ status: "projection_off" }),
  counts: async () => ({ status: "projection_off" }),
  projection: () => noProjection,
  rebuild: async () => false,
};

/** Stock in a map, listed by SKU. */
export class InventoryInMemory implements Inventory {
  readonly stock = new Map<string, StockView>();

  readonly puts: (PutHow | undefined)[] = [];
  readonly rechecked: string[] = [];
  readonly adjusted: Parameters<Inventory["adjust"]>[] = [];

  async put(
    sku: string,
    wanted: Parameters<Inventory["put"]>[1],
    how?: PutHow,
  ): ReturnType<Inventory["put"]> {
    this.puts.push(how);
    const stock = this.after(sku, wanted);
    if (!stock) return { status: "incomplete", missing: ["name", "price"] };
    this.stock.set(sku, stock);
    return { status: "stored", stock };
  }

  async predictPut(
    sku: string,
    wanted: Parameters<Inventory["put"]>[1],
  ): ReturnType<Inventory["predictPut"]> {
    const [before, after] = [this.stock.get(sku) ?? null, this.after(sku, wanted)];
    if (after) return { status: "predicted", before, after };
    const refusal = { status: "incomplete" as const, missing: ["name" as const, "price" as const] };
    return { status: "predicted", before, after: before, refusal };
  }

  private after(sku: string, wanted: Parameters<Inventory["put"]>[1]): StockView | undefined {
    const before = this.stock.get(sku);
    const { onHand = before?.onHand ?? 0, name = before?.name, price = before?.price } = wanted;
    if (name === undefined || price === undefined) return undefined;
    const { listed = before?.listed ?? true } = wanted;
    return { sku, name, price, onHand, reserved: 0, available: onHand, listed };
  }

  recheck(skus: readonly string[]): void {
    this.rechecked.push(...skus);
  }

  async adjust(...call: Parameters<Inventory["adjust"]>): ReturnType<Inventory["adjust"]> {
    this.adjusted.push(call);
    const [sku, { delta = 0, ...adjustment }] = call;
    if (!this.stock.has(sku)) return { status: "not_found" };
    return {
      status: "adjusted",
      adjustment: { ...adjustment, id: "adj_1", sku, delta, onHand: 9, short: 0 },
    };
  }

  async movements(sku: string): ReturnType<Inventory["movements"]> {
    return this.stock.has(sku) ? { status: "found", items: [], next: null } : { status: "not_found" };
  }

  async shortages(sku: string): ReturnType<Inventory["shortages"]> {
    return this.stock.has(sku) ? { status: "found", items: [], unnamed: 0 } : { status: "not_found" };
  }

  async get(sku: string): ReturnType<Inventory["get"]> {
    const stock = this.stock.get(sku);
    return stock === undefined ? { status: "not_found" } : { status: "found", stock };
  }

  async list({ limit, after = "" }: Parameters<Inventory["list"]>[0]): ReturnType<Inventory["list"]> {
    const all = [...this.stock.values()].toSorted((a, b) => (a.sku < b.sku ? -1 : 1));
    const rest = all.filter(({ sku }) => sku > after);
    const items = rest.slice(0, limit);
    return { status: "found", items, next: rest.length > limit ? (items.at(-1)?.sku ?? null) : null };
  }

  async predict(lines: Parameters<Inventory["predict"]>[0]): ReturnType<Inventory["predict"]> {
    const skus = lines.map(({ sku }) => sku).filter((sku) => !this.stock.has(sku));
    return { status: "predicted", output: { outcome: "unknown_sku", skus } };
  }

  async known(skus: readonly string[]): ReturnType<Inventory["known"]> {
    const unknown = skus.filter((sku) => !this.stock.has(sku));
    const notForSale = skus.filter((sku) => this.stock.get(sku)?.listed === false);
    return { status: "checked", unknown, notForSale };
  }
}

export type TestApp = {
  readonly app: FastifyInstance;
  readonly orders: OrdersInMemory;
  readonly predictions: PredictionsInMemory;
  readonly inventory: InventoryInMemory;
  /** The app's log lines at info level and above, parsed. */
  readonly logged: Record<string, unknown>[];
};

/** An app over fresh services, closed with the test. `replace` overrules single dependencies. */
export async function startApp(t: Test, replace: Partial<AppDependencies> = {}): Promise<TestApp> {
  const orders = new OrdersInMemory();
  const predictions = new PredictionsInMemory();
  const inventory = new InventoryInMemory();
  const logged: Record<string, unknown>[] = [];
  let ids = 0;
  const app = await createApp({
    orders,
    maintenance: {
      state: () => ({ takingOrders: true, reason: null, since: null }),
      set: async ({ takingOrders, reason }) => ({
        status: "set",
        state: { takingOrders, reason, since: "2026-11-22T10:00:00.000Z" },
      }),
    },
    liveList: { follow: () => () => undefined },
    live: { follow: async () => ({ status: "not_found" }) },
    predictions,
    list: noList,
    outgoing: {
      create: async () => ({ status: "too_many_endpoints" }),
      list: async () => ({ status: "found", items: [] }),
      remove: async () => ({ status: "not_found" }),
      deliveries: async () => ({ status: "not_found" }),
      replay: async () => ({ status: "not_found" }),
      replayFrom: async () => ({ status: "not_found" }),
      rotate: async () => ({ status: "not_found" }),
    },
    bulk: {
      preview: async () => ({ status: "projection_off" }),
      start: async () => ({ status: "token_unknown" }),
      get: async () => ({ status: "not_found" }),
      items: async () => ({ status: "not_found" }),
      stop: async () => ({ status: "not_found" }),
    },
    machines: {
      list: () => [],
      chart: () => undefined,
      simulate: async () => ({ status: "machine_not_found" }),
    },
    insights: {
      read: async (id) => {
        const found = await orders.get(id);
        return found.status === "found" ? { ...found, insight: {} } : found;
      },
      instant: async () => ({ status: "version_not_found" }),
    },
    parked: {
      list: async () => ({ status: "found", items: [], next: null }),
      find: async () => ({ status: "not_parked" }),
      groups: async () => ({ status: "found", groups: [] }),
      resume: async () => ({ status: "not_found" }),
      skip: async () => ({ status: "not_found" }),
    },
    inventory,
    invoices: {
      read: async () => ({ status: "not_ready" }),
      creditNote: async () => ({ status: "not_ready" }),
    },
    customers: { erase: async () => ({ status: "not_found" }) },
    operations: {
      isolation: () => undefined,
      health: () => ({ ready: true, checks: [{ name: "nats", ok: true, detail: "connected" }] }),
      cluster: async () => ({ nodes: [], partitions: [], workers: [] }),
      metrics: () => "orders_total 1\n",
    },
    ownerships: async () => [],
    placements: noPlacements,
    samples: () => ({ everyMs: 1000, samples: [] }),
    deadLetters: {
      list: async () => ({ status: "found", items: [], next: null }),
      read: async () => ({ status: "not_found" }),
      groups: async () => ({ status: "found", groups: [], isComplete: true }),
      discard: async () => ({ status: "not_found" }),
      replay: async () => ({ status: "not_found" }),
    },
    webhooks: {
      counts: noWebhooks,
      hasSignature: () => false,
      verify: () => undefined,
      payment: async () => ({ status: "taken" }),
      delivery: async () => ({ status: "taken" }),
      unknownType: async () => ({ status: "taken" }),
    },
    unmatched: { list: async () => ({ status: "found", items: [], next: null }) },
    log: pino({ level: "info" }, { write: (line: string) => logged.push(JSON.parse(line)) }),
    nextId: () => `${++ids}`,
    now: () => Date.parse("2026-11-22T10:00:00.000Z"),
    defaultWaitMs: 10_000,
    knownHosts: knownHosts("https://shop.example.com", "node-1,admin.example.com:8443"),
    development: true,
    auth: "off",
    keys: oneKey,
    audit: {
      write: async () => ({ status: "stored" }),
      list: async () => ({ status: "found", items: [], next: null }),
    },
    reveals: {
      reveal: async () => ({ status: "revealed", until: "2026-11-22T10:10:00.000Z" }),
      isRevealed: () => false,
    },
    console: { folder: "/not-built", version: "0.1.0", environment: "development" },
    ...replace,
  });
  t.teardown(() => app.close());
  return { app, orders, predictions, inventory, logged };
}

/** Orders whose methods are partly replaced. */
export function ordersWith(replaced: Partial<Orders>): Orders {
  return Object.assign(new OrdersInMemory(), replaced);
}

export function inventoryWith(replaced: Partial<Inventory>): Inventory {
  return Object.assign(new InventoryInMemory(), replaced);
}
