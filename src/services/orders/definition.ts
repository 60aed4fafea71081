/** An order as the runtime sees it: three machines, who listens to whom, and the effects they ask for. */
import { fulfillmentMachine } from "../../../machines/fulfillment.ts";
import type { FulfillmentContext } from "../../../machines/fulfillment-rules.ts";
import { orderMachine } from "../../../machines/order.ts";
import { paymentMachine } from "../../../machines/payment.ts";
import type {
  ActorDefinition,
  EffectHandler,
  MachineState,
  MachineStates,
  ProviderLimits,
} from "../../runtime/definition.ts";
import type { Documents } from "../../runtime/workers/document-store.ts";
import { carrierEffects } from "../fulfillment/carrier.ts";
import type { Carrier } from "../fulfillment/carrier.ts";
import { retrievalEffect } from "../fulfillment/invoice-retrieval.ts";
import { paymentEffects } from "../payments/payment-effects.ts";
import type { PaymentGateway } from "../payments/gateway.ts";
import { paymentMigrations } from "./payment-migrations.ts";

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
  /** Where the invoices are, by order id. */
  readonly documents: Pick<Documents, "get">;
  /** How a node treats the outside systems of its orders. */
  readonly providers?: Readonly<Record<ProviderName, ProviderLimits>>;
};

/** The outside systems, as the effects name them. */
export type ProviderName = "gateway" | "carrier" | "inventory" | "documents";

/** Orders of version 1 were placed before rates were recorded, and none is made up for them. */
function withoutTaxRate(state: MachineState): MachineState {
  return { ...state, context: { ...(state.context as object), taxBasisPoints: null } };
}

/** Each machine's name, as in records, commands and inbox messages. */
export const orderMachines = {
  // 2: the rate of tax is recorded.
  order: { machine: orderMachine, version: 2, migrations: { 1: withoutTaxRate } },
  // 2: why money is given back is kept, authorisations lapse.
  payment: { machine: paymentMachine, version: 2, migrations: paymentMigrations },
  // 2: the invoice is retrieved, and parcels are handed over to a carrier.
  fulfillment: { machine: fulfillmentMachine, version: 2, migrations: { 1: labelledHere } },
} as const;

/** Name of one machine of an order. */
export type MachineName = keyof typeof orderMachines;

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
      ...carrierEffects(options.carrier),
      retrieveInvoice: retrievalEffect(options.documents),
    },
    settled,
  };
}

/**
 * Version 1 made labels in the process: no carrier knows these parcels, and none is told of them. All else goes on as it
 * is: an order that is to be shipped retrieves its invoice then.
 */
function labelledHere(state: MachineState): MachineState {
  const context = state.context as FulfillmentContext;
  return context.trackingNumber === undefined
    ? state
    : { ...state, context: { ...context, ownLabel: true } satisfies FulfillmentContext };
}

/**
 * False while a caller had better wait: the stock is being asked for, the payment authorised, its page made, stock given
 * back, or a parcel with its invoice handed over right now. A step that failed and waits for its next try keeps nobody waiting.
 */
function settled(machines: MachineStates): boolean {
  const order = machines["order"]?.value;
  if (order === "reserving" || order === "awaiting_inventory" || order === "authorizing") return false;
  const payment = machines["payment"]?.value as { hosted?: unknown } | undefined;
  if (payment?.hosted === "requesting" && order === "awaiting_payment") return false;
  const { releasing, ready, shipping } = (machines["fulfillment"]?.value ?? {}) as Readonly<
    Record<string, string | undefined>
  >;
  return !(
    releasing === "giving_back" ||
    ready === "retrieving" ||
    shipping === "handing_over" ||
    shipping === "consigning"
  );
}
