/**
 * Reads that state how far the log of the answering replica reaches (server ADR-31, batched direct get). With that the
 * server itself says that a reading is not older than its reader requires. `STREAM.MSG.GET` states nothing like it, and
 * an old leader answers it for some seconds after its term.
 */
import type { Msg } from "@nats-io/transport-node";
import { ReplicaLagging, type Reading, type StoredMessage, Unavailable } from "../../runtime/ports.ts";
import type { NatsLink } from "./link.ts";
import { READ_TIMEOUT_MS, readHeaders } from "./stored-message.ts";

/** Status of the last message of an answer, and of an answer without messages. */
const Status = { endOfBatch: 204, notFound: 404, noResponders: 503 } as const;
/** The text of a 404 when none of the subjects has a message; it differs when a message cannot be read. */
const NOTHING = "No Results";
/** The same for a query of the next message of one subject. */
const NONE_FOLLOWS = "Message Not Found";

/**
 * The last messages of the subjects, all from one point of one replica whose log reaches `through`; with `asOf`, from
 * that point.
 * @throws Unavailable (retryable); ReplicaLagging when the answering replica's log ends before `through`
 */
export async function lastTogether(
  link: NatsLink,
  stream: string,
  subjects: readonly string[],
  through: number,
  asOf?: number,
): Promise<Reading> {
  const last = new Map<string, StoredMessage>();
  const query = { multi_last: subjects, ...(asOf === undefined ? {} : { up_to_seq: asOf }) };
  let page = await ask(link, stream, query);
  const { upTo } = page;
  // 0: the replica has just begun, or none of the subjects has a message.
  const least = asOf ?? through;
  if (upTo < least) throw new ReplicaLagging(`the replica has reached ${upTo}, not ${least}`);
  for (;;) {
    for (const message of page.messages) last.set(message.subject, message);
    const left = page.pending;
    if (left === 0) return { last, through: upTo };
    // The rest of an answer that the server has split, as of the same point, perhaps from another replica.
    page = await ask(link, stream, { multi_last: subjects, seq: endOf(page.messages) + 1, up_to_seq: upTo });
    if (page.messages.length + page.pending !== left)
      throw new ReplicaLagging(`the replica lacks a part of the messages up to ${upTo}`);
  }
}

/**
 * The number of messages of one subject, `*` allowed, as the answering replica has it; it may lag.
 * @throws Unavailable (retryable)
 */
export async function countMessages(link: NatsLink, stream: string, subject: string): Promise<number> {
  const page = await ask(link, stream, { seq: 1, batch: 1, next_by_subj: subject }, NONE_FOLLOWS);
  return page.messages.length + page.pending;
}

type Page = {
  readonly messages: readonly StoredMessage[];
  /** How far the log that was read reaches; 0 when nothing was found. */
  readonly upTo: number;
  /** Number of messages after the last one of this answer. */
  readonly pending: number;
};

/** Sequence of the last message; 0 when there is none. */
const endOf = (messages: readonly StoredMessage[]): number => messages.at(-1)?.sequence ?? 0;

/** One answer, complete: each of its messages, and its end, names the message before. @throws Unavailable */
async function ask(link: NatsLink, stream: string, query: object, nothing = NOTHING): Promise<Page> {
  // The client throws at calls to subscribe or publish while it closes.
  const { nc } = link;
  if (!link.connected() || nc.isClosed() || nc.isDraining()) throw new Unavailable("not connected to NATS");
  const answer = Promise.withResolvers<Page>();
  const messages: StoredMessage[] = [];
  const inbox = link.newInbox();
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
      else if (status === Status.notFound && description === nothing)
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
