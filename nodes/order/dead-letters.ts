/** Provides the stored dead letters to the HTTP layer. */
import type { DeadLetterService } from "../../src/http/operations/dead-letters-port.ts";
import { Unavailable } from "../../src/runtime/ports.ts";
import type { DeadLetters } from "../../src/runtime/workers/work-queue.ts";
import { unserved } from "../../src/services/orders/placing.ts";

const PREFIX = "dl_";

/** The operators' view of the dead letters. An outage becomes the answer `unavailable`. */
export function deadLetterService(deadLetters: DeadLetters): DeadLetterService {
  return {
    list: ({ limit, after }) =>
      served(async () => {
        // One more than requested, to know whether there is a next page.
        const found = await deadLetters.list(limit + 1, after === undefined ? 0 : sequenceOf(after));
        const items = found.slice(0, limit).map(({ sequence, subject, at, ...deadLetter }) => ({
          ...deadLetter,
          id: PREFIX + sequence,
          orderId: subject,
          at: new Date(at).toISOString(),
        }));
        return {
          status: "found" as const,
          items,
          next: found.length > limit ? (items.at(-1)?.id ?? null) : null,
        };
      }),
    replay: (id) => served(async () => ({ status: await deadLetters.replay(sequenceOf(id)) })),
  };
}

const sequenceOf = (id: string): number => Number(id.slice(PREFIX.length));

async function served<T>(work: () => Promise<T>) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return unserved({ status: "unavailable", reason: error.message });
  }
}
