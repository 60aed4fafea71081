/**
 * Dead letters in a stream of their own: `dead.<worker>.<partition>.<about>`, and their replays one level below.
 * Owns: the stream's subjects and headers.  Does not own: the work on a replay (work-queue.ts).
 * Invariants
 *   dead.D1. A dead letter is replayed once: its replay has a subject of its own, and is stored there as the first
 *            message or not at all.
 *   dead.D2. A dead letter is deleted only when its replay is stored. A crash between the two leaves both; a repeated
 *            replay deletes it.
 * Proved by: test/integration/runtime/dead-letters.test.ts
 */
import { setTimeout as pause } from "node:timers/promises";
import { type AppendResult, ServerCode, type StoredMessage, Unavailable } from "../../runtime/ports.ts";
import { isCount } from "../../runtime/json.ts";
import { type Subjects, token } from "../../runtime/subjects.ts";
import {
  type DeadLetter,
  DeadLetterHeader,
  type DeadLetterKind,
  deadLetterKinds,
  type DeadLetters,
  type StoredDeadLetter,
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

/** Dead letters for operators: list and replay. Both throw Unavailable (retryable). */
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
    async replay(sequence) {
      const deadLetter = await read(link, dead.stream, sequence, deadLetters);
      if (deadLetter?.sequence !== sequence) {
        const replayed = await read(link, dead.stream, 1, `${deadLetters}.replay.${sequence}`);
        return replayed === undefined ? "not_found" : "replayed";
      }
      const subject = `${deadLetter.subject}.replay.${sequence}`;
      const headers = { ...deadLetter.headers, [DeadLetterHeader.replayOf]: String(sequence) };
      const message = { subject, payload: deadLetter.payload, headers, fence: { subject, sequence: 0 } };
      let result = await appendMessages(link, [message], WRITE_TIMEOUT_MS);
      for (let tried = 1; tried < IN_FLIGHT_TRIES && isInFlight(result); tried++) {
        await pause(IN_FLIGHT_PAUSE_MS);
        result = await appendMessages(link, [message], WRITE_TIMEOUT_MS);
      }
      const known = result.status === "rejected" && result.code === ServerCode.wrongLastSequence;
      if (result.status !== "stored" && !known) throw new Unavailable(`replay ${sequence}: ${result.reason}`);
      await remove(link, dead.stream, sequence, deadLetters);
      return "replayed";
    },
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
