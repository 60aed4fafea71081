/** Request and reply over core NATS. Nothing is stored. */
import type { Msg, Subscription as NatsSubscription } from "@nats-io/transport-node";
import { type Bus, type BusAnswer, type Subscription, Unavailable } from "../../runtime/ports.ts";
import type { NatsLink } from "./link.ts";
import { describe, isNoResponders, request } from "./request.ts";

/** Time limit of `flush`, ms. */
const FLUSH_TIMEOUT_MS = 2_000;

/** The bus of one connection. */
export function natsBus(link: NatsLink): Bus {
  return {
    request: (subject, payload, timeoutMs) => ask(link, subject, payload, timeoutMs),
    serve: async (subject, handler) => serve(link, subject, handler),
    flush: () => flush(link),
    connected: () => link.connected(),
    onConnectionChange(listener) {
      link.onChange(listener);
    },
  };
}

async function ask(link: NatsLink, subject: string, payload: string, timeoutMs: number): Promise<BusAnswer> {
  if (!link.connected()) return { status: "unanswered", reason: "not connected to NATS" };
  try {
    const answer = await request(link, subject, payload, timeoutMs);
    return { status: "answered", payload: answer.string() };
  } catch (error) {
    if (isNoResponders(error)) return { status: "no_responders" };
    return { status: "unanswered", reason: describe(error) };
  }
}

function serve(link: NatsLink, subject: string, handler: (payload: string) => Promise<string>): Subscription {
  let stopped = false;
  // A rejection is left unhandled on purpose: it ends the process.
  const answer = async (msg: Msg) => {
    const reply = await handler(msg.string());
    // Without a connection the requester has stopped waiting for this node.
    if (link.connected() && !link.nc.isClosed()) msg.respond(reply);
  };
  const subscription = link.nc.subscribe(subject, {
    callback(error, msg) {
      if (error === null) void answer(msg);
    },
  });
  return {
    async stop() {
      if (stopped) return;
      stopped = true;
      // Requests that the server has already sent are answered: no other node will answer them.
      if (link.connected() && !link.nc.isDraining()) await drained(subscription);
      else subscription.unsubscribe();
    },
  };
}

/** Ends the subscription after the last request that the server sends, or when the connection is lost first. */
async function drained(subscription: NatsSubscription): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FLUSH_TIMEOUT_MS);
  });
  await Promise.race([subscription.drain().catch(() => {}), late]);
  clearTimeout(timer);
  subscription.unsubscribe();
}

async function flush(link: NatsLink): Promise<void> {
  if (!link.connected()) throw new Unavailable("not connected to NATS");
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), FLUSH_TIMEOUT_MS);
  });
  try {
    await Promise.race([link.nc.flush(), late]);
  } catch (error) {
    throw new Unavailable(describe(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
