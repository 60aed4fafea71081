/** Puts inputs from outside into actors' inboxes. Needs the stream alone: no owner has to be found for it. */
import { partitionOf, subjects } from "../../../config/subjects.ts";
import type { Actors } from "../actors.ts";
import type { Crash } from "../failpoints.ts";
import { pause } from "../pause.ts";
import { type Clock, type Journal, ServerCode, Unavailable } from "../ports.ts";

/** What an input needs on its way to the inbox. */
export type InboxOptions = {
  /** Of a partition's stream. */
  readonly journalOf: (partition: number) => Pick<Journal, "append">;
  readonly clock: Clock;
  /** As the stream was made with. */
  readonly partitions: number;
  readonly crash?: Crash | undefined;
};

/** About half a minute while the server answers nothing. */
const TRIES = 10;
const TRY_MS = 2000;
const SLOWEST_RETRY_MS = 2000;

/** `Actors.deliver`, without the rest of a node. */
export function inboxDelivery(options: InboxOptions): Actors["deliver"] {
  const { journalOf, clock, partitions, crash } = options;
  return async (actor, machine, event, id) => {
    const partition = partitionOf(actor, partitions);
    const message = {
      subject: subjects.inbox(partition, actor),
      payload: JSON.stringify({ kind: "event", machine, event, id }),
      messageId: `${actor}.${id}`,
    };
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      crash?.("inbox.deliver", "before");
      const result = await journalOf(partition).append([message], TRY_MS);
      crash?.("inbox.deliver", "after");
      // A repeat: its id names the actor and the event, so that nothing else can be stored under it.
      const known = result.status === "rejected" && result.code === ServerCode.duplicateMessageId;
      if (result.status === "stored" || known) return;
      if (result.status === "rejected") throw new Error(`inbox refused the message: ${result.reason}`);
      // Unanswered: a repeat carries the same message id, and the actor knows the event's id.
      await pause(clock, Math.min(50 * 2 ** attempt, SLOWEST_RETRY_MS));
    }
    throw new Unavailable(`the input could not be stored in ${TRIES} tries`);
  };
}
