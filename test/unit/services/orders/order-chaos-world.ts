/** The order application on the nodes of a simulated cluster, with a payment gateway whose network fails. */
import { EffectError } from "../../../../src/runtime/definition.ts";
import type { Application } from "../../../../src/runtime/node.ts";
import type { Documents } from "../../../../src/runtime/workers/document-store.ts";
import { CLIENT_LIMITS, InventoryClient } from "../../../../src/services/inventory/client.ts";
import { inventoryEffects } from "../../../../src/services/inventory/inventory-effects.ts";
import { InventoryService } from "../../../../src/services/inventory/service.ts";
import { InventoryShard } from "../../../../src/services/inventory/shard.ts";
import { SHARD_LIMITS } from "../../../../src/services/inventory/shard-dependencies.ts";
import { orderDefinition } from "../../../../src/services/orders/definition.ts";
import type { PaymentGateway } from "../../../../src/services/payments/gateway.ts";
import { instantCarrier } from "../../../support/instant-carrier.ts";
import type { Host } from "../../runtime/memory-cluster.ts";
import type { GatewayModel } from "./gateway-model.ts";

/** Shorter than in production, so that a run of some seconds has calls that time out. */
const GATEWAY_TIMEOUT_MS = 600;

/** The number of the invoice that every order is issued. */
export const invoiceNumber = (orderId: string): string => `n-${orderId}`;

const issuedInvoices: Pick<Documents, "get"> = {
  get: async (orderId) => ({
    bytes: Buffer.from("%PDF-1.3"),
    metadata: { number: invoiceNumber(orderId) },
  }),
};

/** What one process has besides the runtime. */
export type OrderApplication = Application & { readonly inventory: InventoryClient };

/** The application as production composes it, except for the gateway. */
export function orderApplication(host: Host, gateway: PaymentGateway): OrderApplication {
  const { journal, sink, ids, clock, bus, unverified } = host;
  const shard = new InventoryShard(0, { journal, sink, ids, clock, limits: SHARD_LIMITS, unverified });
  const inventory = new InventoryClient({ shard, number: 0, bus, clock, ids, limits: CLIENT_LIMITS });
  const definition = orderDefinition({
    gateway,
    gatewayTimeoutMs: GATEWAY_TIMEOUT_MS,
    inventoryEffects: inventoryEffects(inventory, shard),
    carrier: instantCarrier,
    documents: issuedInvoices,
  });
  return { definition, resources: [new InventoryService(0, shard, bus)], inventory };
}

/** The books over a network that loses requests, loses answers, and breaks some calls. */
export function unreliable(model: GatewayModel, chance: () => number, trouble: () => number): PaymentGateway {
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    const fate = chance() / Math.max(trouble(), Number.MIN_VALUE);
    // Never answered: the caller's time limit ends it.
    if (fate < 0.4) return new Promise(() => {});
    const done = await work();
    if (fate < 0.8) return new Promise(() => {});
    if (fate < 1) throw new EffectError("unknown", "broken", "the connection broke");
    return done;
  };
  return {
    authorize: (request, by) => call(() => model.authorize(request, by)),
    createPage: (request, by) => call(() => model.createPage(request, by)),
    checkPayment: (request) => call(() => model.checkPayment(request)),
    capture: (request, by) => call(() => model.capture(request, by)),
    void: (request, by) => call(() => model.void(request, by)),
    refund: (request, by) => call(() => model.refund(request, by)),
    queryStatus: (by) => call(() => model.queryStatus(by)),
  };
}
