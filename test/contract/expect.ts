/** Short words for the outcomes that the contract suites expect. */
import type { Journal, Message } from "../../src/runtime/ports.ts";
import { waitUntil } from "../support/wait-until.ts";

export const TIMEOUT_MS = 5_000;

let count = 0;

/** An id that no other test of this process uses. */
export function freshId(): string {
  return `id-${process.pid}-${++count}`;
}

/** Appends once and returns the last sequence. */
export async function mustStore(journal: Journal, messages: readonly Message[]): Promise<number> {
  const result = await journal.append(messages, TIMEOUT_MS);
  if (result.status === "stored") return result.lastSequence;
  throw new Error(`not stored: ${JSON.stringify(result)}`);
}

/** Appends and returns `stored`, `unanswered`, or the code of the refusal. */
export async function outcome(
  journal: Journal,
  messages: readonly Message[],
): Promise<number | "stored" | "unanswered"> {
  const result = await journal.append(messages, TIMEOUT_MS);
  return result.status === "rejected" ? result.code : result.status;
}

/** Appends until the server has stored it: for worlds with interruptions, and messages that may be stored twice. */
export async function storeAtLast(journal: Journal, messages: readonly Message[]): Promise<void> {
  await waitUntil(
    "the messages are stored",
    async () => (await journal.append(messages, 1_000)).status === "stored",
    { timeoutMs: 30_000 },
  );
}
