/** Every planted bug, by area. The name of an area begins the ids of its bugs; a large area has several files. */
import { activationMutants } from "./activation.ts";
import { actorMutants } from "./actor.ts";
import { accessMutants } from "./access.ts";
import { auditMutants } from "./audit.ts";
import { adaptersMutants } from "./adapters.ts";
import { batchMutants } from "./batch.ts";
import { bulkMutants } from "./bulk.ts";
import { checkpointMutants } from "./checkpoint.ts";
import { clockMutants } from "./clock.ts";
import { clusterMutants } from "./cluster.ts";
import { decisionsMutants } from "./decisions.ts";
import { dedupMutants } from "./dedup.ts";
import { diagnosisMutants } from "./diagnosis.ts";
import { dryRunMutants } from "./dry-runs.ts";
import { effectsMutants } from "./effects.ts";
import { factsMutants } from "./facts.ts";
import { recordMutants } from "./records.ts";
import { fleetMutants } from "./fleet.ts";
import { drillMutants } from "./drills.ts";
import { evolutionMutants } from "./evolution.ts";
import { historyMutants } from "./history.ts";
import { httpMutants } from "./http.ts";
import { inventoryMutants } from "./inventory.ts";
import { liveMutants } from "./live.ts";
import { lockMutants } from "./locks.ts";
import { logMutants } from "./log.ts";
import { maintenanceMutants } from "./maintenance.ts";
import { markMutants } from "./marks.ts";
import { memoryMutants } from "./memory.ts";
import { metricsMutants } from "./metrics.ts";
import type { Mutant } from "./mutant.ts";
import { natsMutants } from "./nats.ts";
import { oldEventMutants } from "./old-events.ts";
import { nearTimerMutants } from "./near-timers.ts";
import { ordersMutants } from "./orders.ts";
import { outboxMutants } from "./outbox.ts";
import { outgoingMutants } from "./outgoing.ts";
import { outcomeMutants } from "./outcome.ts";
import { parkingMutants } from "./parking.ts";
import { partitionMutants } from "./partition.ts";
import { paymentsMutants } from "./payments.ts";
import { placementMutants } from "./placement.ts";
import { presenceMutants } from "./presence.ts";
import { personalMutants } from "./personal.ts";
import { processedEventsMutants } from "./processed-events.ts";
import { processorMutants } from "./processor.ts";
import { lockMarkMutants } from "./lock-marks.ts";
import { mailPlacesMutants } from "./mail-places.ts";
import { projectionMutants } from "./projection.ts";
import { referenceMutants } from "./references.ts";
import { relayMutants } from "./relay.ts";
import { replayMutants } from "./replay.ts";
import { resolvedMutants } from "./resolved.ts";
import { returnsMutants } from "./returns.ts";
import { routerMutants } from "./router.ts";
import { routingMutants } from "./routing.ts";
import { servingMutants } from "./serving.ts";
import { stagingMutants } from "./staging.ts";
import { stockMutants } from "./stock.ts";
import { suspicionMutants } from "./suspicion.ts";
import { tenureMutants } from "./tenure.ts";
import { workerThreadsMutants } from "./worker-threads.ts";
import { workersMutants } from "./workers.ts";
import { unreadableMutants } from "./unreadable.ts";
import { writeSetMutants } from "./write-set.ts";

export const areas: Readonly<Record<string, readonly Mutant[]>> = {
  activation: activationMutants,
  actor: actorMutants,
  adapters: [...adaptersMutants, ...natsMutants],
  batch: batchMutants,
  access: accessMutants,
  audit: auditMutants,
  bulk: bulkMutants,
  checkpoint: checkpointMutants,
  clock: clockMutants,
  cluster: [...clusterMutants, ...lockMutants, ...presenceMutants, ...suspicionMutants],
  decisions: decisionsMutants,
  dedup: dedupMutants,
  diagnosis: diagnosisMutants,
  dryrun: dryRunMutants,
  drills: drillMutants,
  effects: effectsMutants,
  facts: factsMutants,
  records: recordMutants,
  fleet: fleetMutants,
  evolution: evolutionMutants,
  history: historyMutants,
  http: httpMutants,
  live: liveMutants,
  maintenance: maintenanceMutants,
  inventory: inventoryMutants,
  log: logMutants,
  marks: [...markMutants, ...oldEventMutants],
  memory: memoryMutants,
  metrics: metricsMutants,
  "near-timers": nearTimerMutants,
  orders: ordersMutants,
  returns: returnsMutants,
  outbox: outboxMutants,
  outgoing: outgoingMutants,
  outcome: outcomeMutants,
  parking: parkingMutants,
  placement: placementMutants,
  partition: partitionMutants,
  payments: paymentsMutants,
  personal: personalMutants,
  processor: processorMutants,
  projection: projectionMutants,
  references: referenceMutants,
  relay: [...relayMutants, ...lockMarkMutants],
  replay: replayMutants,
  resolved: resolvedMutants,
  routing: [...routerMutants, ...routingMutants],
  serving: servingMutants,
  staging: stagingMutants,
  stock: stockMutants,
  tenure: tenureMutants,
  unreadable: unreadableMutants,
  workers: [...processedEventsMutants, ...workersMutants, ...workerThreadsMutants, ...mailPlacesMutants],
  "write-set": writeSetMutants,
};

export const mutants: readonly Mutant[] = Object.values(areas).flat();
