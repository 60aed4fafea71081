/**
 * A long history in little time: everything that a completed order stores in the stream, written again under other ids,
 * hundreds of messages a batch. Sizes are those of real orders, and each can be read like a real one.
 */
import { natsBucket } from "../src/adapters/nats/bucket.ts";
import { natsJournal } from "../src/adapters/nats/journal.ts";
import type { NatsLink } from "../src/adapters/nats/link.ts";
import { floorsBucket, type StreamSettings } from "../src/adapters/nats/stream-definitions.ts";
import type { OrderFacts } from "../machines/order-facts.ts";
import type { Message } from "../src/runtime/ports.ts";
import { subjects } from "../src/services/subjects.ts";
import { isOf, PARTITIONS, plain, readFrom, renamed } from "./commit-templates.ts";
import { skipWork, streamSize } from "./stored-orders.ts";

/** Everything of one order, in the order in which it was stored. */
export type OrderTemplate = { readonly id: string; readonly messages: readonly Message[] };

const BATCH_MESSAGES = 900;
const WRITE_TIMEOUT_MS = 60_000;
const DIGITS = 9;

/** Reads one completed order as a template. @param after the sequence after which the order begins */
export async function readOrder(link: NatsLink, id: string, after: number): Promise<OrderTemplate> {
  const stored = await readFrom(link, after + 1);
  return { id, messages: stored.filter((message) => isOf(id, message)).map(plain) };
}

/** Id of the written order with this number: as long as a real one, so that sizes are the same. */
export const writtenId = (template: OrderTemplate, number: number): string =>
  template.id.slice(0, -DIGITS) + String(number).padStart(DIGITS, "0");

/**
 * Writes the orders with the numbers `from` to `to` - 1. No node may run: it would consider them another owner's. Call
 * `skipHistory` after it: then a new node starts after them, and no worker receives their old events.
 * @param onProgress called now and then with the number of stored orders
 */
export async function writeOrders(
  link: NatsLink,
  template: OrderTemplate,
  range: { readonly from: number; readonly to: number },
  onProgress: (stored: number) => void,
): Promise<void> {
  const journal = natsJournal(link, subjects.stream(0));
  const perBatch = Math.floor(BATCH_MESSAGES / template.messages.length);
  if (perBatch < 1) throw new Error(`an order has ${template.messages.length} messages, more than one batch`);
  const batchFrom = (number: number): readonly Message[] => {
    const count = Math.min(perBatch, range.to - number);
    return Array.from({ length: count }, (_, index) => orderNumber(template, number + index)).flat();
  };
  let next = batchFrom(range.from);
  for (let number = range.from; number < range.to; number += perBatch) {
    const answer = journal.append(next, WRITE_TIMEOUT_MS);
    next = batchFrom(number + perBatch);
    const result = await answer;
    if (result.status !== "stored")
      throw new Error(`history could not be written: ${JSON.stringify(result)}`);
    onProgress(Math.min(range.to, number + perBatch));
  }
}

/**
 * Moves the checkpoints and the workers' consumers past the written orders, so that no node replays or processes them.
 * No node may run.
 */
export async function skipHistory(link: NatsLink, streams: StreamSettings): Promise<void> {
  const { lastSequence } = await streamSize(link);
  const checkpoints = natsBucket(link, floorsBucket(streams));
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const key = `partition.${partition}`;
    const stored = await checkpoints.get(key);
    if (stored === undefined) throw new Error(`${subjects.buckets.floors} has no ${key}`);
    const checkpoint = JSON.parse(stored.value) as { open: readonly string[] };
    if (checkpoint.open.length > 0)
      throw new Error(`${key} has open effects: its node was stopped too early`);
    await checkpoints.put(key, JSON.stringify({ ...checkpoint, through: lastSequence }));
  }
  await skipWork(link);
}

function orderNumber(template: OrderTemplate, number: number): Message[] {
  const id = writtenId(template, number);
  return template.messages.map((message) => {
    const { payload, headers, ...rest } = renamed(message, template.id, id);
    return {
      ...rest,
      payload: isFacts(message) ? opened(payload) : payload.replaceAll(template.id, id),
      headers: named(headers, template.id, id),
    };
  });
}

const isFacts = ({ subject }: Message): boolean => subject.startsWith(`${subjects.prefix}.facts.`);

/** Sealed data opens for its own order alone: a written order has plain data, as long as the sealed text. */
function opened(payload: string): string {
  const { facts, ...rest } = JSON.parse(payload) as { readonly facts: OrderFacts };
  const { country, personal } = facts;
  if (typeof personal !== "string") return payload;
  const person = {
    customer: { name: "", email: "" },
    shippingAddress: { city: "", postalCode: "", country },
  };
  const line1 = "x".repeat(Math.max(1, personal.length - JSON.stringify(person).length));
  const plainData = { ...person, shippingAddress: { line1, ...person.shippingAddress } };
  return JSON.stringify({ ...rest, facts: { ...facts, personal: plainData } });
}

function named(headers: Message["headers"], from: string, to: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name, value.replace(from, to)]),
  );
}
