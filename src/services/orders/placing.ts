/** The answer to a new order, from the runtime's snapshot. Pure. */
import type { Snapshot } from "../../runtime/actor/snapshot.ts";
import type { PlaceOrder, PlaceResult } from "./contract.ts";
import { hadPaymentPage, type OrderMachines, orderMachinesOf, orderStatus, wasConfirmed } from "./status.ts";
import { orderView } from "./view.ts";

/** The answer to the first request and to every repetition: the same, once the order's outcome is known. */
export function placeResult(id: string, snapshot: Snapshot, lines: PlaceOrder["lines"]): PlaceResult {
  const machines = orderMachinesOf(snapshot.machines);
  const reason = machines.order.context.reason ?? "";
  // The first request was answered with the page, so its repetitions are too, whatever the customer did there.
  if (hadPaymentPage(machines)) return { status: "placed", order: orderView(id, snapshot) };
  switch (orderStatus(machines)) {
    case "rejected":
      return rejected(id, machines, lines);
    case "payment_failed":
      return { status: "payment_failed", orderId: id, reason };
    case "payment_expired":
      return { status: "payment_expired", orderId: id, reason };
    default:
      return { status: wasConfirmed(machines) ? "placed" : "pending", order: orderView(id, snapshot) };
  }
}

function rejected(id: string, { order }: OrderMachines, lines: PlaceOrder["lines"]): PlaceResult {
  const rejection = order.context.rejection;
  switch (rejection?.outcome) {
    case "out_of_stock":
      return { status: "out_of_stock", orderId: id, missing: rejection.missing };
    case "unknown_sku":
      return { status: "unknown_sku", skus: positions(lines, rejection.skus) };
    case "mixed_currency":
      return { status: "mixed_currency", currencies: rejection.currencies };
    default:
      return {
        status: "refused",
        code: "inventory_unavailable",
        reason: `order ${id} was rejected because its stock could not be reserved`,
      };
  }
}

/** The index of each of `skus` in the order's lines. */
export function positions(
  lines: PlaceOrder["lines"],
  skus: readonly string[],
): { readonly sku: string; readonly index: number }[] {
  const searched = new Set(skus);
  return lines.flatMap(({ sku }, index) => (searched.has(sku) ? [{ sku, index }] : []));
}
