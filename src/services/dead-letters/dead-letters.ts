/**
 * The dead-letter service: lists, groups, replays and discards the stored dead letters. Owns nothing. Outcomes are
 * values.
 */
import type { Asked } from "../../runtime/actor/input.ts";
import type { DeadLetters, StoredDeadLetter } from "../../runtime/workers/work-queue.ts";
import { errorGroups } from "../error-groups.ts";
import { orUnavailable } from "../unavailable.ts";
import type { DeadLetterService, DeadLetterView } from "./contract.ts";

const PREFIX = "dl_";
/** Dead letters that are grouped at once; each is a read. */
const MAX_GROUPED = 1000;

/** See {@link DeadLetterService}. */
export function deadLetterService(stored: DeadLetters): DeadLetterService {
  return {
    list: ({ limit, after }) =>
      orUnavailable(async () => {
        // One more than asked for shows whether there is a next page.
        const found = await stored.list(limit + 1, after === undefined ? 0 : sequenceOf(after));
        const items = found.slice(0, limit).map(viewOf);
        return {
          status: "found" as const,
          items,
          next: found.length > limit ? (items.at(-1)?.id ?? null) : null,
        };
      }),
    read: (id) =>
      orUnavailable(async () => {
        const found = await stored.read(sequenceOf(id));
        if (!found) return { status: "not_found" as const };
        const { closed, ...letter } = found;
        const { status, at, ...why } = closed ?? { status: "open" as const, at: undefined };
        const closing = at === undefined ? {} : { closedAt: new Date(at).toISOString(), ...askedView(why) };
        return { status: "found" as const, letter: { ...viewOf(letter), state: status, ...closing } };
      }),
    groups: () =>
      orUnavailable(async () => {
        const found = await stored.list(MAX_GROUPED + 1, 0);
        const letters = found.slice(0, MAX_GROUPED);
        const groups = errorGroups(
          letters.map(({ at, reason, sequence, worker }) => ({
            id: PREFIX + sequence,
            at,
            error: reason,
            where: worker,
          })),
        );
        return { status: "found" as const, groups, isComplete: found.length <= MAX_GROUPED };
      }),
    discard: (id, asked) =>
      orUnavailable(async () => ({ status: await stored.discard(sequenceOf(id), asked) })),
    replay: (id) => orUnavailable(async () => ({ status: await stored.replay(sequenceOf(id)) })),
  };
}

const askedView = ({ by, reason }: Asked) => ({
  ...(by && { closedBy: { kind: by.kind, id: by.id ?? null } }),
  ...(reason === undefined ? {} : { closedReason: reason }),
});

const sequenceOf = (id: string): number => Number(id.slice(PREFIX.length));

/** As the API shows it. */
function viewOf({ sequence, subject, at, ...rest }: StoredDeadLetter): DeadLetterView {
  return { ...rest, id: PREFIX + sequence, orderId: subject, at: new Date(at).toISOString() };
}
