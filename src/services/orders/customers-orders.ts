/** Finds the orders of a customer by the group at the end of their facts' subjects; no list of them is kept. */
import { readSnapshot } from "../../runtime/actor/record-decoding.ts";
import { readFacts, type StoredSnapshot } from "../../runtime/actor/snapshot.ts";
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

/** Records of one reading: what a journal reads together at most. */
const READ_AT_ONCE = 1000;

/** Reads all orders of a group. The function throws Unavailable (retryable), also when a replica lags. */
export function customersOrders(
  journals: readonly Pick<Journal, "readLastTogether" | "readLastPerSubject" | "state">[],
): (group: string) => Promise<readonly CustomersOrder[]> {
  return async (group) => {
    const found = await Promise.all(journals.map((journal) => ordersIn(journal, group)));
    return found.flat();
  };
}

async function ordersIn(
  journal: Pick<Journal, "readLastTogether" | "readLastPerSubject" | "state">,
  group: string,
): Promise<CustomersOrder[]> {
  // A replica that lags must miss no order.
  const { lastSequence } = await journal.state();
  const facts = await journal.readLastPerSubject(subjects.factsOfGroup(group), lastSequence);
  const orders: CustomersOrder[] = [];
  for (let at = 0; at < facts.length; at += READ_AT_ONCE) {
    const some = facts
      .slice(at, at + READ_AT_ONCE)
      .map((message) => ({ message, ...orderOf(message.subject) }));
    const { last } = await journal.readLastTogether(
      some.map(({ record }) => record),
      lastSequence,
    );
    for (const { message, orderId, record } of some) {
      const { personal } = (readFacts(message.payload)?.data ?? {}) as { readonly personal?: unknown };
      const generation = typeof personal === "string" ? generationOf(personal) : undefined;
      const newest = last.get(record);
      const read = newest && readSnapshot(newest);
      orders.push({ orderId, generation, open: read === undefined || needsItsData(read) });
    }
  }
  return orders;
}

/** The order of a message about facts, and the subject of its records. */
function orderOf(subject: string): { readonly orderId: string; readonly record: string } {
  const [orderId = "", partition = ""] = subject.split(".").slice(-3, -1).toReversed();
  return { orderId, record: subjects.record(Number(partition), orderId) };
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
