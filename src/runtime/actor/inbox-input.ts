import { subjects } from "../subjects.ts";
import type { Input } from "./input.ts";
import { isObject, parseObject } from "../json.ts";
import type { Log, StoredMessage } from "../ports.ts";

/** Inbox messages come from schedules, webhooks and workers; what cannot be read is logged and passed over. */
export function readInput(
  message: StoredMessage,
  partition: number,
  log: Log,
): { readonly actor: string; readonly input: Input } | undefined {
  const actor = message.subject.slice(subjects.inbox(partition, "").length);
  const input = parseObject(message.payload);
  if (input && isInput(input)) return { actor, input: input as Input };
  log.error({ sequence: message.sequence, actor }, "unreadable inbox message passed over");
  return undefined;
}

/** What a machine makes of the event, one without a type included, is for the turn to find out. */
function isInput({
  kind,
  machine,
  event,
  id,
  timer,
  generation,
}: Readonly<Record<string, unknown>>): boolean {
  if (typeof machine !== "string") return false;
  if (kind === "timer") return typeof timer === "string" && typeof generation === "number";
  return kind === "event" && typeof id === "string" && isObject(event);
}
