/** An order as the runtime sees it: three machines, who listens to whom, and the effects they ask for. */
import { fulfillmentMachine } from "../../../machines/fulfillment.ts";
import { orderMachine } from "../../../machines/order.ts";
import { paymentMachine } from "../../../machines/payment.ts";
import type { ActorDefinition, EffectHandler, MachineStates } from "../../runtime/definition.ts";
import type { ProviderLimits } from "../../runtime/provider-lane.ts";
import { labelEffect } from "../fulfillment/carrier.ts";
import type { Carrier } from "../fulfillment/carrier.ts";
import { paymentEffects } from "../payments/effects.ts";
import type { PaymentGateway } from "../payments/gateway.ts";

/** What the effects of an order are carried out with. */
export type OrderDefinitionOptions = {
  readonly gateway: PaymentGateway;
  /** Time limit of one call to the gateway, ms. Equal on all nodes. Default 5000. */
  readonly gatewayTimeoutMs?: number;
  readonly inventoryEffects: {
    readonly reserveInventory: EffectHandler;
    readonly releaseInventory: EffectHandler;
    readonly shipInventory: EffectHandler;
  };
  readonly carrier: Carrier;
  /** How a node treats the outside systems of its orders. */
  readonly providers?: Readonly<Record<ProviderName, ProviderLimits>>;
};

/** The outside systems, as the effects name them. */
export type ProviderName = "gateway" | "carrier" | "inventory";

/** Each machine's name, as in records, commands and inbox messages. */
export const orderMachines = {
  order: { machine: orderMachine, version: 1 },
  payment: { machine: paymentMachine, version: 1 },
  fulfillment: { machine: fulfillmentMachine, version: 1 },
} as const;

/** The whole conversation between the machines of an order. */
const listens: ActorDefinition["listens"] = {
  "order.created": ["payment"],
  "payment.authorized": ["order"],
  "payment.failed": ["order"],
  "payment.expired": ["order"],
  "order.confirmed": ["fulfillment"],
  "capture.requested": ["payment"],
  "payment.captured": ["fulfillment"],
  "fulfillment.ready": ["order"],
  "fulfillment.shipping": ["order"],
  "fulfillment.shipped": ["order"],
  "fulfillment.delivered": ["order", "payment"],
  "payment.collected": ["order"],
  "order.closed": ["payment", "fulfillment"],
};

/** Not for the public: the order tells the same in its own events, with the facts that belong to them. */
const privateEvents: ReadonlySet<string> = new Set([
  "order.closed",
  "capture.requested",
  "fulfillment.ready",
  "fulfillment.shipping",
  "fulfillment.shipped",
]);

/** Everything the runtime has to know about orders. */
export function orderDefinition(options: OrderDefinitionOptions): ActorDefinition {
  return {
    version: 1,
    machines: orderMachines,
    listens,
    privateEvents,
    ...(options.providers ? { providers: options.providers } : {}),
    effects: {
      ...options.inventoryEffects,
      ...paymentEffects(options.gateway, options.gatewayTimeoutMs),
      createShippingLabel: labelEffect(options.carrier),
    },
    settled,
  };
}

/**
 * False while a caller had better wait: the stock is being asked for, the payment authorised, its page made, or stock given back
 * or handed over right now. A step that failed and waits for its next try keeps nobody waiting.
 */
function settled(machines: MachineStates): boolean {
  const order = machines["order"]?.value;
  if (order === "reserving" || order === "awaiting_inventory" || order === "authorizing") return false;
  const payment = machines["payment"]?.value as { hosted?: unknown } | undefined;
  if (payment?.hosted === "requesting" && order === "awaiting_payment") return false;
  const fulfillment = machines["fulfillment"]?.value as { releasing?: string; shipping?: string } | undefined;
  return fulfillment?.releasing !== "giving_back" && fulfillment?.shipping !== "handing_over";
}
