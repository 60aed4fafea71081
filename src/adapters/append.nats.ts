/**
 * Publishes messages to a stream: one as one publish, several as one atomic batch (ADR-50).
 * The client library's own batch hides the server's error, hence this one.
 * Hot path: header and payload of a message are encoded in one go.
 */
import { MsgHdrsImpl, nuid } from "@nats-io/transport-node";
import { ServerCode } from "../runtime/ports.ts";
import type { AppendResult, Message } from "../runtime/ports.ts";
import type { NatsLink } from "./connection.nats.ts";
import { describe, isTransient } from "./jetstream-api.nats.ts";
import type { ErrorBody } from "./jetstream-api.nats.ts";
import { AppendCode, BATCH_MESSAGES_MAX, HEADER_BYTES_MAX, isLiteralSubject } from "./append-rules.ts";

type Encoded = { readonly subject: string; readonly headers: EncodedHeaders; readonly payload: Uint8Array };

/** Headers that are encoded already; the client asks for nothing but `encode`. */
class EncodedHeaders extends MsgHdrsImpl {
  readonly #bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    super();
    this.#bytes = bytes;
  }
  override encode(): Uint8Array {
    return this.#bytes;
  }
}

type Ack = {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly count?: number;
  readonly error?: ErrorBody;
};

/** Stores all or none; see `Journal.append`. */
export async function appendMessages(
  link: NatsLink,
  messages: readonly Message[],
  timeoutMs: number,
): Promise<AppendResult> {
  if (messages.length === 0) throw new RangeError("an append needs at least one message");
  // Sent while disconnected, a batch would be buffered and its first half dropped by the next dial.
  if (!link.connected()) return { status: "unanswered", reason: "not connected to NATS" };
  const encoded = encodeAll(messages, link.nc.info?.max_payload ?? 1024 * 1024);
  if (!Array.isArray(encoded)) return encoded;
  const last = encoded[encoded.length - 1]!;
  try {
    for (let i = 0; i < encoded.length - 1; i++) {
      const message = encoded[i]!;
      link.nc.publish(message.subject, message.payload, { headers: message.headers });
    }
    return await commit(link, last, messages.length, timeoutMs);
  } catch (error) {
    return { status: "unanswered", reason: describe(error) };
  }
}

async function commit(
  link: NatsLink,
  last: Encoded,
  count: number,
  timeoutMs: number,
): Promise<AppendResult> {
  // The answer to a request of a lost connection never comes: end the wait at once, not at the time limit.
  const lost = Promise.withResolvers<never>();
  const forget = link.onChange((connected) => {
    if (!connected) lost.reject(new Error("connection lost"));
  });
  try {
    const request = link.nc.request(last.subject, last.payload, {
      headers: last.headers,
      timeout: timeoutMs,
    });
    request.catch(() => {});
    const reply = await Promise.race([request, lost.promise]);
    return settle(reply.json<Ack>(), count);
  } finally {
    forget();
  }
}

function settle(ack: Ack, count: number): AppendResult {
  if (ack.error !== undefined) {
    const reason = ack.error.description ?? "refused";
    const code = ack.error.err_code ?? ack.error.code;
    if (isTransient(ack.error)) return { status: "unanswered", reason: `${reason} (${code})` };
    return { status: "rejected", code, reason };
  }
  if (ack.seq === undefined) return { status: "unanswered", reason: "the answer is no acknowledgement" };
  // Says nothing about what is stored: another payload may have come with the same id.
  if (ack.duplicate === true) {
    return {
      status: "rejected",
      code: ServerCode.duplicateMessageId,
      reason: "message id is stored already",
    };
  }
  if (count > 1 && ack.count !== count) {
    return { status: "unanswered", reason: `${ack.count ?? 0} of ${count} messages were committed` };
  }
  return { status: "stored", lastSequence: ack.seq };
}

function encodeAll(messages: readonly Message[], maxPayload: number): Encoded[] | AppendResult {
  const count = messages.length;
  if (count > BATCH_MESSAGES_MAX) {
    return { status: "rejected", code: AppendCode.batchTooLarge, reason: `${count} messages in one batch` };
  }
  const batch = count > 1 ? nuid.next() : undefined;
  const encoded: Encoded[] = Array.from({ length: count });
  for (let i = 0; i < count; i++) {
    const message = messages[i]!;
    const one = encodeMessage(message, batch, i + 1, i + 1 === count, maxPayload);
    if ("status" in one) return one;
    encoded[i] = one;
  }
  return encoded;
}

function encodeMessage(
  message: Message,
  batch: string | undefined,
  position: number,
  isLast: boolean,
  maxPayload: number,
): Encoded | AppendResult {
  const header = headerText(message, batch, position, isLast);
  if (header === undefined) return invalid(message.subject);
  const headerBytes = Buffer.byteLength(header);
  const bytes = Buffer.from(header + message.payload);
  if (bytes.length > maxPayload || headerBytes > HEADER_BYTES_MAX) {
    return {
      status: "rejected",
      code: AppendCode.messageTooLarge,
      reason: `${bytes.length} bytes for ${message.subject}, at most ${maxPayload} (headers ${HEADER_BYTES_MAX})`,
    };
  }
  return {
    subject: message.subject,
    headers: new EncodedHeaders(bytes.subarray(0, headerBytes)),
    payload: bytes.subarray(headerBytes),
  };
}

const invalid = (subject: string): AppendResult => ({
  status: "rejected",
  code: AppendCode.invalidMessage,
  reason: `invalid subject or header in a message for "${subject}"`,
});

/** `undefined`: the message cannot be put into the protocol. */
function headerText(
  message: Message,
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
