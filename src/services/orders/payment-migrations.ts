/** How payments stored by older machines go on. */
import type { OrderContext } from "../../../machines/order.ts";
import type { PaymentContext } from "../../../machines/payment-context.ts";
import type { MachineState, MachineStates, Migration } from "../../runtime/definition.ts";

/** Version 1: `expired` instead of `end`, no `captured`; the oldest have no customer. */
type FirstContext = Omit<PaymentContext, "customer" | "end" | "captured"> & {
  readonly customer?: PaymentContext["customer"];
  readonly expired?: true;
};

/** In which a card's capture was told. */
const capturedIn: ReadonlySet<unknown> = new Set(["captured", "refunding", "refund_failed"]);

/**
 * Why money is given back was read from the last failure; now from how the payment ended, which the order knows as well.
 * @throws for an actor without an order: nothing that Orderly has stored
 */
function toSecond(state: MachineState, stored: MachineStates): MachineState {
  const order = stored["order"];
  if (order === undefined) throw new Error("a payment without an order");
  const { customer } = order.context as OrderContext;
  const { expired, ...context } = state.context as FirstContext;
  const { reversing } = state.value as { readonly reversing?: string };
  const end = expired ? "expired" : order.value === "payment_failed" ? "failed" : undefined;
  const next: PaymentContext = {
    customer,
    ...context,
    ...(end && { end }),
    ...(capturedIn.has(reversing ?? state.value) && { captured: true }),
  };
  return { ...state, context: next };
}

/** By the version they start from. */
export const paymentMigrations: Readonly<Record<number, Migration>> = { 1: toSecond };
