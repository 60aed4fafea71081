/**
 * The first part of an atomic batch at the end of a log. A server that loses its power while it stores a batch leaves
 * one when it cannot complete it: it has lost the copy of the batch that it had staged (ADR 13). No caller has got an
 * answer for it. Only for a single-copy stream whose server has no other client.
 */
import { ApiCode, ApiError, apiRequest } from "./jetstream-api.ts";
import type { NatsLink } from "./link.ts";

/** Messages of a batch whose rest is missing. */
export type HalfBatch = {
  readonly stream: string;
  /** Stream sequences. The messages between them belong to the batch; some may be deleted already. */
  readonly first: number;
  readonly last: number;
  /** Subjects of the schedules that the messages have canceled: deleted, although the batch never was. */
  readonly canceled: readonly string[];
};

type LoggedMessage = {
  readonly subject: string;
  readonly sequence: number;
  /** With the server's own; names as they were sent. */
  readonly headers: ReadonlyMap<string, string>;
};

/** Place of a message in its batch. */
type Place = { readonly id: string; readonly position: number; readonly isLast: boolean };

const TIMEOUT_MS = 5_000;

/**
 * The half batch at the end of a stream, if there is one.
 *
 * The messages of a batch follow each other. So it is half when it does not end with its last message, and the sequence
 * after it was given to no message, or to a timer that has fired since: the server fires them as soon as it runs. A
 * sequence whose message is deleted was given. Then the batch went on: with schedules, which are deleted when they fire
 * (the fired timer keeps their place in the batch) or are canceled.
 * @param isInbox whether a subject is one to which timers fire
 * @throws Unavailable, ApiError; Error when the end of the log is of no form that is known
 */
export async function findHalfBatch(
  link: NatsLink,
  stream: string,
  isInbox: (subject: string) => boolean,
): Promise<HalfBatch | undefined> {
  const { end, fired, lastSequence } = await endOfLog(link, stream, isInbox);
  const place = end === undefined ? undefined : placeOf(end);
  if (end === undefined || place === undefined || place.isLast) return undefined;
  let last = end.sequence;
  for (let { position } = place; last < lastSequence; last++) {
    if ((await messageAt(link, stream, last + 1)) !== undefined) break;
    position++;
    const gone = fired.find((one) => one.id === place.id && one.position === position);
    if (gone === undefined || gone.isLast) return undefined;
  }
  const first = end.sequence - place.position + 1;
  if (first < 1) throw new Error(`${where(stream, end)}: its place in its batch is unknown`);
  const canceled: string[] = [];
  for (let sequence = first; sequence <= end.sequence; sequence++) {
    const message = await messageAt(link, stream, sequence);
    if (message === undefined) continue;
    if (placeOf(message)?.id !== place.id)
      throw new Error(`${where(stream, message)}: another message among those of batch ${place.id}`);
    const schedule = message.headers.get("Nats-Scheduler");
    if (schedule !== undefined) canceled.push(schedule);
  }
  return { stream, first, last, canceled };
}

/**
 * Deletes the messages, the last one first: what an interruption leaves is a half batch again. Repeating it changes
 * nothing. Fences, last values and consumers are then as they were before the batch.
 * @throws Unavailable, ApiError
 */
export async function removeHalfBatch(link: NatsLink, { stream, first, last }: HalfBatch): Promise<void> {
  for (let seq = last; seq >= first; seq--) {
    if ((await messageAt(link, stream, seq)) === undefined) continue;
    await apiRequest(link, `STREAM.MSG.DELETE.${stream}`, { seq, no_erase: true }, TIMEOUT_MS);
  }
}

type EndOfLog = {
  /** The last message that is no fired timer; undefined in an empty log. */
  readonly end: LoggedMessage | undefined;
  /** What the timers that have fired after it were in their batches. */
  readonly fired: readonly Place[];
  readonly lastSequence: number;
};

async function endOfLog(
  link: NatsLink,
  stream: string,
  isInbox: (subject: string) => boolean,
): Promise<EndOfLog> {
  type Info = { state: { last_seq: number } };
  const { state } = await apiRequest<Info>(link, `STREAM.INFO.${stream}`, undefined, TIMEOUT_MS);
  const fired: Place[] = [];
  for (let sequence = state.last_seq; sequence > 0; sequence--) {
    const message = await messageAt(link, stream, sequence);
    if (message === undefined) continue;
    const isFired = message.headers.has("Nats-Scheduler") && isInbox(message.subject);
    if (!isFired) return { end: message, fired, lastSequence: state.last_seq };
    const place = placeOf(message);
    if (place !== undefined) fired.push(place);
  }
  return { end: undefined, fired, lastSequence: state.last_seq };
}

/** Undefined: it was stored alone. */
function placeOf({ headers }: LoggedMessage): Place | undefined {
  const [id, position] = [headers.get("Nats-Batch-Id"), Number(headers.get("Nats-Batch-Sequence"))];
  if (id === undefined || !(position >= 1)) return undefined;
  return { id, position, isLast: headers.has("Nats-Batch-Commit") };
}

const messageAt = (link: NatsLink, stream: string, seq: number): Promise<LoggedMessage | undefined> =>
  rawMessage(link, stream, { seq });

async function rawMessage(link: NatsLink, stream: string, query: object): Promise<LoggedMessage | undefined> {
  type Answer = { message: { subject: string; seq: number; hdrs?: string } };
  try {
    const { message } = await apiRequest<Answer>(link, `STREAM.MSG.GET.${stream}`, query, TIMEOUT_MS);
    const text = message.hdrs === undefined ? "" : Buffer.from(message.hdrs, "base64").toString();
    const lines = text.split("\r\n").flatMap((line): [string, string][] => {
      const colon = line.indexOf(":");
      return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()]];
    });
    return { subject: message.subject, sequence: message.seq, headers: new Map(lines) };
  } catch (error) {
    if (error instanceof ApiError && error.code === ApiCode.messageNotFound) return undefined;
    throw error;
  }
}

const where = (stream: string, { sequence, subject }: LoggedMessage): string =>
  `stream ${stream}, message ${sequence} (${subject})`;
