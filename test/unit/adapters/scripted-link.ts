/** A connection whose answers a test writes: what an adapter asks, and what it makes of the answer. */
import { headers as natsHeaders, type Msg, type MsgHdrs } from "@nats-io/transport-node";
import type { NatsLink } from "../../../src/adapters/nats/link.ts";

/** A message that an adapter has sent. `body` is the parsed JSON, or the text when it is no JSON. */
export type Sent = { readonly subject: string; readonly body: unknown; readonly reply?: string };

type Callback = (error: Error | null, msg: Msg) => void;

const parsed = (payload: string | Uint8Array): unknown => {
  const text = typeof payload === "string" ? payload : new TextDecoder().decode(payload);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** @param answer the server's answer to a request, which may be a promise of it */
export function scriptedLink(answer: (sent: Sent) => unknown = () => ({})) {
  const requests: Sent[] = [];
  const published: Sent[] = [];
  /** Both, in their order. */
  const all: Sent[] = [];
  const inboxes = new Map<string, Callback>();
  const listeners = new Set<(connected: boolean) => void>();
  let isConnected = true;
  const nc = {
    info: { max_payload: 1_000_000 },
    isClosed: () => false,
    isDraining: () => false,
    publish: (subject: string, payload: string | Uint8Array = "", options: { reply?: string } = {}) => {
      const sent = { subject, body: parsed(payload), ...options };
      published.push(sent);
      all.push(sent);
    },
    request: async (subject: string, payload: string | Uint8Array) => {
      const sent = { subject, body: parsed(payload) };
      requests.push(sent);
      all.push(sent);
      const body = await answer(sent);
      return { json: () => body };
    },
    subscribe: (subject: string, { callback }: { readonly callback: Callback }) => {
      inboxes.set(subject, callback);
      return { unsubscribe: () => inboxes.delete(subject) };
    },
  };
  const link = {
    nc,
    connected: () => isConnected,
    newInbox: () => `_INBOX.${inboxes.size + 1}`,
    onChange: (listener: (connected: boolean) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => undefined,
  } as unknown as NatsLink;
  return {
    link,
    requests,
    published,
    all,
    /** Subjects that are subscribed to now. */
    inboxes: () => [...inboxes.keys()],
    /** The server sends a status, such as a heartbeat (100), to every subscription. */
    status: (code: number, values: Readonly<Record<string, string>> = {}) => {
      const own: MsgHdrs = natsHeaders(code, "status");
      for (const [name, value] of Object.entries(values)) own.set(name, value);
      for (const callback of inboxes.values()) callback(null, { headers: own } as Msg);
    },
    connect: (connected: boolean) => {
      isConnected = connected;
      for (const listener of listeners) listener(connected);
    },
  };
}
