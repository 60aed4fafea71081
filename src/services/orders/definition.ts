/** An order as the runtime sees it: three machines, their listeners, and the effects that they invoke. */
import fingerprints from "../../../machines/fingerprints.json" with { type: "json" };
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
import { type Carrier, carrierEffects } from "../fulfillment/carrier.ts";
import { retrievalEffect } from "../fulfillment/invoice-retrieval.ts";
import { type OpensToken, paymentEffects } from "../payments/payment-effects.ts";
import type { PaymentGateway } from "../payments/gateway.ts";
import { orderFactsRules } from "./facts.ts";
import { paymentMigrations, without } from "./payment-migrations.ts";
import type { OpensPersonal } from "./personal.ts";

/** The outside systems that carry out the effects of an order. */
export type OrderDefinitionOptions = {
  readonly gateway: PaymentGateway;
  /** Time limit of one call to the gateway, ms. Equal on all nodes. Default 5000. */
  readonly gatewayTimeoutMs?: number;
  readonly inventoryEffects: {
    readonly reserveInventory: EffectHandler;
    readonly releaseInventory: EffectHandler;
    readonly shipInventory: EffectHandler;
    readonly returnInventory: EffectHandler;
  };
  readonly carrier: Carrier;
  /** Open personal data and card tokens. Absent: nothing is sealed. */
  readonly open?: OpensPersonal;
  readonly openToken?: OpensToken;
  /** The store of invoices, by order id. */
  readonly documents: Pick<Documents, "get">;
  /** True: the steps within fulfillment (`internalEvents`) are published too. Equal on all nodes. Default false. */
  readonly internalEvents?: boolean;
  /** Limits of the calls to each outside system. */
  readonly providers?: Readonly<Record<ProviderName, ProviderLimits>>;
};

/** The outside systems, by the names that the effects use. */
export type ProviderName = "gateway" | "carrier" | "inventory" | "documents";

/** Version 4 had the order's facts in its context; the runtime has taken them from there. */
function withoutFacts(state: MachineState): MachineState {
  return without(state, [
    "billingAddress",
    "customer",
    "lines",
    "shippingAddress",
    "taxBasisPoints",
    "taxId",
  ]);
}

/** Version 4 had the shipping address in its context until the label was made. */
function withoutAddress(state: MachineState): MachineState {
  return without(state, ["shippingAddress"]);
}

/** The newer version only adds what a stored order does without. */
function unchanged(state: MachineState): MachineState {
  return state;
}

/** Version 3 ended with the release of the stock. Version 4 still learns of the credit note after it. */
function released(state: MachineState): MachineState {
  return state.value === "released" ? { ...state, status: "active" } : state;
}

/** The machines by name; records, commands and inbox messages use these names. */
export const orderMachines = {
  // 2: records the tax rate. 3: knows the total that the customer agreed to, who waits, and who is billed. 4: orders
  // are returned.
  // 5: customer, addresses, lines and tax rate are facts of the order. 6: a rejection says that SKUs are off sale.
  order: {
    machine: orderMachine,
    version: 6,
    migrations: { 1: unchanged, 2: unchanged, 3: unchanged, 4: withoutFacts, 5: unchanged },
  },
  // 2: keeps the reason of a refund, and lets authorizations lapse. 3: refunds a returned order. 4: has no customer.
  payment: { machine: paymentMachine, version: 4, migrations: paymentMigrations },
  // 2: retrieves the invoice, and hands parcels over to a carrier. 3: labels have a receiver, a company and a phone.
  // 4: parcels come back, and amounts are disputed. 5: has no address.
  fulfillment: {
    machine: fulfillmentMachine,
    version: 5,
    migrations: { 1: labeledHere, 2: unchanged, 3: released, 4: withoutAddress },
  },
} as const;

/** Name of one machine of an order. */
export type MachineName = keyof typeof orderMachines;

/** All events that the machines of an order exchange, with the machines that receive them. */
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
  "fulfillment.returning": ["order"],
  "fulfillment.returned": ["order", "payment"],
  "payment.collected": ["order"],
  "order.closed": ["payment", "fulfillment"],
};

/** Never published: the order machine emits the same facts in its own public events. */
const neverPublished = [
  "order.priced",
  "order.closed",
  "capture.requested",
  "fulfillment.ready",
  "fulfillment.shipping",
  "fulfillment.shipped",
];

/**
 * Steps within fulfillment. The transitions in the records say that they happened; what a consumer outside acts on is
 * in `order.ready`, `order.shipped`, `payment.collected` and `order.completed`. Published by a setting only.
 */
export const internalEvents: readonly string[] = [
  "fulfillment.stored",
  "fulfillment.picked",
  "fulfillment.quality_checked",
  "fulfillment.packed",
  "fulfillment.delivered",
];

/** Version of the definition of an order (ADR 11). */
export const DEFINITION_VERSION = 4;

/** The definition that the runtime hosts orders with. */
export function orderDefinition(options: OrderDefinitionOptions): ActorDefinition {
  const { open, openToken } = options;
  return {
    version: DEFINITION_VERSION,
    fingerprints,
    machines: orderMachines,
    listens,
    privateEvents: new Set(options.internalEvents ? neverPublished : [...neverPublished, ...internalEvents]),
    facts: orderFactsRules,
    ...(options.providers ? { providers: options.providers } : {}),
    effects: {
      ...options.inventoryEffects,
      ...paymentEffects(options.gateway, options.gatewayTimeoutMs, openToken),
      ...carrierEffects(options.carrier, open),
      retrieveInvoice: retrievalEffect(options.documents),
    },
    settled,
  };
}

/**
 * Version 1 made labels in the process: no carrier knows these parcels, and Orderly reports none of them to a carrier.
 * Everything else stays the same: such an order retrieves its invoice before it is shipped.
 */
function labeledHere(state: MachineState): MachineState {
  const context = state.context as FulfillmentContext;
  return context.trackingNumber === undefined
    ? state
    : { ...state, context: { ...context, ownLabel: true } satisfies FulfillmentContext };
}

/**
 * False while a call is in flight that a caller waits for: the reservation, the authorization, the payment page, the
 * release or the return of stock, the retrieval of the invoice or the hand-over of the parcel. True while a failed step
 * waits for its next try, except for the reservation: a caller does not wait for retries.
 */
function settled(machines: MachineStates): boolean {
  const order = machines["order"]?.value;
  if (order === "reserving" || order === "awaiting_inventory" || order === "authorizing") return false;
  const payment = machines["payment"]?.value as { hosted?: unknown } | undefined;
  if (payment?.hosted === "requesting" && order === "awaiting_payment") return false;
  const { releasing, restocking, ready, shipping } = (machines["fulfillment"]?.value ?? {}) as Readonly<
    Record<string, string | undefined>
  >;
  return !(
    releasing === "giving_back" ||
    restocking === "putting_back" ||
    ready === "retrieving" ||
    shipping === "handing_over" ||
    shipping === "consigning"
  );
}
