/**
 * How large a message will be on the wire, reckoned from above and without encoding it: every commit asks (commit.ts).
 * The adapters encode (message-encoding.ts) and check against the server's own limit, which may be lower than ours.
 * Proved by: test/unit/runtime/message-size.test.ts
 */
import type { Message } from "./ports.ts";

/**
 * What a message gets on its way, bytes: the first and last line of its headers, its place in a batch, the names of the
 * headers that belong to the server, and a fence, which may be that of the partition's lock.
 */
export const ADDED_BYTES = 640;

/** Headers and payload, bytes in UTF-8: at least as many as are sent, and at most `ADDED_BYTES` more. */
export function messageBytes({ payload, headers, messageId, fence, schedule, cancels }: Message): number {
  let bytes = ADDED_BYTES + Buffer.byteLength(payload);
  for (const name in headers) {
    // With a colon, a space and the end of the line.
    bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] ?? "") + 4;
  }
  for (const value of [messageId, fence?.subject, schedule?.target, cancels]) {
    if (value !== undefined) bytes += Buffer.byteLength(value);
  }
  return bytes;
}
