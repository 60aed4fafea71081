/** The inventory for callers who are not to wait for a node that is cut off. */
import { ISOLATED } from "../../src/runtime/cluster/connectivity.ts";
import type { Inventory } from "../../src/services/inventory/contract.ts";
import { unavailable } from "../../src/services/unavailable.ts";

/** @param orIsolated gives `undefined` as soon as it is certain that the node is cut off */
export function connectedInventory(
  inventory: Inventory,
  orIsolated: <T>(promise: Promise<T>) => Promise<T | undefined>,
): Inventory {
  return {
    put: async (sku, stock) => (await orIsolated(inventory.put(sku, stock))) ?? isolation,
    get: async (sku) => (await orIsolated(inventory.get(sku))) ?? isolation,
    list: async (page) => (await orIsolated(inventory.list(page))) ?? isolation,
    known: async (skus) => (await orIsolated(inventory.known(skus))) ?? isolation,
  };
}

const isolation = unavailable(ISOLATED);
