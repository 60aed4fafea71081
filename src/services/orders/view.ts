import type { Snapshot } from "../../runtime/actor/snapshot.ts";
import type { OrderView } from "./contract.ts";
import {
  allowedCommands,
  fulfillmentStatus,
  orderMachinesOf,
  orderStatus,
  paymentReason,
  paymentStatus,
  paymentUrl,
} from "./status.ts";

/** The order as the API shows it, from its acknowledged snapshot. Pure. */
export function orderView(id: string, snapshot: Snapshot): OrderView {
  const machines = orderMachinesOf(snapshot.machines);
  const { context } = machines.order;
  const { invoice, trackingNumber } = machines.fulfillment.context;
  return {
    id,
    version: snapshot.version,
    status: orderStatus(machines),
    customer: context.customer,
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
    fulfillment: { status: fulfillmentStatus(machines), trackingNumber: trackingNumber ?? null },
    invoice: invoice
      ? { number: invoice.number, issuedAt: invoice.issuedAt, url: `/v1/orders/${id}/invoice` }
      : null,
    shippingAddress: context.shippingAddress,
    reason: context.rejection?.outcome ?? context.reason ?? null,
    createdAt: new Date(snapshot.createdAt).toISOString(),
    updatedAt: new Date(snapshot.updatedAt).toISOString(),
    nextEvents: allowedCommands(machines),
  };
}
