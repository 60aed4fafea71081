/** Sends the command of a bulk operation to one order. */
import type { CommandResult, OrderCommand, Orders } from "../orders/contract.ts";
import type { ParkedOrders, UnparkResult } from "../parked/contract.ts";
import { type BulkAction, DONE } from "./contract.ts";

/** What items are sent to. */
export type ItemReceivers = {
  readonly orders: Pick<Orders, "command">;
  readonly parked: Pick<ParkedOrders, "resume">;
};

/** One order of an operation, with what is to be done to it. */
export type Item = {
  /** The operation: in the key of the command, and recorded with it as the one who asked. */
  readonly bulk: string;
  readonly order: string;
  readonly action: BulkAction;
  readonly reason: string;
};

/** The space of the keys of commands: no client has it. */
const CALLER = "bulk";

/**
 * Sends an item. Sent again, it does nothing twice: its key is its own, for as long as the order lives. A resume is
 * looked for among all parkings of the order; an order that is not parked any more stays as it is.
 * @returns the outcome; undefined: no answer, or one that passes. It may have been applied: send it again
 */
export async function sendItem(item: Item, { orders, parked }: ItemReceivers): Promise<string | undefined> {
  const { action, bulk, order, reason } = item;
  const key = { caller: CALLER, idempotencyKey: `blk:${bulk}:${order}` };
  const how = { by: { kind: "bulk", id: bulk }, reason, key };
  if (action === "resume") return outcomeOf(await parked.resume(order, how));
  return outcomeOf(await orders.command(order, commandOf(action, reason), how));
}

/** The command of an action. */
export function commandOf(action: Exclude<BulkAction, "resume">, reason: string): OrderCommand {
  switch (action) {
    case "cancel":
    case "settle":
      return { type: action, reason };
    case "quality-check":
      return { type: action, passed: true };
    default:
      return { type: action };
  }
}

/** The outcome that an answer stands for; undefined: ask again. */
export function outcomeOf(result: CommandResult | UnparkResult): string | undefined {
  switch (result.status) {
    case "done":
      return DONE;
    case "not_found":
      return "order_not_found";
    case "unreadable":
      return "order_unreadable";
    case "refused":
      return result.code;
    case "unavailable":
    case "storage_unavailable":
    case "overloaded":
      return undefined;
    default:
      return result.status;
  }
}
