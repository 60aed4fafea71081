/** Every planted bug, by area. The name of an area begins the ids of its bugs; a large area has several files. */
import { actorMutants } from "./actor.ts";
import { adaptersMutants } from "./adapters.ts";
import { checkpointMutants } from "./checkpoint.ts";
import { clusterMutants } from "./cluster.ts";
import { effectsMutants } from "./effects.ts";
import { httpMutants } from "./http.ts";
import { inventoryMutants } from "./inventory.ts";
import { lockMutants } from "./locks.ts";
import type { Mutant } from "./mutant.ts";
import { ordersMutants } from "./orders.ts";
import { paymentsMutants } from "./payments.ts";
import { presenceMutants } from "./presence.ts";
import { processedEventsMutants } from "./processed-events.ts";
import { routerMutants } from "./router.ts";
import { routingMutants } from "./routing.ts";
import { stockMutants } from "./stock.ts";
import { suspicionMutants } from "./suspicion.ts";
import { workersMutants } from "./workers.ts";

export const areas: Readonly<Record<string, readonly Mutant[]>> = {
  actor: actorMutants,
  adapters: adaptersMutants,
  checkpoint: checkpointMutants,
  cluster: [...clusterMutants, ...lockMutants, ...presenceMutants, ...suspicionMutants],
  effects: effectsMutants,
  http: httpMutants,
  inventory: inventoryMutants,
  orders: ordersMutants,
  payments: paymentsMutants,
  routing: [...routingMutants, ...routerMutants],
  stock: stockMutants,
  workers: [...workersMutants, ...processedEventsMutants],
};

export const mutants: readonly Mutant[] = Object.values(areas).flat();
