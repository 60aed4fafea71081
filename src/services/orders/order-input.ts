/** The input of a new order's machines, from what the client asked for. Pure. */
import type { Address, OpenInput, OpenOrderInput } from "../../../machines/types.ts";
import type { Given, PlaceOrder } from "./contract.ts";

/** What a node adds to every order. */
export type OrderPlan = Pick<OpenOrderInput, "fulfillment" | "hostedPayment" | "taxBasisPoints">;

/** A caller that waits at least this long gets the outcome of a reservation that its first tries decide, ms. */
const ATTENDED_MS = 10_000;

/**
 * The input of a new order.
 * @param how `wide`: a node with an earlier definition is present, which may work on its events. `placedBy`: id of the
 *   caller, if it has shown one
 */
export function orderInput(
  id: string,
  order: PlaceOrder,
  { fulfillment, hostedPayment, taxBasisPoints }: OrderPlan,
  how: { readonly waitMs: number; readonly wide: boolean; readonly placedBy?: string | undefined },
): OpenOrderInput {
  const { method, token } = order.payment;
  const { placedBy, waitMs, wide } = how;
  return {
    orderId: id,
    ...personOf(order),
    lines: order.lines,
    ...(order.expectedTotal ? { expectedTotal: order.expectedTotal } : {}),
    payment: token === undefined ? { method } : { method, token },
    fulfillment,
    hostedPayment,
    taxBasisPoints,
    ...(order.externalReference === undefined ? {} : { externalReference: order.externalReference }),
    ...(placedBy === undefined ? {} : { placedBy }),
    ...(waitMs < ATTENDED_MS && { unattended: true as const }),
    ...(wide && { wide: true as const }),
  };
}

/** The customer, apart from it the tax id, which only invoices need, and the addresses. */
function personOf({ billingAddress, customer, shippingAddress }: PlaceOrder): OpenInput {
  const { taxId, ...rest } = customer;
  return {
    customer: rest,
    ...(taxId === undefined ? {} : { taxId }),
    shippingAddress: stored(shippingAddress),
    ...(billingAddress ? { billingAddress: stored(billingAddress) } : {}),
  };
}

/** Version 0.1.0 reads addresses of events, and refuses one without a postal code: an empty one is stored. */
function stored<A extends Address>(address: Given<A>): A {
  return { ...address, postalCode: address.postalCode ?? "" } as A;
}
