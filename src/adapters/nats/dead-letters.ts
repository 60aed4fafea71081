/**
 * Dead letters in a stream of their own: `dead.<worker>.<partition>.<about>`, and their replays one level below.
 * Owns: the stream's subjects and headers.  Does not own: the work on a replay (work-queue.ts).
 * Invariants
 *   dead.D1. A dead letter is replayed once or discarded once, never both: the decision has a subject of its own,
 *            and is stored there as the first message or not at all. A later request completes what is decided.
 *   dead.D2. A replay is stored once, on a subject of its own. A dead letter is deleted only when its replay, or the
 *            decision to discard it, is stored. A crash in between leaves both; a repetition completes it.
 * Proved by: test/integration/runtime/dead-letters.test.ts
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  type AppendResult,
  type Message,
  ServerCode,
  type StoredMessage,
  Unavailable,
} from "../../runtime/ports.ts";
import { type Asked, askedOf, isAsked } from "../../runtime/actor/input.ts";
import { isCount, parseObject } from "../../runtime/json.ts";
import { type Subjects, token } from "../../runtime/subjects.ts";
import {
  type DeadLetter,
  DeadLetterHeader,
  type DeadLetterKind,
  deadLetterKinds,
  type DeadLetters,
  type StoredDeadLetter,
  type StoredDeadLetterState,
  type WorkItem,
} from "../../runtime/workers/work-queue.ts";
import { appendMessages } from "./append.ts";
import { ApiError, apiRequest } from "./jetstream-api.ts";
import type { NatsLink } from "./link.ts";
import { getMessage, READ_TIMEOUT_MS } from "./stored-message.ts";

const WRITE_TIMEOUT_MS = 2_000;
const REASON_CHARS = 300;
/** Attempts while another client's replay of the same dead letter is being stored. */
const IN_FLIGHT_TRIES = 20;
const IN_FLIGHT_PAUSE_MS = 25;
/** Four tokens: replays have six. */
const deadLettersOf = (root: string): string => `${root}.*.*.*`;

/** Filter: the replays of one worker. @param root first token of the dead letters' subjects */
export const replaysOf = (root: string, worker: string): string => `${root}.${worker}.*.*.replay.*`;

/** Filter: the dead letters of one worker that no operator has replayed. */
export const deadLettersOfWorker = (root: string, worker: string): string => `${root}.${worker}.*.*`;

/** Stores a dead letter; see `WorkQueue.bury`. @throws Unavailable (retryable) */
export async function bury(link: NatsLink, root: string, deadLetter: DeadLetter): Promise<void> {
  const { worker, partition, about, item } = deadLetter;
  // A sequence counts within one stream; the partition determines which.
  const origin = item.replayOf === undefined ? `${partition}.${item.sequence}` : `replay.${item.replayOf}`;
  const result = await appendMessages(
    link,
    [
      {
        subject: `${root}.${worker}.${partition}.${token(about)}`,
        payload: item.payload,
        headers: {
          ...item.headers,
          [DeadLetterHeader.subject]: item.subject,
          [DeadLetterHeader.sequence]: String(item.sequence),
          [DeadLetterHeader.kind]: deadLetter.kind,
          [DeadLetterHeader.reason]: oneLine(deadLetter.reason),
          [DeadLetterHeader.attempts]: String(deadLetter.attempts),
        },
        messageId: `${worker}.${origin}`,
      },
    ],
    WRITE_TIMEOUT_MS,
  );
  if (result.status === "stored") return;
  if (result.status === "rejected" && result.code === ServerCode.duplicateMessageId) return;
  throw new Unavailable(`dead letter of ${worker}: ${result.reason}`);
}

/** A stored replay as the item that the worker abandoned. */
export function replayedItem(item: WorkItem): WorkItem {
  const { headers } = item;
  return {
    ...item,
    subject: headers[DeadLetterHeader.subject] ?? "",
    sequence: Number(headers[DeadLetterHeader.sequence]),
    headers: Object.fromEntries(
      Object.entries(headers).filter(([name]) => !name.startsWith("Orderly-Dead-")),
    ),
    replayOf: Number(headers[DeadLetterHeader.replayOf]),
  };
}

