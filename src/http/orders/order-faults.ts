/**
 * Rules of a new order that its schema cannot express in clear words: each SKU once, a token if the method needs one.
 * They are checked on any body, also on one that broke the schema, so that every fault is reported at once.
 */
import { isPaymentMethod, needsToken } from "../../services/orders/contract.ts";
import type { Fault } from "../protocol/faults.ts";
import { httpLimits } from "../protocol/limits.ts";

type Loose = Readonly<Record<string, unknown>>;

/** Faults in the order of the body; bounded. */
export function orderFaults(body: unknown): Fault[] {
  const order = looseObject(body);
  return [...duplicateSkus(order["lines"]), ...tokenFaults(looseObject(order["payment"]))];
}

function duplicateSkus(lines: unknown): Fault[] {
  if (!Array.isArray(lines)) return [];
  const first = new Map<string, number>();
  const faults: Fault[] = [];
  for (const [index, line] of lines.slice(0, httpLimits.lines).entries()) {
    const sku = looseObject(line)["sku"];
    if (typeof sku !== "string") continue;
    const earlier = first.get(sku);
    if (earlier === undefined) first.set(sku, index);
    else
      faults.push({
        pointer: `/lines/${index}/sku`,
        code: "duplicate_sku",
        message: `is in line ${earlier} already`,
      });
  }
  return faults;
}

function tokenFaults(payment: Loose): Fault[] {
  const { method, token } = payment;
  // For a method that does not exist, only the method is at fault.
  if (typeof method !== "string" || !isPaymentMethod(method)) return [];
  const needed = needsToken(method);
  const pointer = "/payment/token";
  if (needed && token === undefined)
    return [{ pointer, code: "required", message: `is required for ${method}` }];
  if (!needed && token !== undefined)
    return [{ pointer, code: "not_allowed", message: `is not taken for ${method}` }];
  return [];
}

function looseObject(value: unknown): Loose {
  return typeof value === "object" && value !== null ? (value as Loose) : {};
}
