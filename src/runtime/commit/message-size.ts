/**
 * An upper bound of a message's size on the wire, without encoding it: every commit checks it (cascade-write-set.ts).
 * The adapters encode (message-encoding.ts) and check the server's own limit, which may be lower than ours.
 * Proved by: test/unit/runtime/commit/message-size.test.ts
 */
import type { Message } from "../ports.ts";

/**
 * Bytes that publishing adds to a message: the first and last line of its headers, its position in a batch, the names
 * of the server's own headers, and a fence, which may be the fence of the partition's lock.
 */
export const ADDED_BYTES = 640;

/** The most bytes in UTF-8 for one code unit of UTF-16. */
const BYTES_PER_CHARACTER = 3;

/** Size of headers and payload in bytes (UTF-8): at least the bytes that are sent, and at most `ADDED_BYTES` more. */
export function messageBytes(message: Message): number {
  let bytes = ADDED_BYTES + Buffer.byteLength(message.payload);
  for (const text of headerTexts(message)) bytes += Buffer.byteLength(text);
  return bytes;
}

/** Whether `messageBytes` exceeds the limit, bytes. For nearly every message its length decides, without counting. */
export function isLargerThan(limit: number, message: Message): boolean {
  let characters = message.payload.length;
  for (const name in message.headers) characters += name.length + (message.headers[name] ?? "").length + 4;
  const { messageId = "", fence, schedule, cancels = "" } = message;
  characters += messageId.length + cancels.length;
  characters += (fence?.subject ?? "").length + (schedule?.target ?? "").length;
  return ADDED_BYTES + BYTES_PER_CHARACTER * characters > limit && messageBytes(message) > limit;
}

function headerTexts({ headers, messageId, fence, schedule, cancels }: Message): string[] {
  const lines = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
  return [...lines, messageId ?? "", fence?.subject ?? "", schedule?.target ?? "", cancels ?? ""];
}
