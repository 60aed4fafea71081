/**
 * Small writes to one stream that are sent together: they gather for a moment and leave as one atomic batch. The server
 * syncs a batch once. Alone, each write would cost a sync of its own, and the orders would wait for all of them.
 * Owns: the writes that wait.  Does not own: what a refusal means.
 * Invariants
 *   group.G1. One group is in flight at a time.
 *   group.G2. Every write gets an answer of its own: a group that is refused is sent again, write by write.
 *   group.G3. A group holds a subject once: the server could not check it a second time in the same batch.
 *   group.G4. The messages of one write are stored together or not at all, in their order.
 * A crash leaves stored writes whose callers received no answer, as with any write.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { AppendResult } from "../../runtime/ports.ts";
import type { WireMessage } from "../jetstream/message-encoding.ts";
import { appendMessages } from "./append.ts";
import type { NatsLink } from "./link.ts";

/** Messages. With fewer, single writes are faster: a batch has a fixed cost of a few of them. */
const GROUP_FROM = 4;
/** Messages in one group at most. */
const GROUP_MAX = 256;

type Write = { readonly messages: readonly WireMessage[]; readonly answer: (result: AppendResult) => void };

/**
 * Appends the messages of one write, together with other writes if some are waiting. The stream must allow atomic
 * batches.
 * @param timeoutMs of one attempt; a write that is repeated alone has it twice
 * @param gatherMs how long the first write of a group waits for others, ms: for writes that no caller waits for
 */
export function groupedAppend(
  link: NatsLink,
  timeoutMs: number,
  gatherMs: number,
): (messages: readonly WireMessage[]) => Promise<AppendResult> {
  let waiting: Write[] = [];
  let running = false;

  const run = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) {
      await pause(gatherMs);
      const { group, rest } = nextGroup(waiting);
      waiting = rest;
      await send(group);
    }
    running = false;
  };

  const send = async (group: readonly Write[]): Promise<void> => {
    const messages = group.flatMap((write) => write.messages);
    if (group.length > 1 && messages.length >= GROUP_FROM) {
      const result = await appendMessages(link, messages, timeoutMs);
      if (result.status !== "rejected") return answer(group, messages.length, result);
    }
    await Promise.all(
      group.map(async (write) => write.answer(await appendMessages(link, write.messages, timeoutMs))),
    );
  };

  return (messages) =>
    new Promise((answer) => {
      waiting.push({ messages, answer });
      if (!running) void run();
    });
}

/** The oldest writes that may share a batch. Of two that write the same subject the later one waits. */
function nextGroup(waiting: readonly Write[]): { readonly group: Write[]; readonly rest: Write[] } {
  const group: Write[] = [];
  const rest: Write[] = [];
  const subjects = new Set<string>();
  for (const write of waiting) {
    const fits = group.length === 0 || subjects.size + write.messages.length <= GROUP_MAX;
    if (fits && !write.messages.some(({ subject }) => subjects.has(subject))) group.push(write);
    else rest.push(write);
    for (const { subject } of write.messages) subjects.add(subject);
  }
  return { group, rest };
}

function answer(
  group: readonly Write[],
  count: number,
  result: Exclude<AppendResult, { status: "rejected" }>,
): void {
  let sequence = result.status === "stored" ? result.lastSequence - count : 0;
  for (const write of group) {
    sequence += write.messages.length;
    write.answer(result.status === "stored" ? { status: "stored", lastSequence: sequence } : result);
  }
}
