import type { Money, OrderCommand } from "./contract.ts";
import type { MachineName } from "./definition.ts";

/** A command with its receiver: one machine of the order. */
export type AddressedEvent = {
  readonly machine: MachineName;
  readonly event: { readonly type: string };
};

type Command = Exclude<OrderCommand, { type: "retry" }>;

const machineOf: Readonly<Record<Command["type"], MachineName>> = {
  cancel: "order",
  pick: "fulfillment",
  "quality-check": "fulfillment",
  pack: "fulfillment",
  ship: "fulfillment",
  deliver: "fulfillment",
  "report-refused": "fulfillment",
  "report-unclaimed": "fulfillment",
  "report-lost": "fulfillment",
  receive: "fulfillment",
  settle: "fulfillment",
};

/** The command with the machine that takes it. A `retry` has no fixed one: the machine that failed takes it. */
export function addressed(command: Command): AddressedEvent {
  return { machine: machineOf[command.type], event: command };
}

/** True when `deliver` collects exactly what is due. Nothing due may be left out or passed as 0. */
export function collectsDue(due: Money, collected: Money | undefined): boolean {
  if (collected === undefined) return due.amount === 0;
  return collected.amount === due.amount && collected.currency === due.currency;
}
