/** Whether a log holds each atomic batch whole. */
import { jetstream } from "@nats-io/jetstream";
import { apiRequest } from "../../../src/adapters/nats/jetstream-api.ts";
import type { NatsLink } from "../../../src/adapters/nats/link.ts";
import { subjects } from "../../../src/services/subjects.ts";

/** What a log has of its batches. */
export type BatchAudit = {
  readonly batches: number;
  /** Ids of batches of which a part is missing, with what the log has of them. */
  readonly halves: readonly string[];
  readonly messages: number;
};

/**
 * Reads a whole log. The messages of a batch follow each other, the last one ends it. A batch is half when it does not
 * end, and the sequence after it has another message or none was given. One after which a message is deleted went on:
 * with schedules that have fired or were canceled.
 */
export async function auditBatches(link: NatsLink, stream = subjects.stream(0)): Promise<BatchAudit> {
  const consumer = await jetstream(link.nc).consumers.get(stream, { deliver_policy: "all" });
  const ends = new Map<string, { position: number; sequence: number; isCommitted: boolean }>();
  const present = new Set<number>();
  const { num_pending: pending } = await consumer.info();
  if (pending === 0) return { batches: 0, halves: [], messages: 0 };
  for await (const { headers, seq, subject, info } of await consumer.consume({ max_messages: 1_000 })) {
    present.add(seq);
    const id = headers?.get("Nats-Batch-Id") ?? "";
    // A fired timer keeps the headers of the batch that armed it.
    const isFired = headers?.has("Nats-Scheduler") === true && subject.startsWith("orders.inbox.");
    if (id !== "" && !isFired)
      ends.set(id, {
        position: Number(headers?.get("Nats-Batch-Sequence")),
        sequence: seq,
        isCommitted: headers?.has("Nats-Batch-Commit") === true,
      });
    if (info.pending === 0) break;
  }
  type Info = { state: { last_seq: number } };
  const { state } = await apiRequest<Info>(link, `STREAM.INFO.${stream}`, undefined, 5_000);
  const halves = [...ends].flatMap(([id, { position, sequence, isCommitted }]) => {
    const isEnd = present.has(sequence + 1) || sequence >= state.last_seq;
    return isCommitted || !isEnd ? [] : [`${id}: messages up to ${position} of it`];
  });
  return { batches: ends.size, halves, messages: present.size };
}
