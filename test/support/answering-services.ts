/** The app in memory over services that find whatever is asked for, so that every route can answer with success. */
import type { FastifyInstance } from "fastify";
import type { Test } from "tap";
import type { AppDependencies } from "../../src/http/app.ts";
import { orderMachinesAsData } from "../../src/services/machines/order-machines.ts";
import { OrderWorld } from "../unit/services/orders/order-world.ts";
import { noWebhooks, order, startApp } from "./http-services.ts";

/** The order and the SKU that the document's examples name. */
const ORDER = "ord_4f0v5Xk2";
const SKU = "TSHIRT-M";
const AT = "2026-11-22T10:00:00.000Z";

/** An app, and what puts its order and its stock back as they were. */
export async function startAnswering(
  t: Test,
): Promise<{ readonly app: FastifyInstance; readonly restock: () => void }> {
  const { app, inventory, orders } = await startApp(t, answering);
  const restock = () => {
    orders.stored.set(ORDER, view);
    inventory.stock.set(SKU, stock);
  };
  restock();
  return { app, restock };
}

const view = { ...order, id: ORDER };
const stock = {
  sku: SKU,
  name: "T-shirt M",
  price: { amount: 1999, currency: "EUR" },
  onHand: 100,
  reserved: 0,
  available: 100,
};

const asOf = { sequence: 42, at: AT, behindMs: 0 };
const { createdAt, fulfillment, payment, status, total, updatedAt, version } = view;
const summary = {
  id: ORDER,
  version,
  sequence: 42,
  status,
  customer: { id: view.customer.id },
  lines: [{ sku: SKU, quantity: 2 }],
  total,
  payment: { method: payment.method, status: payment.status },
  fulfillment,
  invoice: null,
  waitsFor: ["person"],
  parked: false,
  partition: 7,
  createdAt,
  updatedAt,
} as const;

const operation = {
  id: "blk_01jdkq0r9dfk8t3e4m5n6p7q8r",
  action: "cancel",
  reason: "The warehouse is closed",
  status: "running",
  count: 3,
  processed: 1,
  outcomes: [{ code: "done", count: 1 }],
  startedAt: AT,
  updatedAt: AT,
} as const;

const parked = {
  orderId: ORDER,
  kind: "input",
  parkingId: "p1",
  since: AT,
  reason: "machine payment failed: no such method",
  input: "inbox:payment.settled",
  version: 4,
} as const;
const group = { error: "…", where: "email", count: 1, oldest: AT, newest: AT, ids: [ORDER] };
const letter = {
  id: "dl_42",
  worker: "email",
  eventId: `${ORDER}.1.0`,
  type: "order.created",
  orderId: ORDER,
  kind: "failed",
  reason: "550 no such user",
  attempts: 1,
  at: AT,
  state: "discarded",
  closedAt: AT,
  closedBy: { kind: "anonymous", id: null },
  closedReason: "The customer was called",
} as const;
const endpoint = {
  id: "whe_4f0v5Xk2",
  url: "https://shop.example.com/hooks",
  types: ["order.confirmed"],
  createdAt: AT,
};
const delivery = {
  id: `${ORDER}.3.0`,
  type: "order.confirmed",
  orderId: ORDER,
  version: 3,
  sequence: 42,
  stream: 0,
  occurredAt: AT,
  state: "delivered",
  attempts: 1,
  status: 204,
  error: null,
  at: AT,
} as const;

const pdf = async () => ({ status: "found", pdf: Buffer.from("%PDF-1.7"), number: "2026-000042" }) as const;

