/**
 * A KV bucket on a JetStream stream. Writes and reads go to its leader. A bucket in memory is made again after a
 * restart of the only server, which loses it.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type AppendResult, type Bucket, type Message, Unavailable } from "../../runtime/ports.ts";
import { kvBucket } from "../jetstream/kv-bucket.ts";
import { appendMessages } from "./append.ts";
import { groupedAppend } from "./group-append.ts";
import { ApiCode, ApiError } from "./jetstream-api.ts";
import { lastPerSubject } from "./journal.ts";
import { groupedRead } from "./group-read.ts";
import type { NatsLink } from "./link.ts";
import { consumeLog } from "./ordered-consumer.ts";
import { getMessage } from "./stored-message.ts";
import type { StreamDefinition } from "./stream-definitions.ts";
import { ensureStream } from "./streams.ts";

const WRITE_TIMEOUT_MS = 2_000;

/**
 * The bucket of the stream `KV_<bucket>`. The lock bucket is a part of the journal's stream.
 * @param gatherMs how long a write waits for others to share a batch with, ms; the stream must allow atomic batches.
 *   With it, reads are sent in groups too
 */
export function natsBucket(link: NatsLink, definition: StreamDefinition, gatherMs?: number): Bucket {
  const stream = definition.name;
  const losable = definition.storage === "memory";
  const restore = async () => {
    if (losable) await ensureStream(link, definition);
  };
  const grouped = gatherMs === undefined ? undefined : groupedAppend(link, WRITE_TIMEOUT_MS, gatherMs);
  const readOne = (subject: string) => getMessage(link, stream, { last_by_subj: subject });
  const readLast = gatherMs === undefined ? readOne : groupedRead(readOne);
  return kvBucket(stream.slice("KV_".length), {
    append: (message) => (grouped ? grouped([message]) : append(link, message, losable, restore)),
    last: (subject) => {
      const read = readLast(subject);
      return losable ? ifThere(read, undefined) : orUnavailable(read);
    },
    lastPerSubject: (filter) => {
      const read = lastPerSubject(link, stream, filter);
      return losable ? ifThere(read, []) : orUnavailable(read);
    },
    async consumeLast(filter, onMessage, onCaughtUp) {
      const start = () =>
        consumeLog(
          link,
          { stream, filters: [filter], from: "last", onCaughtUp, onStreamGone: restore },
          onMessage,
        );
      try {
        return await start();
      } catch (error) {
        if (!isGone(error)) throw error;
        await restore();
        return orUnavailable(start());
      }
    },
    pause: (ms) => pause(ms),
  });
}

async function append(
  link: NatsLink,
  message: Message,
  losable: boolean,
  restore: () => Promise<void>,
): Promise<AppendResult> {
  const result = await appendMessages(link, [message], WRITE_TIMEOUT_MS);
  const noStream = result.status === "unanswered" && result.reason === "no responders";
  if (!noStream || !losable) return result;
  try {
    await restore();
  } catch (error) {
    return { status: "unanswered", reason: error instanceof Error ? error.message : String(error) };
  }
  return appendMessages(link, [message], WRITE_TIMEOUT_MS);
}

const isGone = (error: unknown): boolean =>
  error instanceof ApiError && error.code === ApiCode.streamNotFound;

/** A lost bucket reads as empty. @throws Unavailable */
async function ifThere<T>(read: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (isGone(error)) return otherwise;
    return orUnavailable(Promise.reject(error));
  }
}

/** @throws Unavailable */
async function orUnavailable<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof ApiError) throw new Unavailable(error.message, { cause: error });
    throw error;
  }
}
