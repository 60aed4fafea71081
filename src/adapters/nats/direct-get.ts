/**
 * Reads that say how far the log of whoever answered them reaches (server ADR-31, batched direct get): the server's own
 * word that a reading is not older than what its reader has to know. `STREAM.MSG.GET` has no such word, and an old
 * leader goes on answering it for some seconds.
 */
import { createInbox } from "@nats-io/transport-node";
import type { Msg } from "@nats-io/transport-node";
import { ReplicaLagging, type Reading, type StoredMessage, Unavailable } from "../../runtime/ports.ts";
import type { NatsLink } from "./link.ts";
import { READ_TIMEOUT_MS, readHeaders } from "./stored-message.ts";

/** Status of the last message of an answer, and of an answer that says there is nothing. */
const Status = { endOfBatch: 204, notFound: 404, noResponders: 503 } as const;
/** What 404 says when none of the subjects has a message; it says another thing when one cannot be read. */
const NOTHING = "No Results";

/** The last messages of the subjects, from one replica whose log reaches `through`. @throws Unavailable, Behind */
export async function lastTogether(
  link: NatsLink,
  stream: string,
  subjects: readonly string[],
  through: number,
): Promise<Reading> {
  const last = new Map<string, StoredMessage>();
  let page = await ask(link, stream, { multi_last: subjects });
  const { upTo } = page;
  // Nothing at all: a replica that has just begun, or none of the subjects is there.
  if (upTo < through) throw new ReplicaLagging(`a replica that has come to ${upTo}, not to ${through}`);
  for (;;) {
    for (const message of page.messages) last.set(message.subject, message);
    const left = page.pending;
    if (left === 0) return { last, through: upTo };
    // The rest of an answer that the server has cut, as of the same point, perhaps from another replica.
    page = await ask(link, stream, { multi_last: subjects, seq: endOf(page.messages) + 1, up_to_seq: upTo });
    if (page.messages.length + page.pending !== left)
      throw new ReplicaLagging(`a replica that lacks a part of what there is up to ${upTo}`);
  }
}

type Page = {
  readonly messages: readonly StoredMessage[];
  /** How far the log reaches that was read; 0 when nothing was found. */
  readonly upTo: number;
  /** How many are left behind the last message. */
  readonly pending: number;
};

/** Of the last message; 0 before the first. */
const endOf = (messages: readonly StoredMessage[]): number => messages.at(-1)?.sequence ?? 0;

/** One answer, whole: every message of it, and its end, names the message before. @throws Unavailable */

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
      const description = msg.headers?.description ?? "refused";
      const inAnswer = status === 0 || status === Status.endOfBatch;
      if (inAnswer && numberOf(msg, "Nats-Last-Sequence") !== endOf(messages))
        fail("a message of the answer is missing");
      else if (status === 0) messages.push(stored(msg));
      else if (status === Status.endOfBatch) answer.resolve(pageOf(messages, msg));
      else if (status === Status.notFound && description === NOTHING)
        answer.resolve({ messages: [], upTo: 0, pending: 0 });
      else if (status === Status.noResponders) fail("no responders");
      else fail(`${description} (${status})`);
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

const pageOf = (messages: readonly StoredMessage[], end: Msg): Page => ({
  messages,
  upTo: numberOf(end, "Nats-UpTo-Sequence"),
  pending: numberOf(end, "Nats-Num-Pending"),
});

const numberOf = ({ headers }: Msg, name: string): number => Number(headers?.get(name) ?? 0);

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
