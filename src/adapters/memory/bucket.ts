/** A KV bucket on the server in memory. The lock bucket is a part of the journal's log. */
import { type Bucket, Unavailable } from "../../runtime/ports.ts";
import { kvBucket } from "../jetstream/kv-bucket.ts";
import { append, read, readEachLast } from "./journal.ts";
import type { MemoryLink } from "./link.ts";
import { consumeLog } from "./log-consumer.ts";

const WRITE_TIMEOUT_MS = 2_000;

/** A bucket as this node sees it. @param name without `KV_` */
export function memoryBucket(link: MemoryLink, name: string): Bucket {
  const log = link.server.log(`KV_${name}`);
  return kvBucket(name, {
    append: (message) => append(link, log, "bucket_write", [message], WRITE_TIMEOUT_MS),
    last: async (subject) => {
      const { found } = await read(link, log, "bucket_read", subject, (upTo) => log.last(subject, upTo));
      return found;
    },
    lastPerSubject: (filter) => readEachLast(link, log, "bucket_read", filter),
    consumeLast: async (filter, onMessage, onCaughtUp) => {
      if (!link.connected()) throw new Unavailable("not connected");
      return consumeLog(link, log, { filters: [filter], from: "last", onCaughtUp }, onMessage);
    },
    pause: (ms) =>
      new Promise((resolve) => {
        link.clock.after(ms, resolve);
      }),
  });
}
