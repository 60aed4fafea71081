/** What a client sees of the machines' states. Derived, never stored; tests compare the tables with the machines. */
import type { ContextFrom } from "xstate";
import { isHosted, isSettledAtOnce, paysOnDelivery } from "../../../machines/payment-methods.ts";
import type { PaymentContext } from "../../../machines/payment-context.ts";
import type { MachineStates } from "../../runtime/definition.ts";
import { isObject } from "../../runtime/json.ts";
import type { Money, OrderCommand, OrderStatus, OrderView } from "./contract.ts";
import type { MachineName, orderMachines } from "./definition.ts";

/** The machines of an order, typed. The machine `order` has no nested states. */
export type OrderMachines = {
  readonly [Name in MachineName]: {
    readonly value: Name extends "order" ? string : StateValue;
    readonly context: ContextFrom<(typeof orderMachines)[Name]["machine"]>;
  };
};

/** `authorized`, `{ reversing: "voiding" }`, or `{ hosted: { pending: "waiting" } }`. */
export type StateValue = string | { readonly [state: string]: StateValue };

const missingMachine = (states: MachineStates): string | undefined =>
  machineNames.find((name) => !isObject(states[name]) || !isObject(states[name].context));

/** Whether a stored state has all machines of an order. */
export const hasOrderMachines = (states: MachineStates): boolean => missingMachine(states) === undefined;

/** The machines of a snapshot, typed. @throws when a machine is missing: programmer fault */
export function orderMachinesOf(states: MachineStates): OrderMachines {
  const missing = missingMachine(states);
  if (missing !== undefined) throw new Error(`an order's record lacks the machine ${missing}`);
  return states as unknown as OrderMachines;
}

/** States that the API merges into another status; every other name is the status itself. */
const innerOrderStates: Readonly<Record<string, OrderStatus>> = {
  awaiting_inventory: "reserving",
  shipping: "ready",
};

/** One of the API's order statuses. */
export function orderStatus({ order }: OrderMachines): OrderStatus {
  return innerOrderStates[order.value] ?? (order.value as OrderStatus);
}

/** One of the API's payment statuses. */
export function paymentStatus({ payment }: OrderMachines): string {
  const { value, context } = payment;
  if (typeof value !== "string") {
    const { reversing, watching, free } = value;
    if (typeof reversing === "string") return reversingStatus(reversing, context);
    if (watching !== undefined) return context.end === "expired" ? "expired" : "voided";
    return typeof free === "string" ? free : "pending";
  }
  return plainStatuses[value] ?? value;
}

/** Payment states without nested ones that the API merges; every other name is the status itself. */
const plainStatuses: Readonly<Record<string, string>> = {
  idle: "none",
  due: "none",
  unused: "none",
  capturing: "authorized",
  lapsed: "expired",
  capture_lapsed: "expired",
};

/** Why the payment failed or expired, or its capture failed; null otherwise. */
export function paymentReason(machines: OrderMachines): string | null {
  const { reason } = machines.payment.context;
  return troubled.has(paymentStatus(machines)) ? (reason ?? null) : null;
}

const troubled: ReadonlySet<string> = new Set(["failed", "expired", "capture_failed"]);

/** While money is being returned, the status shows what the gateway still holds. */
function reversingStatus(step: string, context: PaymentContext): string {
  if (context.end === "expired") return "expired";
  if (step === "awaiting_authorization") return "authorizing";
  if (isHosted(context.method) && context.authorization === undefined) return "pending";
  const refunds = step === "refunding" || step === "refund_failed";
  return refunds && !isSettledAtOnce(context.method) ? "captured" : "authorized";
}

/** One of the API's fulfillment statuses. */
export function fulfillmentStatus({ order, fulfillment }: OrderMachines): string {
  const { value } = fulfillment;
  const state = typeof value === "string" ? value : (Object.keys(value)[0] ?? "");
  switch (state) {
    case "unconfirmed":
    case "unused":
      return "none";
    case "releasing":
    case "released":
      return order.value === "cancelled" ? "cancelled" : "none";
    case "shipping":
      return "ready";
    case "disputed":
      return "shipped";
    case "restocking":
      return "returned";
    default:
      return state;
  }
}

