/** What the intake of webhooks reads of an order: whether it exists, and what came for it from outside. */
import { subjects } from "../subjects.ts";
import type { Actors } from "../../runtime/actors.ts";
import { readInput } from "../../runtime/actor/inbox-input.ts";
import type { Input } from "../../runtime/actor/input.ts";
import { type Journal, type Log, Unavailable } from "../../runtime/ports.ts";
import { partitionOf, token } from "../../runtime/subjects.ts";

/** An input that an outside system or a worker has put into the order's inbox. */
export type OutsideInput = Extract<Input, { kind: "event" }>;

/** Reads of one order. Both throw Unavailable (retryable). */
export interface OrderInbox {
  /** Any text may be asked for: one that can be no order's id is no order. */
  exists(orderId: string): Promise<boolean>;
  /** Everything that came from outside, oldest first, whether the order has taken it or not. */
  inputs(orderId: string): Promise<readonly OutsideInput[]>;
}

/** What the reads need of their node. */
export type OrderInboxOptions = {
  /** The stream of a partition. */
  readonly journalOf: (partition: number) => Pick<Journal, "readLast" | "readAll">;
  /** Number of partitions, as the stream was made with. */
  readonly partitions: number;
  readonly read: Actors["read"];
  readonly log: Log;
};

/**
 * Reads the stream, and asks the order's owner only about an order without a record: a reading may be older than the
 * order, the owner's answer is not.
 */
export function orderInbox({ journalOf, partitions, read, log }: OrderInboxOptions): OrderInbox {
  return {
    exists: async (orderId) => {
      if (orderId === "" || token(orderId) !== orderId) return false;
      const partition = partitionOf(orderId, partitions);
      if ((await journalOf(partition).readLast(subjects.record(partition, orderId))) !== undefined)
        return true;
      const reply = await read(orderId);
      if (reply.status === "ok" || reply.status === "not_found") return reply.status === "ok";
      throw new Unavailable(`whether ${orderId} exists is not known: its owner answered ${reply.status}`);
    },
    inputs: async (orderId) => {
      const partition = partitionOf(orderId, partitions);
      const messages = await journalOf(partition).readAll(subjects.inbox(partition, orderId));
      return messages.flatMap((message) => {
        const input = readInput(message, log)?.input;
        return input?.kind === "event" ? [input] : [];
      });
    },
  };
}