const answering: Partial<AppDependencies> = {
  machines: orderMachinesAsData({
    definition: new OrderWorld().definition,
    journalOf: () => ({ readAll: async () => [] }),
    partitions: 4,
    clock: { monotonic: () => 0, now: () => 0 },
    plan: {
      fulfillment: { mode: "manual", stepDelayMs: 1500 },
      hostedPayment: { deadlineMs: 900_000, pollMs: 2000, pollMaxMs: 60_000 },
      taxBasisPoints: 2300,
    },
  }),
  invoices: { read: pdf, creditNote: pdf },
  list: {
    list: async () => ({
      status: "found",
      items: [summary],
      nextCursor: null,
      previousCursor: null,
      total: { value: 1, exact: true },
      asOf,
    }),
    counts: async () => ({ status: "counted", counts: [{ key: "confirmed", value: 1 }], asOf }),
    projection: () => ({
      status: "following",
      progress: 1,
      orders: 1,
      streams: [{ stream: 0, sequence: 42, end: 42 }],
      behindMs: 0,
      builds: 0,
      folded: 42,
      unreadable: 0,
    }),
    rebuild: async () => true,
  },
  outgoing: {
    create: async () => ({ status: "created", endpoint, secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }),
    list: async () => ({ status: "found", items: [endpoint] }),
    remove: async () => ({ status: "removed" }),
    deliveries: async () => ({ status: "found", items: [delivery], next: null }),
    replay: async () => ({ status: "sent", delivery }),
    replayFrom: async () => ({ status: "replaying", endpoint }),
    rotate: async () => ({
      status: "rotated",
      endpoint,
      secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
      formerUntil: AT,
    }),
  },
  bulk: {
    preview: async () => ({
      status: "previewed",
      token: "AXV3",
      expiresAt: AT,
      count: 3,
      exact: true,
      eligible: [{ state: "confirmed", count: 2 }],
      samples: [{ id: ORDER, state: "confirmed" }],
      asOf,
    }),
    start: async () => ({ status: "started", bulk: operation }),
    get: async () => ({ status: "found", bulk: operation }),
    items: async () => ({ status: "found", items: [{ orderId: ORDER, outcome: "done" }], next: null }),
    stop: async () => ({ status: "found", bulk: operation }),
  },
  insights: {
    read: async (id) =>
      id === ORDER ? { status: "found", order: view, insight: {} } : { status: "not_found" },
    instant: async () => ({ status: "found", instant }),
  },
  parked: {
    list: async () => ({ status: "found", items: [], next: null }),
    find: async () => ({ status: "found", parked }),
    groups: async () => ({ status: "found", groups: [group] }),
    resume: async () => ({ status: "done", order: view }),
    skip: async () => ({ status: "done", order: view }),
  },
  placements: {
    move: async ({ node, partition }) => ({
      status: "moved",
      partition,
      from: "node-1",
      to: node,
      epoch: 412,
      tookMs: 40,
    }),
    drain: async (node) => ({ status: "drained", node, left: [] }),
    undrain: async (node) => ({ status: "undrained", node, left: [] }),
  },
  customers: { erase: async (_, reason) => ({ status: "erased", at: AT, reason, orders: 1 }) },
  dev: {
    mail: async () => Buffer.from("[]"),
    ledger: async () => Buffer.from('{"entries":[]}'),
    parcels: async () => Buffer.from('{"shipments":[]}'),
    faults: async ({ mode }) => Buffer.from(JSON.stringify({ mode, until: null })),
    drill: async (node) => ({ status: "done", node, state: "running", until: null }),
  },
  deadLetters: {
    list: async () => ({ status: "found", items: [], next: null }),
    read: async () => ({ status: "found", letter }),
    groups: async () => ({ status: "found", groups: [group], isComplete: true }),
    discard: async () => ({ status: "discarded" }),
    replay: async () => ({ status: "replayed" }),
  },
  webhooks: {
    counts: noWebhooks,
    hasSignature: () => true,
    verify: () => "msg_1",
    payment: async () => ({ status: "taken" }),
    delivery: async () => ({ status: "taken" }),
    unknownType: async () => ({ status: "taken" }),
  },
};

const instant = {
  version: 1,
  sequence: 42,
  at: AT,
  input: "start",
  actor: { kind: "anonymous", id: null },
  transitions: [],
  sent: [],
  events: ["order.created"],
  effects: { opened: [], closed: [] },
  timers: { armed: [], cancelled: [] },
  node: "node-1",
  epoch: 7,
  machines: {},
  open: { effects: [], timers: [] },
  published: [],
};
