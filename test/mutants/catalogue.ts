/** Every planted bug, by area. An area is a file of this folder, and its name begins the ids of its bugs. */
import { actorMutants } from "./actor.ts";
import { effectsMutants } from "./effects.ts";
import { inventoryMutants } from "./inventory.ts";
import type { Mutant } from "./mutant.ts";
import { ordersMutants } from "./orders.ts";

export const areas: Readonly<Record<string, readonly Mutant[]>> = {
  actor: actorMutants,
  effects: effectsMutants,
  inventory: inventoryMutants,
  orders: ordersMutants,
};

export const mutants: readonly Mutant[] = Object.values(areas).flat();
