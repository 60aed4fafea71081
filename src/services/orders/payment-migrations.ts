/** Migrations of payments that older machines stored. */
import type { PaymentContext } from "../../../machines/payment-context.ts";
import type { MachineState, MachineStates, Migration } from "../../runtime/definition.ts";

/** Version 1: `expired` instead of `end`, no `captured`. */
type FirstContext = Omit<PaymentContext, "end" | "captured"> & { readonly expired?: true };

/** States in which a card's capture was already emitted. */
const capturedIn: ReadonlySet<unknown> = new Set(["captured", "refunding", "refund_failed"]);

/**
 * Version 1 derived the refund's reason from the last failure, version 2 from how the payment ended. The order
 * machine's state shows that as well. @throws for an actor without an order, which Orderly never stored
 */
function toSecond(state: MachineState, stored: MachineStates): MachineState {
  const order = stored["order"];
  if (order === undefined) throw new Error("a payment without an order");
  const { expired, ...context } = state.context as FirstContext;
  const { reversing } = state.value as { readonly reversing?: string };
  const end = expired ? "expired" : order.value === "payment_failed" ? "failed" : undefined;
  const next: PaymentContext = {
    ...context,
    ...(end && { end }),
    ...(capturedIn.has(reversing ?? state.value) && { captured: true }),
  };
  return { ...state, context: next };
}

/** The state with a context that lacks these keys. */
export function without(state: MachineState, keys: readonly string[]): MachineState {
  const kept = Object.entries(state.context as object).filter(([key]) => !keys.includes(key));
  return { ...state, context: Object.fromEntries(kept) };
}

/** By the version they start from. */
export const paymentMigrations: Readonly<Record<number, Migration>> = {
  1: toSecond,
  2: (state) => state,
  // Version 3 had the customer in its context.
  3: (state) => without(state, ["customer"]),
};
