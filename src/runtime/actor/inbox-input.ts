import type { Input } from "./input.ts";
import { isObject, parseObject } from "../json.ts";
import type { Log, StoredMessage } from "../ports.ts";

/**
 * Reads an inbox message, which comes from a schedule, a webhook or a worker.
 * @returns `undefined` for an unreadable message, which is logged and skipped
 */
export function readInput(
  message: StoredMessage,
  log: Log,
): { readonly actor: string; readonly input: Input } | undefined {
  const actor = message.subject.slice(message.subject.lastIndexOf(".") + 1);
  const input = parseObject(message.payload);
  if (input && isInput(input)) return { actor, input: input as Input };
  log.error({ sequence: message.sequence, actor }, "unreadable inbox message skipped");
  return undefined;
}

/** Checks the shape only. The cascade finds out whether a machine takes the event, also one without a type. */
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
