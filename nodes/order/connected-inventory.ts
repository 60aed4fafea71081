/** The inventory for callers who are not to wait for a node that is cut off. */
import { CUT_OFF } from "../../src/runtime/cluster/connectivity.ts";
import type { Inventory } from "../../src/services/inventory/contract.ts";

/** @param orLost gives `undefined` as soon as it is certain that the node is cut off */
export function inventoryInTouch(
  inventory: Inventory,
  orLost: <T>(promise: Promise<T>) => Promise<T | undefined>,
): Inventory {
  return {
    put: async (sku, stock) => (await orLost(inventory.put(sku, stock))) ?? cutOff,
    get: async (sku) => (await orLost(inventory.get(sku))) ?? cutOff,
    list: async (page) => (await orLost(inventory.list(page))) ?? cutOff,
    known: async (skus) => (await orLost(inventory.known(skus))) ?? cutOff,
  };
}

const cutOff = {
  status: "unavailable",
  reason: CUT_OFF,
  retryAfterMs: 1000,
} as const;
