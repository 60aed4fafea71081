import type { Snapshot } from "../../runtime/actor/snapshot.ts";
import type { Address } from "../../../machines/types.ts";
import type { Given, OrderView } from "./contract.ts";
import {
  allowedCommands,
  disputeOf,
  fulfillmentStatus,
  orderMachinesOf,
  orderStatus,
  paymentReason,
  paymentStatus,
  paymentUrl,
  returnOf,
} from "./status.ts";

/** The order as the API shows it, from its acknowledged snapshot. Pure. */
export function orderView(id: string, snapshot: Snapshot): OrderView {
  const machines = orderMachinesOf(snapshot.machines);
  const { context } = machines.order;
  const { creditNote, invoice, trackingNumber } = machines.fulfillment.context;
  const [dispute, sentBack] = [disputeOf(machines), returnOf(machines)];
  return {
    id,
    version: snapshot.version,
    status: orderStatus(machines),
    customer: { ...context.customer, ...(context.taxId === undefined ? {} : { taxId: context.taxId }) },
    lines: context.lines.map((line) => ({
      sku: line.sku,
      quantity: line.quantity,
      unitPrice: "unitPrice" in line ? line.unitPrice : null,
    })),
    total: context.total,
    payment: {
      method: context.method,
      status: paymentStatus(machines),
      reason: paymentReason(machines),
      url: paymentUrl(machines),
    },
    fulfillment: {
      status: fulfillmentStatus(machines),
      trackingNumber: trackingNumber ?? null,
      ...(dispute && { dispute }),
      ...(sentBack && { return: sentBack }),
    },
    invoice: invoice
      ? {
          number: invoice.number,
          issuedAt: invoice.issuedAt,
          url: `/v1/orders/${id}/invoice`,
          ...(creditNote && { creditNote: { ...creditNote, url: `/v1/orders/${id}/credit-note` } }),
        }
      : null,
    shippingAddress: shownAddress(context.shippingAddress),
    ...(context.billingAddress ? { billingAddress: shownAddress(context.billingAddress) } : {}),
    reason: context.rejection?.outcome ?? context.reason ?? null,
    createdAt: new Date(snapshot.createdAt).toISOString(),
    updatedAt: new Date(snapshot.updatedAt).toISOString(),
    nextEvents: allowedCommands(machines),
  };
}

/** As the client gave it: without the empty postal code that stands for none. */
function shownAddress<A extends Address>({ postalCode, ...address }: A): Given<A> {
  return postalCode === "" ? address : { ...address, postalCode };
}
