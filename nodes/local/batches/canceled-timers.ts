/**
 * Timers that half a batch has canceled: the server deleted their schedules when it stored its first messages. The
 * orders' last whole records say that they wait for these timers.
 */
import { appendMessages } from "../../../src/adapters/nats/append.ts";
import type { NatsLink } from "../../../src/adapters/nats/link.ts";
import { getMessage } from "../../../src/adapters/nats/stored-message.ts";
import { readSnapshot } from "../../../src/runtime/actor/record-decoding.ts";
import type { OpenTimer } from "../../../src/runtime/actor/snapshot.ts";
import type { Message } from "../../../src/runtime/ports.ts";
import { subjects } from "../../../src/services/subjects.ts";

const APPEND_TIMEOUT_MS = 5_000;

/**
 * Arms the timers again for which their orders wait. It may be repeated: a timer that fires twice counts once.
 * @param canceled subjects of their schedules
 * @returns how many were armed
 * @throws Unavailable, ApiError; Error when the server does not store one
 */
export async function armCanceledTimers(
  link: NatsLink,
  stream: string,
  canceled: readonly string[],
): Promise<number> {
  let armed = 0;
  for (const subject of canceled) {
    const message = await scheduleOf(link, stream, subject);
    if (message === undefined) continue;
    const result = await appendMessages(link, [message], APPEND_TIMEOUT_MS);
    if (result.status !== "stored")
      throw new Error(`stream ${stream}: the timer ${subject} could not be armed again: ${result.reason}`);
    armed++;
  }
  return armed;
}

/** The schedule as the order's owner wrote it; undefined when the order does not wait for it, or it is still there. */
async function scheduleOf(link: NatsLink, stream: string, subject: string): Promise<Message | undefined> {
  const [prefix, , partition, actor = ""] = subject.split(".");
  const p = Number(partition);
  if (prefix !== subjects.prefix || !Number.isInteger(p)) return undefined;
  const stored = await getMessage(link, stream, { last_by_subj: subjects.record(p, actor) });
  const open = stored === undefined ? [] : (readSnapshot(stored)?.timers ?? []);
  const subjectOf = ({ machine, id, armedAs, generation }: OpenTimer) =>
    subjects.timer(p, actor, machine, armedAs ?? id, generation);
  const timer = open.find((one) => subjectOf(one) === subject);
  if (timer === undefined) return undefined;
  if ((await getMessage(link, stream, { last_by_subj: subject })) !== undefined) return undefined;
  const { machine, id, armedAs, generation, dueAt } = timer;
  return {
    subject,
    payload: JSON.stringify({ kind: "timer", machine, timer: armedAs ?? id, generation }),
    schedule: { at: dueAt, target: subjects.inbox(p, actor) },
  };
}
