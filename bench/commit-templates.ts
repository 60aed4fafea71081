/**
 * Real commits that can be written again under other names. They are read back from the stream after the runtime has
 * made them, so that messages written straight to the server have the size and shape of the runtime's.
 */
import type { NatsLink } from "../src/adapters/nats/link.ts";
import { getMessage } from "../src/adapters/nats/stored-message.ts";
import type { LockRef, WriteSet } from "../src/runtime/commit/write-set.ts";
import type { Aggregator } from "../src/runtime/definition.ts";
import type { Message, StoredMessage } from "../src/runtime/ports.ts";
import { partitionOf } from "../src/runtime/subjects.ts";
import { subjects } from "../src/services/subjects.ts";
import { inventorySubjects } from "../src/services/inventory/subjects.ts";

/** One commit of one actor, as it was stored. */
export type CommitTemplate = {
  readonly actor: string;
  /** The record first, then events, holds and the actor's other messages. */
  readonly messages: readonly Message[];
  /** Written once per batch, however many commits change them: stock. */
  readonly aggregated: readonly Message[];
};

const BOUND = 10_000;

/** The commits that one actor made after a sequence, each alone in its batch. Oldest first. */
export async function readCommits(
  link: NatsLink,
  actor: string,
  after: number,
): Promise<readonly CommitTemplate[]> {
  const commits: { actor: string; messages: Message[]; aggregated: Message[] }[] = [];
  for (const stored of await readFrom(link, after + 1)) {
    const message = plain(stored);
    if (stored.subject.startsWith("orders.fence.")) continue;
    if (stored.subject.startsWith("orders.journal.")) commits.push({ actor, messages: [], aggregated: [] });
    const commit = commits.at(-1);
    if (stored.subject.startsWith(inventorySubjects.stock(""))) commit?.aggregated.push(message);
    else if (isOf(actor, stored)) commit?.messages.push(message);
  }
  return commits;
}

/** All messages in the stream from a sequence on. @throws Error when there are more than a template can have */
export async function readFrom(link: NatsLink, from: number): Promise<readonly StoredMessage[]> {
  const found: StoredMessage[] = [];
  for (let next = from; ; ) {
    const message = await getMessage(link, subjects.stream(0), { seq: next, next_by_subj: ">" });
    if (message === undefined) return found;
    if (found.push(message) > BOUND) throw new Error(`more than ${BOUND} messages from ${from} on`);
    next = message.sequence + 1;
  }
}

/** True for the messages of one actor: its record, events, hold, timers and inbox. */
export function isOf(actor: string, { subject, headers }: StoredMessage): boolean {
  return subject.split(".").includes(actor) || headers["ce-subject"] === actor;
}

/**
 * The commit again, for another actor without stored messages. Subjects and ids are the new actor's. The payload still
 * names the old one, whose name has the same length, so sizes are right.
 */
export function writeSetFrom(
  template: CommitTemplate,
  actor: string,
  locks: ReadonlyMap<string, LockRef>,
  aggregator: Aggregator,
): WriteSet {
  const partition = partitionOf(actor, PARTITIONS);
  const messages = template.messages.map((message, index) => ({
    ...renamed(message, template.actor, actor),
    ...(index === 0 ? { messageId: `${actor}.0` } : {}),
  }));
  const preconditions = messages
    .filter(({ subject }) => subject.startsWith("orders.journal.") || subject.startsWith("orders.holds."))
    .map(({ subject }) => ({ subject, sequence: 0 }));
  const lock = locks.get(`partition.${partition}`);
  const inventory = locks.get("inventory.0");
  if (lock === undefined || inventory === undefined) throw new Error("a lock is missing");
  const joined = template.aggregated.length > 0;
  return {
    commit: `${actor}.0`,
    locks: joined ? [lock, inventory] : [lock],
    messages,
    preconditions,
    ...(joined ? { deltas: [{ aggregator, delta: template.aggregated }] } : {}),
    resolved: () => {},
  };
}

/** Partitions of the streams that benchmarks write straight to. */
export const PARTITIONS = 32;

/** The message renamed for another actor, in that actor's partition. */
export function renamed(message: Message, from: string, to: string): Message {
  const partition = String(partitionOf(to, PARTITIONS));
  const tokens = message.subject.split(".").map((token) => (token === from ? to : token));
  if (tokens[0] === "orders" && tokens[1] !== "holds") tokens[2] = partition;
  return { ...message, subject: tokens.join(".") };
}

/** The message without the headers of the adapter and the server. */
export function plain({ subject, payload, headers }: StoredMessage): Message {
  const own = Object.entries(headers).filter(([name]) => !name.startsWith("Nats-"));
  return { subject, payload, headers: Object.fromEntries(own) };
}
