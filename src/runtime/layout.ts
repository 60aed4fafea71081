/**
 * What lives in which stream when partitions are divided over several. Pure. Fixed when the streams are made: the
 * records of an actor never move.
 *
 * A partition is in one stream with everything of it: its lock, records, events, inbox, timers and fence marks, so
 * that the server checks and stores them in one step. What the application owns besides actors is in stream 0. Names
 * of subjects are the same for any number of streams; only a lock names its stream, because a bucket is a stream.
 */
import type { Subjects } from "./subjects.ts";

/** How many partitions and streams an application has. Equal on all its nodes. */
export type Layout = {
  /** 1 or more. */
  readonly partitions: number;
  /** 1 to MAX_STREAMS, at most one for each partition. */
  readonly streams: number;
};

/** More streams than that are more batches at once than a server gains from. */
export const MAX_STREAMS = 16;

/** Number of the stream that a partition is in. */
export const streamOf = (partition: number, streams: number): number => partition % streams;

/** Of things that are listed by stream, the one of the partition's stream. @throws RangeError for an empty list */
export function ofPartition<T>(partition: number, byStream: readonly T[]): T {
  const found = byStream[streamOf(partition, byStream.length)];
  if (found === undefined) throw new RangeError("there is no stream");
  return found;
}

/**
 * What a stream takes. The only stream takes all that begins with the application's prefix; one of several lists its
 * partitions, because the server allows no two streams to overlap. Every subject of the application is in exactly one
 * of the lists.
 */
export function streamSubjects(
  stream: number,
  { partitions, streams }: Layout,
  { prefix, extra, lockBucket }: Pick<Subjects, "prefix" | "extra" | "lockBucket">,
): string[] {
  const locks = `$KV.${lockBucket(stream)}.>`;
  if (streams === 1) return [locks, `${prefix}.>`];
  const further = stream === 0 ? extra.map((subject) => `${prefix}.${subject}`) : [];
  const own = Array.from({ length: partitions }, (_, partition) => partition)
    .filter((partition) => streamOf(partition, streams) === stream)
    .flatMap((partition) => [`${prefix}.*.${partition}.>`, `${prefix}.fence.partition.${partition}`]);
  return [locks, ...further, ...own];
}
