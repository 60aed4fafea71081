/** Reads from the stream whether an order is cancelled: a worker has no order in memory. */
import { partitionOf } from "../../runtime/subjects.ts";
import { subjects } from "../subjects.ts";
import { readSnapshot } from "../../runtime/actor/record-decoding.ts";
import type { Journal } from "../../runtime/ports.ts";
import { WorkRefused } from "../../runtime/workers/worker.ts";
import { hasOrderMachines, orderMachinesOf, orderStatus } from "../orders/status.ts";

/** Implements `InvoiceDependencies.isCancelled`. An order without a record is not cancelled. */
export function cancelledInJournal(
  journalOf: (partition: number) => Pick<Journal, "readLast">,
  partitions: number,
): (orderId: string) => Promise<boolean> {
  return async (orderId) => {
    const partition = partitionOf(orderId, partitions);
    const record = await journalOf(partition).readLast(subjects.record(partition, orderId));
    if (record === undefined) return false;
    const snapshot = readSnapshot(record);
    if (snapshot === undefined || !hasOrderMachines(snapshot.machines))
      throw new WorkRefused(`the record of ${orderId} at ${record.sequence} cannot be read`);
    return orderStatus(orderMachinesOf(snapshot.machines)) === "cancelled";
  };
}
