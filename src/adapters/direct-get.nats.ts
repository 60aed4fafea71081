/**
 * Reads that say how far the log of whoever answered them reaches (server ADR-31, batched direct get): the server's own
 * word that a reading is not older than what its reader has to know. `STREAM.MSG.GET` has no such word, and an old
 * leader goes on answering it for some seconds.
 */
import { createInbox } from "@nats-io/transport-node";
import type { Msg } from "@nats-io/transport-node";
import { Behind, type Reading, type StoredMessage, Unavailable } from "../runtime/ports.ts";
import type { NatsLink } from "./link.nats.ts";
import { READ_TIMEOUT_MS, readHeaders } from "./stored-message.nats.ts";

/** Status of the last message of an answer, and of an answer that says there is nothing. */
const Status = { endOfBatch: 204, notFound: 404, noResponders: 503 } as const;

/** The last messages of the subjects, from one replica whose log reaches `through`. @throws Unavailable, Behind */
export async function lastTogether(
  link: NatsLink,
  stream: string,
  subjects: readonly string[],
  through: number,
): Promise<Reading> {
  const last = new Map<string, StoredMessage>();
  let page: Page = await ask(link, stream, { multi_last: subjects });
  // Nothing at all: a replica that has just begun, or none of the subjects is there.
  if (page.upTo < through) throw new Behind(`a replica that has come to ${page.upTo}, not to ${through}`);
  for (;;) {
    for (const message of page.messages) last.set(message.subject, message);
    if (page.pending === 0) return { last, through: page.upTo };
    // The rest of an answer that the server has cut, as of the same point.
    const next = { multi_last: subjects, seq: page.last + 1, up_to_seq: page.upTo };
    page = { ...(await ask(link, stream, next)), upTo: page.upTo };
  }
}

type Page = {
  readonly messages: readonly StoredMessage[];
  /** How far the log reaches that was read. */
  readonly upTo: number;
  /** The last message's sequence, and how many are left behind it. */
  readonly last: number;
  readonly pending: number;
};

async function ask(link: NatsLink, stream: string, query: object): Promise<Page> {
  // The client throws at whoever subscribes or publishes while it ends.
  const { nc } = link;
  if (!link.connected() || nc.isClosed() || nc.isDraining()) throw new Unavailable("not connected to NATS");
  const answer = Promise.withResolvers<Page>();
  const messages: StoredMessage[] = [];
  const inbox = createInbox();
  const fail = (reason: string): void => answer.reject(new Unavailable(reason));
  const subscription = nc.subscribe(inbox, {
    callback: (error, msg) => {
      if (error) return fail(error.message);
      const status = msg.headers?.code ?? 0;
      if (status === 0) messages.push(stored(msg));
      else if (status === Status.endOfBatch || status === Status.notFound)
        answer.resolve(pageOf(messages, msg));
      else if (status === Status.noResponders) fail("no responders");
      else fail(`${msg.headers?.description ?? "refused"} (${status})`);
    },
  });
  const forget = link.onChange((connected) => {
    if (!connected) fail("connection lost");
  });
  const timer = setTimeout(() => fail("no answer in time"), READ_TIMEOUT_MS).unref();
  try {
    nc.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(query), { reply: inbox });
    return await answer.promise;
  } finally {
    clearTimeout(timer);
    forget();
    subscription.unsubscribe();
  }
}

/** @param end the last message of an answer: without messages it says nothing */
function pageOf(messages: readonly StoredMessage[], { headers }: Msg): Page {
  const number = (name: string): number => Number(headers?.get(name) ?? 0);
  return {
    messages,
    upTo: number("Nats-UpTo-Sequence"),
    last: number("Nats-Last-Sequence"),
    pending: number("Nats-Num-Pending"),
  };
}

function stored(msg: Msg): StoredMessage {
  const { headers } = msg;
  return {
    subject: headers?.get("Nats-Subject") ?? "",
    sequence: Number(headers?.get("Nats-Sequence") ?? 0),
    at: Date.parse(headers?.get("Nats-Time-Stamp") ?? ""),
    headers: headers === undefined ? {} : readHeaders(headers),
    payload: msg.string(),
  };
}
