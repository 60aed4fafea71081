/** The answer to a new order, from the runtime's snapshot. Pure. */
import type { Snapshot } from "../../runtime/actor/snapshot.ts";
import { sameMoney } from "../../../machines/money.ts";
import type { StockView } from "../inventory/contract.ts";
import type { PlaceOrder, PlaceResult, PriceChanged } from "./contract.ts";
import { hadPaymentPage, type OrderMachines, orderMachinesOf, orderStatus, wasConfirmed } from "./status.ts";
import type { ShownPersonal } from "./personal.ts";
import { orderView } from "./view.ts";

/** The answer to the first request and to every repetition: the same, once the order's outcome is known. */
export function placeResult(
  id: string,
  snapshot: Snapshot,
  lines: PlaceOrder["lines"],
  shown?: ShownPersonal,
): PlaceResult {
  const machines = orderMachinesOf(snapshot.machines);
  const reason = machines.order.context.reason ?? "";
  // The first request was answered with the page, so its repetitions are too, whatever the customer did there.
  if (hadPaymentPage(machines)) return { status: "placed", order: orderView(id, snapshot, shown) };
  switch (orderStatus(machines)) {
    case "rejected":
      return rejected(id, machines, lines);
    case "payment_failed":
      return { status: "payment_failed", orderId: id, reason };
    case "payment_expired":
      return { status: "payment_expired", orderId: id, reason };
    default:
      return { status: wasConfirmed(machines) ? "placed" : "pending", order: orderView(id, snapshot, shown) };
  }
}

function rejected(id: string, { order }: OrderMachines, lines: PlaceOrder["lines"]): PlaceResult {
  const rejection = order.context.rejection;
  switch (rejection?.outcome) {
    case "out_of_stock":
      return { status: "out_of_stock", orderId: id, missing: rejection.missing };
    case "unknown_sku":
      return {
        status: rejection.notForSale === true ? "sku_not_for_sale" : "unknown_sku",
        skus: positions(lines, rejection.skus),
      };
    case "mixed_currency":
      return { status: "mixed_currency", currencies: rejection.currencies };
    case "price_changed":
      return priceChanged(rejection, id);
    default:
      return {
        status: "refused",
        code: "inventory_unavailable",
        reason: `order ${id} was rejected because its stock could not be reserved`,
      };
  }
}

function priceChanged(priced: Priced, orderId?: string): PriceChanged {
  const lines = priced.lines.map(({ sku, quantity, unitPrice }) => ({ sku, quantity, unitPrice }));
  return {
    status: "price_changed",
    total: priced.total,
    lines,
    ...(orderId === undefined ? {} : { orderId }),
  };
}

/**
 * Why the catalogue refuses the order before it is started; undefined when it does not. The reservation decides again,
 * because both the catalogue and the prices may change in between.
 * @param stocks of the lines' SKUs, in their order; undefined for one that the catalogue does not have
 */
export function refusedByPrice(
  { lines, expectedTotal }: PlaceOrder,
  stocks: readonly (StockView | undefined)[],
): Exclude<PlaceResult, { readonly status: "placed" | "pending" }> | undefined {
  if (expectedTotal === undefined) return undefined;
  const unknown = lines.filter((_, index) => stocks[index] === undefined).map(({ sku }) => sku);
  if (unknown.length > 0) return { status: "unknown_sku", skus: positions(lines, unknown) };
  const unlisted = stocks.flatMap((stock) => (stock?.listed === false ? stock.sku : []));
  if (unlisted.length > 0) return { status: "sku_not_for_sale", skus: positions(lines, unlisted) };
  const priced = lines.map((line, index) => ({ ...line, unitPrice: (stocks[index] as StockView).price }));
  const currencies = [...new Set(priced.map(({ unitPrice }) => unitPrice.currency))];
  if (currencies.length > 1) return { status: "mixed_currency", currencies };
  const amount = priced.reduce((sum, { unitPrice, quantity }) => sum + unitPrice.amount * quantity, 0);
  const total = { amount, currency: currencies[0] ?? "" };
  return sameMoney(total, expectedTotal) ? undefined : priceChanged({ lines: priced, total });
}

type Priced = Pick<PriceChanged, "lines" | "total">;

/** The index of each of `skus` in the order's lines. */
export function positions(
  lines: PlaceOrder["lines"],
  skus: readonly string[],
): { readonly sku: string; readonly index: number }[] {
  const searched = new Set(skus);
  return lines.flatMap(({ sku }, index) => (searched.has(sku) ? [{ sku, index }] : []));
}
