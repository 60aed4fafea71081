/** Stored messages as the server sends them, turned into the port's form. */
import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import type { StoredMessage } from "../../runtime/ports.ts";
import { ApiCode, ApiError, apiRequest } from "./jetstream-api.ts";
import type { NatsLink } from "./link.ts";

/** Time limit of one read, ms. */
export const READ_TIMEOUT_MS = 2_000;

type StoredJson = {
  readonly message: {
    readonly subject: string;
    readonly seq: number;
    readonly hdrs?: string;
    readonly data?: string;
    readonly time: string;
  };
};

/**
 * One message by a query of `STREAM.MSG.GET`, which only the stream's leader answers. `undefined` when there is none.
 * @throws Unavailable, ApiError (no such stream)
 */
export async function getMessage(
  link: NatsLink,
  stream: string,
  query: { readonly last_by_subj: string } | { readonly seq: number; readonly next_by_subj?: string },
): Promise<StoredMessage | undefined> {
  try {
    const { message } = await apiRequest<StoredJson>(
      link,
      `STREAM.MSG.GET.${stream}`,
      query,
      READ_TIMEOUT_MS,
    );
    return {
      subject: message.subject,
      sequence: message.seq,
      at: Date.parse(message.time),
      headers: message.hdrs === undefined ? {} : parseHeaders(Buffer.from(message.hdrs, "base64").toString()),
      payload: message.data === undefined ? "" : Buffer.from(message.data, "base64").toString(),
    };
  } catch (error) {
    if (error instanceof ApiError && error.code === ApiCode.messageNotFound) return undefined;
    throw error;
  }
}

/** A delivered message and its position in the consumer. */
export type Delivery = {
  readonly message: StoredMessage;
  /** 1 for the consumer's first message; consecutive when no message was lost in transit. */
  readonly consumerSequence: number;
  /** Messages that match and were not delivered yet. */
  readonly pending: number;
};

/**
 * Reads a delivered message. Its position is in the reply subject:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>`, or the longer form with
 * domain and account before the stream. `undefined` when it is not a delivery.
 */
export function readDelivery(msg: Msg): Delivery | undefined {
  const reply = msg.reply;
  if (reply === undefined || !reply.startsWith("$JS.ACK.")) return undefined;
  const tokens = reply.split(".");
  const from = tokens.length === 9 ? 5 : 7;
  if (tokens.length < from + 4) return undefined;
  return {
    message: {
      subject: msg.subject,
      sequence: Number(tokens[from]),
      at: Math.floor(Number(tokens[from + 2]) / 1_000_000),
      headers: msg.headers === undefined ? {} : readHeaders(msg.headers),
      payload: msg.string(),
    },
    consumerSequence: Number(tokens[from + 1]),
    pending: Number(tokens[from + 3]),
  };
}

const isOwn = (name: string): boolean => !name.startsWith("Nats-");

/** The headers of the sender. The server's own ones are left out: they belong to the adapter. */
export function readHeaders(headers: MsgHdrs): Record<string, string> {
  const record: Record<string, string> = {};
  for (const [name, values] of headers) if (isOwn(name)) record[name] = values[0]!;
  return record;
}

function parseHeaders(text: string): Record<string, string> {
  const record: Record<string, string> = {};
  const lines = text.split("\r\n");
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    if (isOwn(name)) record[name] = line.slice(colon + 1).trim();
  }
  return record;
}
