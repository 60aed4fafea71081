/** A register on the log that holds it, the same for every kind of log. Readable with the ordinary KV clients. */
import type { Bucket, BucketEntry, Register, StoredMessage } from "../../runtime/ports.ts";
import { isDeleted } from "./kv-bucket.ts";

/**
 * A bucket that can be read in the order of its writes.
 * @param name of the bucket, without `KV_`
 * @param next the first message of the bucket at or after a sequence; throws `Unavailable`
 */
export function kvRegister(
  name: string,
  bucket: Bucket,
  next: (sequence: number) => Promise<StoredMessage | undefined>,
): Register {
  const prefix = `$KV.${name}.`;
  return {
    get: (key) => bucket.get(key),
    update: (key, value, revision) => bucket.update(key, value, revision),
    async list(after, limit) {
      const found: BucketEntry[] = [];
      let from = after + 1;
      while (found.length < limit) {
        const message = await next(from);
        if (message === undefined) break;
        const { subject, sequence, at, payload } = message;
        if (!isDeleted(message))
          found.push({ key: subject.slice(prefix.length), value: payload, revision: sequence, at });
        from = sequence + 1;
      }
      return found;
    },
  };
}
