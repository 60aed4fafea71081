/** The inventory for callers that must not wait for an isolated node. */
import { ISOLATED } from "../../src/runtime/cluster/connectivity.ts";
import type { Inventory } from "../../src/services/inventory/contract.ts";
import { unavailable } from "../../src/services/unavailable.ts";

/** Adds the answer of an isolated node. @param orIsolated resolves with `undefined` once the node is surely isolated */
export function connectedInventory(
  inventory: Inventory,
  orIsolated: <T>(promise: Promise<T>) => Promise<T | undefined>,
): Inventory {
  return {
    put: async (...put) => (await orIsolated(inventory.put(...put))) ?? isolation,
    predictPut: async (...put) => (await orIsolated(inventory.predictPut(...put))) ?? isolation,
    recheck: (skus) => inventory.recheck(skus),
    adjust: async (...adjust) => (await orIsolated(inventory.adjust(...adjust))) ?? isolation,
    movements: async (sku, page) => (await orIsolated(inventory.movements(sku, page))) ?? isolation,
    shortages: async (sku) => (await orIsolated(inventory.shortages(sku))) ?? isolation,
    get: async (sku) => (await orIsolated(inventory.get(sku))) ?? isolation,
    list: async (page) => (await orIsolated(inventory.list(page))) ?? isolation,
    predict: async (lines) => (await orIsolated(inventory.predict(lines))) ?? isolation,
    known: async (skus) => (await orIsolated(inventory.known(skus))) ?? isolation,
  };
}

const isolation = unavailable(ISOLATED);
