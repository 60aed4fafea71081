/** The order service over the runtime and the inventory in memory. */
import type { StoredMessage } from "../../../../src/runtime/ports.ts";
import type { ReserveOutput } from "../../../../machines/types.ts";
import type { Inventory } from "../../../../src/services/inventory/contract.ts";
import type {
  Money,
  PaymentMethod,
  PlaceOrder,
  PlaceResult,
} from "../../../../src/services/orders/contract.ts";
import type { OrderSeals } from "../../../../src/services/orders/personal.ts";
import { OrderService, type OrdersOptions } from "../../../../src/services/orders/orders.ts";
import { type PredictionsOptions, OrderPredictor } from "../../../../src/services/orders/order-predictor.ts";
import { orderInput, reserved } from "../../machines/order-input.ts";
import { ActorsModel } from "./actors-model.ts";

/** Of each order. */
export const { customer, shippingAddress } = orderInput();

/** An order of two T-shirts. */
export function newOrder(method: PaymentMethod = "credit_card"): PlaceOrder {
  const token = method === "cash_on_delivery" ? {} : { token: "tok_ok" };
  return {
    customer,
    lines: [{ sku: "TSHIRT-M", quantity: 2 }],
    payment: { method, ...token },
    shippingAddress,
  };
}

/** The answer of the catalogue. */
export type Known = Awaited<ReturnType<Inventory["known"]>>;

/** The service, the runtime's actors, and the subjects that it has read. */
export function service(
  options: {
    known?: Known | (() => Known);
    /** Price of every SKU in the catalogue, or why it cannot be read. */
    price?: () => Money | Exclude<Awaited<ReturnType<Inventory["get"]>>, { status: "found" }>;
    records?: StoredMessage[] | Error;
    /** What the inventory would answer to a reservation now; all that is asked for when absent. */
    reservation?: ReserveOutput;
    plan?: "auto" | "manual";
    /** Absent: nothing is sealed. */
    seals?: OrderSeals;
    /** Absent: orders are taken. */
    maintenance?: NonNullable<PredictionsOptions["maintenance"]>;
  } = {},
) {
  const actors = new ActorsModel();
  const read: string[] = [];
  const rechecked: string[] = [];
  let drawn = 0;
  const inventory = {
    known: async () =>
      typeof options.known === "function"
        ? options.known()
        : (options.known ?? { status: "checked", unknown: [] }),
    get: async (sku) => {
      const price = options.price?.() ?? { amount: 1999, currency: "EUR" };
      if ("status" in price) return price;
      return { status: "found", stock: { sku, name: sku, price, onHand: 9, reserved: 0, available: 9 } };
    },
    predict: async () => ({ status: "predicted", output: options.reservation ?? reserved }),
    recheck: (skus: readonly string[]) => void rechecked.push(...skus),
  } satisfies PredictionsOptions["inventory"] & OrdersOptions["inventory"];
  const served = {
    actors,
    inventory,
    ids: { next: () => `id${++drawn}` },
    idempotencySecret: "a secret of the cluster",
    fulfillment: { mode: options.plan ?? "manual", stepDelayMs: 1500 },
    hostedPayment: { deadlineMs: 900_000, pollMs: 2000, pollMaxMs: 60_000 },
    taxBasisPoints: 2300,
    ...(options.maintenance && { maintenance: options.maintenance }),
  } as const;
  const orders = new OrderService({
    ...served,
    journalOf: () => ({
      readAll: async (subject) => {
        read.push(subject);
        if (options.records instanceof Error) throw options.records;
        return options.records ?? [];
      },
    }),
    partitions: 32,
    ...(options.seals ? { seals: options.seals } : {}),
  });
  return {
    orders,
    actors,
    read,
    rechecked,
    predictions: new OrderPredictor({
      ...served,
      parked: { predictResume: async () => ({ status: "not_found" }) },
    }),
  };
}

/** A request without a key. */
export const now = { caller: "shop", waitMs: 10_000 };

/** The id of the placed order. @throws Error for another result */
export function placed(result: PlaceResult): string {
  if (result.status !== "placed") throw new Error(`not placed: ${JSON.stringify(result)}`);
  return result.order.id;
}
