/**
 * Messages of the port in their form on the connection, and every check that comes before the first one is sent: a
 * message that the client or the server refused in the middle of a batch would leave half of the batch sent.
 */
import type { AppendResult, Message } from "../../runtime/ports.ts";
import { AppendCode, BATCH_MESSAGES_MAX, HEADER_BYTES_MAX, isLiteralSubject } from "./append-rules.ts";

/** A message of the port, or one whose payload is bytes. */
export type WireMessage = Omit<Message, "payload"> & { readonly payload: string | Uint8Array };

/** One message, ready to be sent. */
export type EncodedMessage = {
  readonly subject: string;
  /** From `NATS/1.0` to the empty line. */
  readonly headers: Uint8Array;
  readonly payload: Uint8Array;
};

/**
 * Encodes one message alone, or several as one atomic batch (ADR-50).
 * @param batch id of this attempt, unique, at most 64 characters
 * @param maxPayload the server's limit for headers and payload of one message, bytes
 * @returns the messages in order, or a rejection when one of them breaks a rule; then nothing may be sent
 */
export function encodeMessages(
  messages: readonly WireMessage[],
  batch: string,
  maxPayload: number,
): EncodedMessage[] | AppendResult {
  const count = messages.length;
  if (count > BATCH_MESSAGES_MAX) {
    return { status: "rejected", code: AppendCode.batchTooLarge, reason: `${count} messages in one batch` };
  }
  const encoded: EncodedMessage[] = Array.from({ length: count });
  for (let i = 0; i < count; i++) {
    const one = encodeMessage(
      messages[i]!,
      count > 1 ? batch : undefined,
      i + 1,
      i + 1 === count,
      maxPayload,
    );
    if ("status" in one) return one;
    encoded[i] = one;
  }
  return encoded;
}

function encodeMessage(
  message: WireMessage,
  batch: string | undefined,
  position: number,
  isLast: boolean,
  maxPayload: number,
): EncodedMessage | AppendResult {
  const header = headerText(message, batch, position, isLast);
  if (header === undefined) return invalid(message.subject);
  const headerBytes = Buffer.byteLength(header);
  // One string, encoded once: this runs for every message of every commit.
  const { payload } = message;
  const bytes =
    typeof payload === "string"
      ? Buffer.from(header + payload)
      : Buffer.concat([Buffer.from(header), payload]);
  if (bytes.length > maxPayload || headerBytes > HEADER_BYTES_MAX) {
    return {
      status: "rejected",
      code: AppendCode.messageTooLarge,
      reason: `${bytes.length} bytes for ${message.subject}, at most ${maxPayload} (headers ${HEADER_BYTES_MAX})`,
    };
  }
  return {
    subject: message.subject,
    headers: bytes.subarray(0, headerBytes),
    payload: bytes.subarray(headerBytes),
  };
}

const invalid = (subject: string): AppendResult => ({
  status: "rejected",
  code: AppendCode.invalidMessage,
  reason: `invalid subject or header in a message for "${subject}"`,
});

/** `undefined`: the protocol has no form for the message. */
function headerText(
  message: WireMessage,
  batch: string | undefined,
  position: number,
  isLast: boolean,
): string | undefined {
  if (!isLiteralSubject(message.subject)) return undefined;
  let text = "NATS/1.0\r\n";
  if (batch !== undefined) {
    text += `Nats-Batch-Id: ${batch}\r\nNats-Batch-Sequence: ${position}\r\n`;
    if (isLast) text += "Nats-Batch-Commit: 1\r\n";
  }
  if (message.fence !== undefined) {
    text += `Nats-Expected-Last-Subject-Sequence: ${message.fence.sequence}\r\n`;
    if (message.fence.subject !== message.subject) {
      if (!isLiteralSubject(message.fence.subject)) return undefined;
      text += `Nats-Expected-Last-Subject-Sequence-Subject: ${message.fence.subject}\r\n`;
    }
  }
  if (message.messageId !== undefined) {
    if (!isHeaderValue(message.messageId)) return undefined;
    text += `Nats-Msg-Id: ${message.messageId}\r\n`;
  }
  if (message.schedule !== undefined) {
    if (!isLiteralSubject(message.schedule.target)) return undefined;
    const at = new Date(message.schedule.at).toISOString();
    text += `Nats-Schedule: @at ${at}\r\nNats-Schedule-Target: ${message.schedule.target}\r\n`;
  }
  if (message.cancels !== undefined) {
    if (!isLiteralSubject(message.cancels)) return undefined;
    text += `Nats-Scheduler: ${message.cancels}\r\nNats-Schedule-Next: purge\r\n`;
  }
  if (message.headers !== undefined) {
    for (const name in message.headers) {
      const value = message.headers[name]!;
      if (!isHeaderName(name) || !isHeaderValue(value)) return undefined;
      text += `${name}: ${value}\r\n`;
    }
  }
  return `${text}\r\n`;
}

const isHeaderName = (name: string): boolean => /^[!-9;-~]+$/.test(name) && !name.startsWith("Nats-");
const isHeaderValue = (value: string): boolean => !/[\r\n]/.test(value);
