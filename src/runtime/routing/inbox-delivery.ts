/**
 * Stores inputs from outside in actors' inboxes. It needs the stream alone: no owner has to be found for it.
 * A crash during a delivery leaves the input stored once or not at all: the sender repeats it under the same id.
 */
import { partitionOf, type Subjects } from "../subjects.ts";
import type { Actors } from "../actors.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import { type Clock, type Journal, ServerCode, Unavailable } from "../ports.ts";

/** What a delivery needs. */
export type InboxOptions = {
  readonly subjects: Pick<Subjects, "inbox">;
  /** The journal of a partition's stream. */
  readonly journalOf: (partition: number) => Pick<Journal, "append">;
  readonly clock: Clock;
  /** Equal on all nodes, as the stream was made with. */
  readonly partitions: number;
  readonly failpoints?: Failpoints | undefined;
};

/** About half a minute while the server answers nothing. */
const TRIES = 10;
const TRY_MS = 2000;
const SLOWEST_RETRY_MS = 2000;

/**
 * `Actors.deliver` without the rest of a node, for workers and webhooks. Idempotent by the input's id: the server
 * knows it for two minutes (its duplicate window), the actor for its latest commands.
 * @throws from the result: Unavailable (retryable) after about half a minute without an answer; Error when the server
 *   refuses the message (not retryable)
 */
export function inboxDelivery(options: InboxOptions): Actors["deliver"] {
  const { journalOf, clock, partitions, failpoints, subjects } = options;
  return async (actor, machine, event, id, digest) => {
    const partition = partitionOf(actor, partitions);
    const message = {
      subject: subjects.inbox(partition, actor),
      payload: JSON.stringify({
        kind: "event",
        machine,
        event,
        id,
        ...(digest === undefined ? {} : { digest }),
      }),
      messageId: `${actor}.${id}`,
    };
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const result = await failpoint(failpoints, "inbox.deliver", () =>
        journalOf(partition).append([message], TRY_MS),
      );
      if (result.status === "stored") return "stored";
      // A repeat: its id names the actor, the source and the input. Its content may be another one.
      if (result.status === "rejected" && result.code === ServerCode.duplicateMessageId) return "known";
      if (result.status === "rejected") throw new Error(`inbox refused the message: ${result.reason}`);
      // Unanswered: a repeat carries the same message id, and the actor knows the event's id.
      await clock.sleep(Math.min(50 * 2 ** attempt, SLOWEST_RETRY_MS));
    }
    throw new Unavailable(`the input could not be stored in ${TRIES} tries`);
  };
}