const cancellable: ReadonlySet<string> = new Set(["authorizing", "awaiting_payment", "confirmed", "ready"]);

/** The step that a warehouse may take next, where it drives the steps. */
const steps: Readonly<Record<string, OrderCommand["type"]>> = {
  stored: "pick",
  picked: "quality-check",
  quality_checked: "pack",
  ready: "ship",
  shipped: "deliver",
};

const outward = ["report-refused", "report-unclaimed", "report-lost", "receive"] as const;

/** What an operator may report about a parcel in transit, in every mode. */
const reports: Readonly<Record<string, readonly OrderCommand["type"][]>> = {
  shipped: outward,
  disputed: ["deliver", "settle", ...outward],
  returning: ["deliver", "report-lost", "receive"],
};

/** States in which a machine waits for its next try, or for an operator, by their innermost names. */
const failed: Readonly<Record<MachineName, readonly string[]>> = {
  order: [],
  payment: ["capture_failed", "capture_lapsed", "void_failed", "refund_failed"],
  fulfillment: [
    "label_failed",
    "retrieval_failed",
    "handover_failed",
    "consignment_failed",
    "release_failed",
    "restock_failed",
  ],
};

const machineNames = Object.keys(failed) as readonly MachineName[];

/** The states that the machines of an order are in. */
export type OrderStates = {
  readonly [Name in MachineName]: Pick<OrderMachines[Name], "value">;
};

/** The machine that waits for its next try; of two, the payment. */
export function failedMachine(machines: OrderStates): MachineName | undefined {
  return machineNames.find((name) => failed[name].includes(innermost(machines[name].value)));
}

function innermost(value: StateValue): string {
  return typeof value === "string" ? value : innermost(Object.values(value)[0] ?? "");
}

/** Commands that are legal now: those of the order, of an operator, of the warehouse; reports about a parcel last. */
export function allowedCommands(machines: OrderStates): OrderCommand["type"][] {
  const { order, fulfillment } = machines;
  const allowed: OrderCommand["type"][] = cancellable.has(order.value) ? ["cancel"] : [];
  if (failedMachine(machines) !== undefined) allowed.push("retry");
  const { value } = fulfillment;
  for (const [state, substate] of Object.entries(typeof value === "string" ? { [value]: "" } : value)) {
    const step = steps[state];
    if (substate === "awaiting" && step) allowed.push(step);
    allowed.push(...(reports[state] ?? []));
  }
  return allowed;
}

/** Another amount collected than the one due: both, and why an operator accepted it. Absent without that. */
export function disputeOf(machines: OrderMachines): OrderView["fulfillment"]["dispute"] {
  const { dispute } = machines.fulfillment.context;
  const expected = dueOnDelivery(machines);
  return dispute && { collected: dispute.collected, expected, reason: dispute.because ?? null };
}

/** Why the parcel came back, or is coming back, and what became of the goods. Absent otherwise. */
export function returnOf({ fulfillment }: OrderMachines): OrderView["fulfillment"]["return"] {
  const { sentBack } = fulfillment.context;
  return sentBack && { cause: sentBack.cause, goods: sentBack.goods ?? null };
}

/** The amount due at the door: the total, or nothing when the order is paid already. Null before the reservation. */
export function dueOnDelivery({ order }: OrderMachines): Money | null {
  const { total, method } = order.context;
  if (total === null) return null;
  return paysOnDelivery(method) ? total : { amount: 0, currency: total.currency };
}

/** Where the customer pays; null unless a payment page waits for that. */
export function paymentUrl({ payment }: OrderMachines): string | null {
  const { value, context } = payment;
  const isPending = typeof value !== "string" && typeof value["hosted"] === "object";
  return isPending ? (context.url ?? null) : null;
}

/** True once the order had a payment page, whatever happened there. */
export function hadPaymentPage({ payment }: OrderMachines): boolean {
  return payment.context.url !== undefined;
}

/** True once the order has been confirmed, whatever happened later. */
export function wasConfirmed({ fulfillment }: OrderMachines): boolean {
  return fulfillment.context.total !== undefined;
}
