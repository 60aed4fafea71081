/** Streams that were made a moment ago, on several servers. */
import type { StreamDefinition } from "../../../src/adapters/nats/stream-definitions.ts";
import { appendMessages } from "../../../src/adapters/nats/append.ts";
import type { NatsLink } from "../../../src/adapters/nats/link.ts";
import { waitUntil } from "../wait-until.ts";

/** The last sequence that no subject of a new stream has. */
const NEVER = 999_999_999;

/**
 * Waits until each stream has a leader and the server of this connection can route to it: until then a publish finds no
 * responder. Publishes a write that its fence refuses, so nothing is stored.
 */
export async function untilAnswered(link: NatsLink, definitions: readonly StreamDefinition[]): Promise<void> {
  for (const {
    name,
    subjects: [pattern = ""],
  } of definitions) {
    const subject = pattern.replaceAll(/[*>]/gu, "answered");
    const refused = [{ subject, payload: "", fence: { subject, sequence: NEVER } }];
    await waitUntil(`${name} answers`, async () => {
      const result = await appendMessages(link, refused, 1_000);
      if (result.status === "stored") throw new Error(`${subject} is stored at ${result.lastSequence}`);
      return result.status === "rejected";
    });
  }
}
