/**
 * Publishes messages to a stream: one as one publish, several as one atomic batch (ADR-50). The client library's own
 * batch hides the server's error, so this file replaces it.
 * Hot path: header and payload of a message are encoded in one step.
 */
import { MsgHdrsImpl, nuid } from "@nats-io/transport-node";
import { type AppendResult, ServerCode } from "../../runtime/ports.ts";
import { type ErrorBody, isNoRoom, isTransient } from "../jetstream/codes.ts";
import { encodeMessages, type WireMessage } from "../jetstream/message-encoding.ts";
import type { NatsLink } from "./link.ts";
import { describe, request } from "./request.ts";

/** The limit of a server that does not state its own, bytes. */
const DEFAULT_MAX_PAYLOAD = 1024 * 1024;

/** Headers that are encoded already; of these the client calls only `encode`. */
class EncodedHeaders extends MsgHdrsImpl {
  private readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    super();
    this.bytes = bytes;
  }
  override encode(): Uint8Array {
    return this.bytes;
  }
}

type Ack = {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly count?: number;
  readonly error?: ErrorBody;
};

/** Stores all messages or none; see `Journal.append`. */
export async function appendMessages(
  link: NatsLink,
  messages: readonly WireMessage[],
  timeoutMs: number,
): Promise<AppendResult> {
  if (messages.length === 0) throw new RangeError("an append needs at least one message");
  // While disconnected, the client would buffer a batch, and its next connection would drop the first half.
  if (!link.connected()) return { status: "unanswered", reason: "not connected to NATS" };
  const encoded = encodeMessages(messages, nuid.next(), link.nc.info?.max_payload ?? DEFAULT_MAX_PAYLOAD);
  if ("status" in encoded) return encoded;
  const last = encoded[encoded.length - 1]!;
  try {
    for (let i = 0; i < encoded.length - 1; i++) {
      const message = encoded[i]!;
      link.nc.publish(message.subject, message.payload, { headers: new EncodedHeaders(message.headers) });
    }
    const headers = new EncodedHeaders(last.headers);
    const reply = await request(link, last.subject, last.payload, timeoutMs, headers);
    return resultOf(reply.json<Ack>(), messages.length);
  } catch (error) {
    return { status: "unanswered", reason: describe(error) };
  }
}

function resultOf(ack: Ack, count: number): AppendResult {
  if (ack.error !== undefined) {
    const reason = ack.error.description ?? "refused";
    const code = ack.error.err_code ?? ack.error.code;
    if (isTransient(ack.error)) {
      return { status: "unanswered", reason: `${reason} (${code})`, noRoom: isNoRoom(ack.error) };
    }
    return { status: "rejected", code, reason };
  }
  if (ack.seq === undefined) return { status: "unanswered", reason: "the answer is no acknowledgement" };
  // This answer says nothing about what is stored: another payload may have come with the same id.
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
