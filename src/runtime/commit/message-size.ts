/**
 * How large a message will be on the wire, reckoned from above and without encoding it: every commit asks (commit.ts).
 * The adapters encode (message-encoding.ts) and check against the server's own limit, which may be lower than ours.
 * Proved by: test/unit/runtime/commit/message-size.test.ts
 */
import type { Message } from "../ports.ts";

/**
 * What a message gets on its way, bytes: the first and last line of its headers, its place in a batch, the names of the
 * headers that belong to the server, and a fence, which may be that of the partition's lock.
 */
export const ADDED_BYTES = 640;

/** The most bytes that a unit of UTF-16 takes. */
const BYTES_PER_CHARACTER = 3;

/** Headers and payload, bytes in UTF-8: at least as many as are sent, and at most `ADDED_BYTES` more. */
export function messageBytes(message: Message): number {
  let bytes = ADDED_BYTES + Buffer.byteLength(message.payload);
  for (const text of headerTexts(message)) bytes += Buffer.byteLength(text);
  return bytes;
}

/** Whether `messageBytes` is above the limit. Nearly every message is told by its length, without counting its bytes. */
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
