/** Finds the orders of a customer by the group at the end of their facts' subjects; no list of them is kept. */
import { readFacts, readRecord, type StoredSnapshot } from "../../runtime/actor/snapshot.ts";
import type { Journal } from "../../runtime/ports.ts";
import type { CustomersOrder } from "../personal/erasure.ts";
import { generationOf } from "../personal/personal-data.ts";
import { subjects } from "../subjects.ts";
import { hasOrderMachines, orderMachinesOf, orderStatus } from "./status.ts";
import type { OrderStatus } from "./contract.ts";

const ENDED: ReadonlySet<OrderStatus> = new Set([
  "rejected",
  "payment_failed",
  "payment_expired",
  "completed",
  "returned",
  "cancelled",
]);

/** Reads all orders of a group. The function throws Unavailable (retryable), also when a replica lags. */
export function customersOrders(
  journals: readonly Pick<Journal, "readLast" | "readLastPerSubject" | "state">[],
): (group: string) => Promise<readonly CustomersOrder[]> {
  return async (group) => {
    const found = await Promise.all(journals.map((journal) => ordersIn(journal, group)));
    return found.flat();
  };
}

async function ordersIn(
  journal: Pick<Journal, "readLast" | "readLastPerSubject" | "state">,
  group: string,
): Promise<CustomersOrder[]> {
  // A replica that lags must miss no order.
  const { lastSequence } = await journal.state();
  const facts = await journal.readLastPerSubject(subjects.factsOfGroup(group), lastSequence);
  const orders: CustomersOrder[] = [];
  for (const { payload, subject } of facts) {
    const [orderId = "", partition = ""] = subject.split(".").slice(-3, -1).toReversed();
    const { personal } = (readFacts(payload)?.data ?? {}) as { readonly personal?: unknown };
    const generation = typeof personal === "string" ? generationOf(personal) : undefined;
    const record = await journal.readLast(subjects.record(Number(partition), orderId));
    const read = record && readRecord(record.payload);
    orders.push({ orderId, generation, open: read === undefined || needsItsData(read.snapshot) });
  }
  return orders;
}

/** Whether an order may still need its data: for a label, a mail or a credit note. One that cannot be read may. */
function needsItsData({ effects, machines }: Pick<StoredSnapshot, "effects" | "machines">): boolean {
  if (effects.length > 0 || !hasOrderMachines(machines)) return true;
  const order = orderMachinesOf(machines);
  const status = orderStatus(order);
  if (!ENDED.has(status)) return true;
  const { creditNote, invoice } = order.fulfillment.context;
  return (
    invoice !== undefined && creditNote === undefined && (status === "cancelled" || status === "returned")
  );
}
