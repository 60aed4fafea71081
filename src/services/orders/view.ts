import type { Snapshot } from "../../runtime/actor/snapshot.ts";
import type { OrderLine } from "../../../machines/order-facts.ts";
import type { Address } from "../../../machines/types.ts";
import type { Given, OrderStatus, OrderView } from "./contract.ts";
import { factsOf, openFacts } from "./facts.ts";
import type { ShownPersonal } from "./personal.ts";
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

/**
 * The order as the API shows it, from its acknowledged snapshot. Pure.
 * @param shown what it shows of the person; without it, what is sealed is withheld
 */
export function orderView(id: string, snapshot: Snapshot, shown?: ShownPersonal): OrderView {
  const machines = orderMachinesOf(snapshot.machines);
  const { context } = machines.order;
  const facts = factsOf(snapshot);
  const { customer, lines } = facts;
  const { erased, personal }: ShownPersonal = shown ?? openFacts(facts);
  const status = orderStatus(machines);
  const { creditNote, invoice, trackingNumber } = machines.fulfillment.context;
  const [dispute, sentBack] = [disputeOf(machines), returnOf(machines)];
  return {
    id,
    version: snapshot.version,
    status,
    customer: {
      ...customer,
      ...personal.customer,
      ...(personal.taxId === undefined ? {} : { taxId: personal.taxId }),
    },
    lines: lines.map((line) => lineView(line, status)),
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
    shippingAddress: shownAddress(personal.shippingAddress),
    ...(personal.billingAddress ? { billingAddress: shownAddress(personal.billingAddress) } : {}),
    ...(erased && { erased }),
    reason: context.rejection?.outcome ?? context.reason ?? null,
    ...facts.annotations,
    createdAt: new Date(snapshot.createdAt).toISOString(),
    updatedAt: new Date(snapshot.updatedAt).toISOString(),
    nextEvents: allowedCommands(machines),
  };
}

const ENDED_UNSHIPPED: ReadonlySet<OrderStatus> = new Set([
  "rejected",
  "payment_failed",
  "payment_expired",
  "cancelled",
]);
const AFTER_SHIPMENT: ReadonlySet<OrderStatus> = new Set([
  "shipped",
  "delivered",
  "completed",
  "returning",
  "returned",
]);

/** A line with the pieces that have been cancelled, shipped and returned: all or none, as whole orders are. */
function lineView(line: OrderLine, status: OrderStatus): OrderView["lines"][number] {
  const { id, quantity, sku } = line;
  return {
    id,
    sku,
    quantity,
    unitPrice: "unitPrice" in line ? line.unitPrice : null,
    cancelled: ENDED_UNSHIPPED.has(status) ? quantity : 0,
    shipped: AFTER_SHIPMENT.has(status) ? quantity : 0,
    returned: status === "returned" ? quantity : 0,
  };
}

/** As the client gave it: without the empty postal code that stands for none. */
function shownAddress<A extends Address>({ postalCode, ...address }: A): Given<A> {
  return postalCode === "" ? address : { ...address, postalCode };
}
