import { subjects } from "../../config/subjects.ts";
import type { Input } from "./cascade.ts";
import type { Log, StoredMessage } from "./ports.ts";

/** Inbox messages come from schedules, webhooks and workers; what cannot be read is logged and passed over. */
export function readInput(
  message: StoredMessage,
  partition: number,
  log: Log,
): { readonly actor: string; readonly input: Input } | undefined {
  const actor = message.subject.slice(subjects.inbox(partition, "").length);
  try {
    const input = JSON.parse(message.payload) as Input;
    if (input.kind === "timer" || input.kind === "event") return { actor, input };
  } catch {
    // Falls through to the log line.
  }
  log.error({ sequence: message.sequence, actor }, "unreadable inbox message passed over");
  return undefined;
}
