/** The journal of one node on the server in memory. */
import {
  type AppendResult,
  type Journal,
  type Message,
  ReplicaLagging,
  type StoredMessage,
  Unavailable,
} from "../../runtime/ports.ts";
import { isTransient } from "../jetstream/codes.ts";
import { encodeMessages } from "../jetstream/message-encoding.ts";
import type { MemoryLink } from "./link.ts";
import { consumeLog } from "./log-consumer.ts";
import type { MemoryLog, AppendOutcome } from "./log.ts";
import type { Fault, Operation } from "./server.ts";

const READ_TIMEOUT_MS = 2_000;
const TIME_TIMEOUT_MS = 1_000;
const DEFAULT_MAX_PAYLOAD = 1024 * 1024;

/** One stream as this node sees it. */
export function memoryJournal(link: MemoryLink, stream = 0): Journal {
  const log = link.server.log(link.server.options.subjects.stream(stream));
  return {
    append: (messages, timeoutMs) => append(link, log, "append", messages, timeoutMs),
    readLast: async (subject) => {
      const { found } = await read(link, log, "read", subject, (upTo) => log.last(subject, upTo));
      return found;
    },
    readLastTogether: async (subjects, through, asOf) => {
      const { found, reaches } = await read(link, log, "read", subjects[0] ?? "", (upTo) =>
        subjects.flatMap((subject) => {
          const until = Math.min(upTo, asOf ?? upTo);
          return subject.includes("*")
            ? log.lastPerSubject(subject, until)
            : (log.last(subject, until) ?? []);
        }),
      );
      const least = asOf ?? through;
      if (reaches < least) throw new ReplicaLagging(`the replica has reached ${reaches}, not ${least}`);
      const last = new Map(found.map((message) => [message.subject, message]));
      return { last, through: last.size === 0 ? 0 : (asOf ?? reaches) };
    },
    readLastPerSubject: async (filter, through) => {
      return await readEachLast(link, log, "read", filter, through);
    },
    time: async () => {
      const at = await link.call<number>({ kind: "time", subject: "" }, TIME_TIMEOUT_MS, (answer) =>
        answer(link.server.options.clock.now()),
      );
      if (at === undefined) throw new Unavailable(link.connected() ? "no answer in time" : "not connected");
      return at;
    },
    state: async () => {
      const { found, reaches } = await read(link, log, "read", "", () => log.identity);
      return { ...found, lastSequence: reaches, lastAt: log.at(reaches)?.at ?? 0 };
    },
    readAt: async (sequence) => {
      const { found, reaches } = await read(link, log, "read", "", () => log.at(sequence));
      return sequence <= reaches ? found : undefined;
    },
    readAll: async (subject) => {
      const { found } = await read(link, log, "read", subject, (upTo) => log.all(subject, upTo));
      return found;
    },
    consume: async (options, onMessage) => {
      if (!link.connected()) throw new Unavailable("not connected");
      return consumeLog(link, log, { filters: options.filters, from: options.fromSequence }, onMessage);
    },
  };
}

/** One publish or atomic batch through the network; see `Journal.append`. */
export async function append(
  link: MemoryLink,
  log: MemoryLog,
  kind: Operation["kind"],
  messages: readonly Message[],
  timeoutMs: number,
): Promise<AppendResult> {
  const first = messages[0];
  if (first === undefined) throw new RangeError("an append needs at least one message");
  if (!link.connected()) return { status: "unanswered", reason: "not connected" };
  const encoded = encodeMessages(messages, "batch", link.server.options.maxPayload ?? DEFAULT_MAX_PAYLOAD);
  if ("status" in encoded) return encoded;
  const operation = { kind, subject: first.subject, messages: messages.length };
  const outcome = await link.call<AppendOutcome>(operation, timeoutMs, (answer) =>
    log.propose(messages, answer),
  );
  if (outcome === undefined) return { status: "unanswered", reason: "no answer in time" };
  return resultOf(outcome, messages.length);
}

function resultOf(outcome: AppendOutcome, count: number): AppendResult {
  if (outcome.status === "stored") return outcome;
  if (outcome.status === "lost") {
    return { status: "unanswered", reason: count === 1 ? "no responders" : "batch is incomplete" };
  }
  const { code, reason } = outcome;
  if (isTransient({ code: 400, err_code: code }))
    return { status: "unanswered", reason: `${reason} (${code})` };
  return { status: "rejected", code, reason };
}

/**
 * The last message of every subject that matches, through the network. Of a subject that is read from an old replica,
 * an older message or none. @throws Unavailable; ReplicaLagging for what `Journal.readLastPerSubject` forbids
 */
export async function readEachLast(
  link: MemoryLink,
  log: MemoryLog,
  kind: Operation["kind"],
  filter: string,
  through = 0,
): Promise<StoredMessage[]> {
  const { found } = await read(link, log, kind, filter, (upTo, { isStale }) => {
    // One server lists the subjects; each is then read, perhaps from another one.
    const isWhole = isStale === undefined;
    const listed = log.lastPerSubject(filter, isWhole ? upTo : undefined);
    const messages = isWhole
      ? listed
      : listed.map((newest) => (isStale(newest.subject) ? log.last(newest.subject, upTo) : newest));
    return { messages, reaches: isWhole ? upTo : log.lastSequence };
  });
  if (found.reaches < through)
    throw new ReplicaLagging(`the replica has reached ${found.reaches}, not ${through}`);
  const messages = found.messages.filter((message) => message !== undefined);
  if (through > 0 && messages.length < found.messages.length)
    throw new ReplicaLagging("a listed subject has no message where it was read");
  return messages;
}

/**
 * One read through the network.
 * @param find reads the log as of a sequence
 * @returns what it found, and the sequence that the answering replica has reached
 * @throws Unavailable
 */
export async function read<T>(
  link: MemoryLink,
  log: MemoryLog,
  kind: Operation["kind"],
  subject: string,
  find: (upTo: number, fault: Fault) => T,
): Promise<{ found: T; reaches: number }> {
  const answer = await link.call<{ found: T; reaches: number }>(
    { kind, subject },
    READ_TIMEOUT_MS,
    (reply, fault) => {
      const reaches = Math.max(0, log.lastSequence - (fault.staleBy ?? 0));
      reply({ found: find(reaches, fault), reaches });
    },
  );
  if (answer === undefined) throw new Unavailable(link.connected() ? "no answer in time" : "not connected");
  return answer;
}
