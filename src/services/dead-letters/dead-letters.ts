/** The dead-letter service: lists and replays the stored dead letters. Owns nothing. Outcomes are values. */
import { Unavailable } from "../../runtime/ports.ts";
import type { DeadLetters } from "../../runtime/workers/work-queue.ts";
import { unavailable } from "../unavailable.ts";
import type { DeadLetterService } from "./contract.ts";

const PREFIX = "dl_";

/** See {@link DeadLetterService}. */
export function deadLetterService(stored: DeadLetters): DeadLetterService {
  return {
    list: ({ limit, after }) =>
      orUnavailable(async () => {
        // One more than asked for shows whether there is a next page.
        const found = await stored.list(limit + 1, after === undefined ? 0 : sequenceOf(after));
        const items = found.slice(0, limit).map(({ sequence, subject, at, ...rest }) => ({
          ...rest,
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
    replay: (id) => orUnavailable(async () => ({ status: await stored.replay(sequenceOf(id)) })),
  };
}

const sequenceOf = (id: string): number => Number(id.slice(PREFIX.length));

async function orUnavailable<T>(work: () => Promise<T>) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Unavailable) return unavailable(error.message);
    throw error;
  }
}
