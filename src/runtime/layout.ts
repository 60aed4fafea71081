/**
 * What lives in which stream when partitions are divided over several. Pure. Fixed when the streams are made: the
 * records of an order never move.
 *
 * A partition is in one stream with everything of it: its lock, records, events, inbox, timers and fence marks, so
 * that the server checks and stores them in one step. The inventory is in stream 0. Names of subjects do not tell the
 * stream, they are the same for any number of streams; only a lock does, because a bucket is a stream.
 */
import { lockBucket } from "./subjects.ts";

export type Layout = {
  /** 1 or more. */
  readonly partitions: number;
  /** 1 to MAX_STREAMS, at most one for each partition. */
  readonly streams: number;
};

/** More streams than that are more batches at once than a server gains from. */
export const MAX_STREAMS = 16;

/** Number of the stream that the inventory is in. */
export const INVENTORY_STREAM = 0;

/** Number of the stream that a partition is in. */
export const streamOf = (partition: number, streams: number): number => partition % streams;

/** Of things that are listed by stream, the one of the partition's stream. @throws for an empty list */
export function ofPartition<T>(partition: number, byStream: readonly T[]): T {
  const found = byStream[streamOf(partition, byStream.length)];
  if (found === undefined) throw new RangeError("there is no stream");
  return found;
}

/** Names of the streams on the server, by number. */
export const streamNames = (streams: number): string[] =>
  Array.from({ length: streams }, (_, stream) => streamName(stream));

/** Name of one stream on the server: that of its bucket of locks. */
export const streamName = (stream: number): string => `KV_${lockBucket(stream)}`;

/**
 * What a stream takes. The only stream takes all of `orders.>`; one of several lists its partitions, because the
 * server allows no two streams to overlap. No subject of the application is taken by none, and none by two.
 */
export function streamSubjects(stream: number, { partitions, streams }: Layout): string[] {
  const locks = `$KV.${lockBucket(stream)}.>`;
  if (streams === 1) return [locks, "orders.>"];
  const inventory = stream === INVENTORY_STREAM ? ["orders.holds.*", "orders.fence.inventory.*"] : [];
  const own = Array.from({ length: partitions }, (_, partition) => partition)
    .filter((partition) => streamOf(partition, streams) === stream)
    .flatMap((partition) => [`orders.*.${partition}.>`, `orders.fence.partition.${partition}`]);
  return [locks, ...inventory, ...own];
}
