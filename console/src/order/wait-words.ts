/** What a machine waits for, in words and with the time that is left. Pure. */
import type { OrderWait } from "../api/types.ts";
import { formatDuration } from "../ui/format.ts";
import { timerName } from "./commits.ts";

const two = (value: number): string => String(value).padStart(2, "0");

/** A countdown: `0:42`, `12:03:00`, or longer ones in words. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds >= 86_400) return formatDuration(ms);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** What a machine waits for, in a few words that fit into a state. @param now ms since the epoch */
export function waitWords(wait: OrderWait | undefined, now: number): string {
  if (!wait) return "";
  const { attempt, dueAt, name } = wait;
  if (wait.for === "effect")
    return attempt !== undefined && attempt > 1 ? `try ${attempt} is under way` : "under way";
  if (dueAt !== undefined) {
    const left = Date.parse(dueAt) - now;
    const what = name === null ? "" : `${timerName(name)} `;
    return left <= 0 ? `${what}is due` : `${what}in ${countdown(left)}`;
  }
  if (wait.for === "person") return name === null ? "waits for a person" : `waits for: ${name}`;
  if (wait.for === "customer") return "waits for the customer";
  return wait.for === "event" ? "waits for an event" : "nothing is awaited";
}