/** Dead letters for operators. Every method throws Unavailable (retryable). */
export function natsDeadLetters(link: NatsLink, { dead }: Subjects): DeadLetters {
  const deadLetters = deadLettersOf(dead.root);
  return {
    async list(limit, after) {
      const found: StoredDeadLetter[] = [];
      let from = after + 1;
      while (found.length < limit) {
        const message = await read(link, dead.stream, from, deadLetters);
        if (message === undefined) break;
        found.push(deadLetterOf(message));
        from = message.sequence + 1;
      }
      return found;
    },
    async read(sequence) {
      const deadLetter = await read(link, dead.stream, sequence, deadLetters);
      if (deadLetter?.sequence === sequence) return deadLetterOf(deadLetter);
      const decision = await decided(sequence);
      return decision && { ...deadLetterOf(decision), sequence, ...closedBy(decision) };
    },
    replay: (sequence) => close(sequence, "replayed"),
    discard: (sequence, asked) => close(sequence, "discarded", asked),
  };

  async function close(sequence: number, how: Closed, asked: Asked = {}): Promise<Closed | "not_found"> {
    const deadLetter = await read(link, dead.stream, sequence, deadLetters);
    const isOpen = deadLetter?.sequence === sequence;
    if (isOpen) await storeOnce(decisionOf(deadLetter, how, asked));
    const decision = await decided(sequence);
    if (!decision) return "not_found";
    if (isOpen) {
      if (closedAs(decision) === "replayed") await storeOnce(replayOf(deadLetter));
      await remove(link, dead.stream, sequence, deadLetters);
    }
    return closedAs(decision);
  }

  /** The stored decision; a version before stored replays alone. */
  async function decided(sequence: number): Promise<StoredMessage | undefined> {
    const decision = await read(link, dead.stream, 1, `${deadLetters}.closed.${sequence}`);
    return decision ?? (await read(link, dead.stream, 1, `${deadLetters}.replay.${sequence}`));
  }

  /** Stores the first message of its subject, unless there is one. */
  async function storeOnce(message: Message): Promise<void> {
    const { subject } = message;
    const fenced = { ...message, fence: { subject, sequence: 0 } };
    let result = await appendMessages(link, [fenced], WRITE_TIMEOUT_MS);
    for (let tried = 1; tried < IN_FLIGHT_TRIES && isInFlight(result); tried++) {
      await pause(IN_FLIGHT_PAUSE_MS);
      result = await appendMessages(link, [fenced], WRITE_TIMEOUT_MS);
    }
    const known = result.status === "rejected" && result.code === ServerCode.wrongLastSequence;
    if (result.status !== "stored" && !known) throw new Unavailable(`${subject}: ${result.reason}`);
  }
}

type Closed = NonNullable<StoredDeadLetterState["closed"]>["status"];

/** What is to become of a dead letter: its headers, and who has decided. */
function decisionOf({ at, headers, sequence, subject }: StoredMessage, how: Closed, asked: Asked): Message {
  return {
    subject: `${subject}.closed.${sequence}`,
    payload: "",
    headers: {
      ...headers,
      [DeadLetterHeader.at]: String(at),
      [DeadLetterHeader.closed]: how,
      [DeadLetterHeader.asked]: encodeURIComponent(JSON.stringify(asked)),
    },
  };
}

/** The event for its worker. */
function replayOf({ headers, payload, sequence, subject }: StoredMessage): Message {
  return {
    subject: `${subject}.replay.${sequence}`,
    payload,
    headers: { ...headers, [DeadLetterHeader.replayOf]: String(sequence) },
  };
}

const closedAs = ({ headers }: StoredMessage): Closed =>
  headers[DeadLetterHeader.closed] === "discarded" ? "discarded" : "replayed";

/** How the dead letter was closed; `at`: of the dead letter, where the message knows it. */
function closedBy(decision: StoredMessage): Pick<StoredDeadLetterState, "at" | "closed"> {
  const { at, headers } = decision;
  const asked = headers[DeadLetterHeader.asked];
  const known = asked === undefined ? undefined : parseObject(decodeURIComponent(asked));
  const why = known && isAsked(known) ? askedOf(known) : {};
  return {
    at: Number(headers[DeadLetterHeader.at] ?? at),
    closed: { status: closedAs(decision), at, ...why },
  };
}

const isInFlight = (result: AppendResult): boolean =>
  result.status === "rejected" && result.code === ServerCode.subjectInFlight;

/** The first message at or after a sequence. @throws Unavailable */
async function read(
  link: NatsLink,
  stream: string,
  seq: number,
  filter: string,
): Promise<StoredMessage | undefined> {
  try {
    return await getMessage(link, stream, { seq, next_by_subj: filter });
  } catch (error) {
    if (error instanceof ApiError) throw new Unavailable(error.message, { cause: error });
    throw error;
  }
}

async function remove(link: NatsLink, stream: string, sequence: number, deadLetters: string): Promise<void> {
  try {
    const query = { seq: sequence, no_erase: true };
    await apiRequest(link, `STREAM.MSG.DELETE.${stream}`, query, READ_TIMEOUT_MS);
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof Unavailable)) throw error;
    // Another client has deleted it at the same moment: the server reports that as a fault of its own.
    if ((await read(link, stream, sequence, deadLetters))?.sequence !== sequence) return;
    throw new Unavailable(error.message, { cause: error });
  }
}

function deadLetterOf({ subject, sequence, at, headers }: StoredMessage): StoredDeadLetter {
  return {
    sequence,
    worker: subject.split(".")[1] ?? "",
    eventId: headers["ce-id"] ?? "",
    type: headers["ce-type"] ?? "",
    subject: headers["ce-subject"] ?? "",
    kind: kindOf(headers[DeadLetterHeader.kind]),
    reason: headers[DeadLetterHeader.reason] ?? "",
    attempts: countOf(headers[DeadLetterHeader.attempts]),
    at,
  };
}

const countOf = (text: string | undefined): number => {
  const count = Number(text ?? 0);
  return isCount(count) ? count : 0;
};

/** A version before wrote no kind. */
const kindOf = (text: string | undefined): DeadLetterKind =>
  deadLetterKinds.find((kind) => kind === text) ?? "failed";

/** Header values are one line of ASCII. */
const oneLine = (text: string): string =>
  text
    .replace(/[^\x21-\x7e]+/g, " ")
    .trim()
    .slice(0, REASON_CHARS);
