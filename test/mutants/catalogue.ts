/** Every planted bug, by area. The name of an area begins the ids of its bugs; a large area has several files. */
import { actorMutants } from "./actor.ts";
import { adaptersMutants } from "./adapters.ts";
import { effectsMutants } from "./effects.ts";
import { httpMutants } from "./http.ts";
import { inventoryMutants } from "./inventory.ts";
import type { Mutant } from "./mutant.ts";
import { ordersMutants } from "./orders.ts";
import { paymentsMutants } from "./payments.ts";
import { stockMutants } from "./stock.ts";

export const areas: Readonly<Record<string, readonly Mutant[]>> = {
  actor: actorMutants,
  adapters: adaptersMutants,
  effects: effectsMutants,
  http: httpMutants,
  inventory: inventoryMutants,
  orders: ordersMutants,
  payments: paymentsMutants,
  stock: stockMutants,
};

export const mutants: readonly Mutant[] = Object.values(areas).flat();
