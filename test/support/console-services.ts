/** Services for the pages of the console: with data of every kind, with none, or unavailable. */
import type { AppDependencies } from "../../src/http/app.ts";
import type { OrdersListener } from "../../src/services/live/contract.ts";
import { orderStatuses, paymentMethods } from "../../src/services/orders/contract.ts";
import {
  fulfillmentStatuses,
  type OrderSummary,
  paymentStatuses,
  waits,
} from "../../src/services/projection/contract.ts";
import { unavailable } from "../../src/services/unavailable.ts";
import { quietNode } from "./quiet-cluster.ts";

/** A rotating choice. */
const one = <Value>(values: readonly Value[], at: number): Value => values[at % values.length] as Value;
const minute = (at: number) => new Date(Date.parse("2026-11-30T10:00:00.000Z") - at * 60_000).toISOString();

/** An order of a list; every status occurs. @param at the greater, the older */
export function summary(at: number, change: Partial<OrderSummary> = {}): OrderSummary {
  return {
    id: `ord_${String(100_000 - at)}abcdefghijklm`,
    version: 3,
    sequence: 1000 - at,
    status: one(orderStatuses, at),
    customer: { id: `cus_${at % 7}` },
    lines: [{ sku: "TSHIRT-M", quantity: 1 + (at % 3) }],
    total: at % 9 === 8 ? null : { amount: 1999 * (1 + (at % 5)), currency: "EUR" },
    payment: { method: one(paymentMethods, at), status: one(paymentStatuses, at) },
    fulfillment: { status: one(fulfillmentStatuses, at), trackingNumber: at % 2 === 0 ? null : `TRK-${at}` },
    invoice: null,
    waitsFor: at % 3 === 0 ? [] : [one(waits, at)],
    parked: at % 10 === 4,
    partition: at % 4,
    createdAt: minute(at),
    updatedAt: minute(at),
    ...change,
  };
}

const asOf = { sequence: 42, at: minute(0), behindMs: 0 };
const found = <Item>(items: readonly Item[]) => ({ status: "found", items, next: null }) as const;

/** Orders in the list with data. */
export const LISTED = 250;

/** What the pages show with data, and the listeners of live changes. */
export function withData(): Partial<AppDependencies> &
  Pick<AppDependencies, "operations"> & { readonly listeners: Set<OrdersListener> } {
  const all = Array.from({ length: LISTED }, (_, at) => summary(at));
  const listeners = new Set<OrdersListener>();
  return {
    listeners,
    liveList: {
      follow: (_after, listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    list: {
      list: async ({ cursor = "0", filter, limit }) => {
        const fit = all.filter(({ status }) => filter.status?.includes(status) ?? true);
        const from = Number(cursor);
        return {
          status: "found",
          items: fit.slice(from, from + limit),
          nextCursor: from + limit < fit.length ? String(from + limit) : null,
          previousCursor: from === 0 ? null : String(Math.max(0, from - limit)),
          total: { value: fit.length, exact: true },
          asOf,
        };
      },
      counts: async () => ({
        status: "counted",
        counts: orderStatuses.map((key, at) => ({ key, value: 1 + at * 137 })),
        asOf,
      }),
      projection: () => ({
        status: "following",
        progress: 1,
        orders: LISTED,
        streams: [],
        behindMs: 0,
        builds: 0,
        folded: 0,
        unreadable: 0,
      }),
      rebuild: async () => true,
    },
    operations: {
      ...healthy,
      cluster: async () => ({
        nodes: ["node-1", "node-2"].map((id, at) => ({
          id,
          startedAt: minute(90),
          roles: ["orders"],
          partitions: [at, at + 2],
          outboxDepth: at,
          clockOffsetMs: at === 0 ? 3 : null,
          ...quietNode,
          url: `http://127.0.0.1:${3000 + at}`,
          version: "0.1.0",
          definition: 4,
          pid: 4711 + at,
        })),
        partitions: [0, 1, 2, 3].map((partition) => ({
          partition,
          node: partition === 3 ? null : `node-${1 + (partition % 2)}`,
          epoch: 7 + partition,
          lag: partition,
          answers: partition !== 2,
        })),
        workers: [{ worker: "email", pending: 2, oldestMs: 61_000, deadLetters: 3 }],
      }),
    },
    deadLetters: {
      list: async () =>
        found(
          [1, 2, 3].map((at) => ({
            id: `dl_${at}`,
            worker: "email",
            eventId: `ord_${at}.1.0`,
            type: "order.confirmed",
            orderId: `ord_${at}`,
            kind: "failed" as const,
            reason: at === 3 ? "connect ECONNREFUSED 127.0.0.1:3925" : `550 no such user for ord_${at}`,
            attempts: at,
            at: minute(at),
          })),
        ),
      replay: async () => ({ status: "replayed" }),
      read: async () => ({ status: "not_found" }),
      groups: async () => ({ status: "found", groups: [], isComplete: true }),
      discard: async () => ({ status: "discarded" }),
    },
    parked: {
      list: async () =>
        found(
          [1, 2].map((at) => ({
            orderId: `ord_${at}`,
            parkingId: `k${at}`,
            since: minute(at),
            reason: "no such method",
            input: "inbox:payment.settled",
            version: 4,
          })),
        ),
      find: async () => ({ status: "not_parked" }),
      groups: async () => ({ status: "found", groups: [], isComplete: true }),
      resume: async () => ({ status: "still_parked", reason: "no such method" }),
      skip: async () => ({ status: "not_found" }),
    },
  };
}

const healthy = {
  isolation: () => undefined,
  health: () => ({ ready: true, checks: [] }),
  metrics: () => "",
};

/** A cluster that was just started: no orders, nothing that failed. */
export function withNothing(): Partial<AppDependencies> {
  const full = withData();
  return {
    list: {
      ...full.list,
      list: async () => ({
        status: "found",
        items: [],
        nextCursor: null,
        previousCursor: null,
        total: { value: 0, exact: true },
        asOf,
      }),
      counts: async () => ({ status: "counted", counts: [], asOf }),
    } as AppDependencies["list"],
    operations: { ...healthy, cluster: async () => ({ nodes: [], partitions: [], workers: [] }) },
  };
}

/** A node that can answer nothing. @param isAway whether it is so now */
export function withoutAnswers(isAway: () => boolean = () => true): Partial<AppDependencies> {
  const full = withData();
  return {
    ...full,
    operations: {
      ...healthy,
      isolation: () => (isAway() ? "nats is away" : undefined),
      cluster: async () => (isAway() ? unavailable("nats is away") : full.operations.cluster()),
    },
  };
}
