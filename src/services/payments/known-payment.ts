/** An order's payment, read from its newest record for reconciliation. Pure. */
import { isObject } from "../../runtime/json.ts";
import { readSnapshot, type RecordMessage } from "../../runtime/actor/record-decoding.ts";
import { hasOrderMachines, orderMachinesOf } from "../orders/status.ts";
import type { KnownPayment } from "./reconciliation.ts";

/** The payment in a record; `undefined` when the record cannot be read, or is no order's. */
export function knownPayment(orderId: string, record: RecordMessage): KnownPayment | undefined {
  const snapshot = readSnapshot(record);
  if (snapshot === undefined || !hasOrderMachines(snapshot.machines)) return undefined;
  const { payment } = orderMachinesOf(snapshot.machines);
  if (!isAmount(payment.context.amount) || !isState(payment.value)) return undefined;
  return {
    orderId,
    value: payment.value,
    context: payment.context,
    underWay: snapshot.effects.some((effect) => isObject(effect) && effect["machine"] === "payment"),
  };
}

/** Null before the order is priced. */
const isAmount = (amount: unknown): boolean =>
  amount === null ||
  amount === undefined ||
  (isObject(amount) && Number.isSafeInteger(amount["amount"]) && typeof amount["currency"] === "string");

const isState = (value: unknown): boolean => typeof value === "string" || isObject(value);
