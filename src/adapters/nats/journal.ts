/**
 * The journal on a JetStream stream. A quorum acknowledges writes. The leader answers reads, or the answering replica
 * states how far its log reaches.
 */
import {
  type AppendResult,
  type Journal,
  type Message,
  ReplicaLagging,
  type StoredMessage,
  type Subscription,
  Unavailable,
} from "../../runtime/ports.ts";
import { appendMessages } from "./append.ts";
import { lastTogether } from "./direct-get.ts";
import { ApiError, apiRequest } from "./jetstream-api.ts";
import type { NatsLink } from "./link.ts";
import { logState } from "./log-identity.ts";
import { consumeLog } from "./ordered-consumer.ts";
import { getMessage, READ_TIMEOUT_MS } from "./stored-message.ts";

/** Reads in flight while many subjects are read. */
const READS_AT_ONCE = 128;
/** A reading of the time is as uncertain as half of this at most. */
const TIME_TIMEOUT_MS = 1_000;

/** The journal of one connection. Any number may exist; see the port for what each call promises. */
export function natsJournal(link: NatsLink, stream: string): Journal {
  return {
    append: (messages: readonly Message[], timeoutMs: number): Promise<AppendResult> =>
      appendMessages(link, messages, timeoutMs),
    readLast: (subject) => unlessGone(getMessage(link, stream, { last_by_subj: subject })),
    readLastTogether: (subjects, through, upTo) => lastTogether(link, stream, subjects, through, upTo),
    readLastPerSubject: (filter, through) => unlessGone(lastPerSubject(link, stream, filter, through)),
    time: () => unlessGone(timeOf(link, stream)),
    state: () => unlessGone(logState(link, stream)),
    readAt: (sequence) => unlessGone(getMessage(link, stream, { seq: sequence })),
    readAll: (subject) => unlessGone(allOf(link, stream, subject)),
    consume: (options, onMessage): Promise<Subscription> =>
      unlessGone(
        consumeLog(link, { stream, filters: options.filters, from: options.fromSequence }, onMessage),
      ),
  };
}

/** A missing stream (not made yet, or lost with a server's disk) is an outage like any other. */
async function unlessGone<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ApiError) throw new Unavailable(error.message, { cause: error });
    throw error;
  }
}

/**
 * The last message of every subject that matches. The leader lists the subjects, then each is read from it; subjects
 * that vanish meanwhile are left out. A leader that was deposed may answer: with `through` its list states how far its
 * log reaches, and no listed subject is left out.
 * @throws Unavailable, ApiError; ReplicaLagging
 */
export async function lastPerSubject(
  link: NatsLink,
  stream: string,
  filter: string,
  through = 0,
): Promise<StoredMessage[]> {
  const subjects = await subjectsOf(link, stream, filter, through);
  const found: StoredMessage[] = [];
  let next = 0;
  const reader = async () => {
    while (next < subjects.length) {
      const message = await getMessage(link, stream, { last_by_subj: subjects[next++]! });
      if (message !== undefined) found.push(message);
      else if (through > 0) throw new ReplicaLagging("a listed subject has no message where it was read");
    }
  };
  await Promise.all(Array.from({ length: Math.min(READS_AT_ONCE, subjects.length) }, reader));
  return found;
}

type StreamInfo = {
  readonly state: { readonly last_seq: number; readonly subjects?: Readonly<Record<string, number>> };
  readonly total?: number;
};

/** @throws Unavailable, ApiError; ReplicaLagging */
async function subjectsOf(
  link: NatsLink,
  stream: string,
  filter: string,
  through: number,
): Promise<string[]> {
  const subjects: string[] = [];
  for (;;) {
    const info = await apiRequest<StreamInfo>(
      link,
      `STREAM.INFO.${stream}`,
      { subjects_filter: filter, offset: subjects.length },
      READ_TIMEOUT_MS,
    );
    const reaches = info.state.last_seq;
    if (reaches < through) throw new ReplicaLagging(`the leader has reached ${reaches}, not ${through}`);
    const page = Object.keys(info.state.subjects ?? {});
    subjects.push(...page);
    // The server lists at most 100 000 subjects at a time; every page ends the loop or makes progress.
    if (page.length === 0 || subjects.length >= (info.total ?? 0)) return subjects;
  }
}

/** The leader states its time in every answer about its stream. @throws Unavailable, ApiError */
async function timeOf(link: NatsLink, stream: string): Promise<number> {
  const { ts } = await apiRequest<{ readonly ts?: unknown }>(
    link,
    `STREAM.INFO.${stream}`,
    undefined,
    TIME_TIMEOUT_MS,
  );
  const time = typeof ts === "string" ? Date.parse(ts) : Number.NaN;
  if (Number.isNaN(time)) throw new Unavailable(`stream ${stream}: the server's answer states no time`);
  return time;
}

async function allOf(link: NatsLink, stream: string, subject: string): Promise<StoredMessage[]> {
  const found: StoredMessage[] = [];
  for (;;) {
    const from = (found.at(-1)?.sequence ?? 0) + 1;
    const message = await getMessage(link, stream, { seq: from, next_by_subj: subject });
    if (message === undefined) return found;
    found.push(message);
  }
}
