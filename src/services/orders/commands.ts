import type { Money, OrderCommand } from "./contract.ts";

/** A command as the machine that takes it knows it. */
export type AddressedEvent = {
  readonly machine: "order" | "payment" | "fulfillment";
  readonly event: { readonly type: string; readonly collected?: Money };
};

/** A try is the failed machine's; cancelling is the order's, the steps of the warehouse are fulfillment's. */
export function addressed(command: Exclude<OrderCommand, { type: "retry" }>): AddressedEvent {
  return { machine: command.type === "cancel" ? "order" : "fulfillment", event: command };
}

/** True when `deliver` hands over exactly what is due; nothing due may be left out or given as 0. */
export function collectsDue(due: Money, collected: Money | undefined): boolean {
  if (collected === undefined) return due.amount === 0;
  return collected.amount === due.amount && collected.currency === due.currency;
}
