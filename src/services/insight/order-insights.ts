/**
 * Reads of one order beyond its view, on any node: what it is doing now, and what it was at an instant.
 * Owns nothing: all of it comes from acknowledged state. Outcomes are values.
 */
import { MachineFault } from "../../runtime/actor/machine.ts";
import { readRecord, readSnapshot } from "../../runtime/actor/record-decoding.ts";
import type { Actors } from "../../runtime/actors.ts";
import { parseObject } from "../../runtime/json.ts";
import { type Journal, type StoredMessage, Unavailable } from "../../runtime/ports.ts";
import { partitionOf } from "../../runtime/subjects.ts";
import { historyItem } from "../orders/history.ts";
import { masked } from "../orders/masking.ts";
import { type OpensPersonal, shownPersonal } from "../orders/personal.ts";
import { orderView } from "../orders/view.ts";
import { subjects } from "../subjects.ts";
import { unavailable, unavailableReply } from "../unavailable.ts";
import type { OrderInsights, OrderInstant } from "./contract.ts";
import { machineViews, openCalls, orderInsight, pendingTimers, stepsThen } from "./order-insight.ts";

/** What these reads need of their node. */
export type OrderInsightsOptions = {
  readonly actors: Pick<Actors, "read">;
  /** The stream of a partition. */
  readonly journalOf: (partition: number) => Pick<Journal, "readAll" | "readAt">;
  /** Number of partitions, as the stream was made with. */
  readonly partitions: number;
  readonly open: OpensPersonal;
  /** ms since the epoch */
  readonly now: () => number;
};

/** Makes the reads. */
export function orderInsights(options: OrderInsightsOptions): OrderInsights {
  const { actors, journalOf, now, open, partitions } = options;
  return {
    read: async (id, parts) => {
      const reply = await actors.read(id);
      if (reply.status === "not_found") return { status: "not_found" };
      if (reply.status !== "ok") return unavailableReply(reply);
      const { snapshot } = reply;
      return await orUnavailable(async () => ({
        status: "found",
        order: orderView(id, snapshot, await shownPersonal(id, snapshot, open)),
        insight: orderInsight(id, snapshot, parts, now()),
      }));
    },
    instant: async (id, version) => {
      const partition = partitionOf(id, partitions);
      const journal = journalOf(partition);
      return await orUnavailable(async () => {
        const records = await journal.readAll(subjects.record(partition, id));
        if (records.length === 0) return { status: "not_found" };
        const stored = records.find((message) => readSnapshot(message)?.version === version);
        const instant = stored && (await instantOf(id, stored, journal));
        return instant ? { status: "found", instant } : { status: "version_not_found" };
      });
    },
  };
}

/** `undefined` for a record that cannot be read. */
async function instantOf(
  id: string,
  stored: StoredMessage,
  journal: Pick<Journal, "readAt">,
): Promise<OrderInstant | undefined> {
  const record = readRecord(stored);
  const item = historyItem(stored);
  if (!record || !item) return undefined;
  const { effects, machines, timers } = record.snapshot;
  const next = stepsThen(machines);
  return {
    ...item,
    machines: machineViews(machines),
    open: { effects: openCalls(id, effects), timers: pendingTimers(timers) },
    ...(next && { next }),
    published: await publishedWith(id, item, journal),
  };
}

/** The events of a commit are next to its record: after it in its batch, and after its facts if they have changed. */
async function publishedWith(
  id: string,
  { events, sequence, version }: OrderInstant | NonNullable<ReturnType<typeof historyItem>>,
  journal: Pick<Journal, "readAt">,
): Promise<OrderInstant["published"]> {
  if (events.length === 0) return [];
  const places = Array.from({ length: events.length + 1 }, (_, place) => sequence + 1 + place);
  const messages = await Promise.all(places.map((place) => journal.readAt(place)));
  return messages.flatMap((message) => {
    const { "ce-id": ceId = "", "ce-type": type = "" } = message?.headers ?? {};
    if (!message || !ceId.startsWith(`${id}.${version}.`)) return [];
    return [{ id: ceId, type, data: masked(parseObject(message.payload) ?? {}) }];
  });
}

type Unread = ReturnType<typeof unavailable>;

async function orUnavailable<T>(work: () => Promise<T>): Promise<T | Unread> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Unavailable) return unavailable(error.message);
    // A node with another program owns it, for the time of a roll-out.
    if (error instanceof MachineFault)
      return unavailable(`this node does not know its states: ${error.message}`);
    throw error;
  }
}
