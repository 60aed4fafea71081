/**
 * What waits for one worker: the numbers of its consumers, and the age of the oldest item.
 * Owns: nothing.  Does not own: the consumers (work-consumer.ts), the dead letters (dead-letters.ts).
 * Proved by: test/integration/runtime/backlog.test.ts
 */
import { Unavailable } from "../../runtime/ports.ts";
import type { Subjects } from "../../runtime/subjects.ts";
import type { Backlog, WorkQueueOptions } from "../../runtime/workers/work-queue.ts";
import { deadLettersOfWorker, replaysOf } from "./dead-letters.ts";
import { countMessages } from "./direct-get.ts";
import { ApiError } from "./jetstream-api.ts";
import type { NatsLink } from "./link.ts";
import { getMessage } from "./stored-message.ts";
import { consumerName, findConsumer } from "./work-consumer.ts";

type Waiting = Pick<Backlog, "items" | "oldestAt">;
type Consumed = Pick<WorkQueueOptions, "name" | "filters">;

/** See `WorkQueue.backlog`. @throws Unavailable (retryable) */
export async function backlogOf(
  link: NatsLink,
  { dead }: Pick<Subjects, "dead">,
  streams: readonly string[],
  { name, filters }: Consumed,
): Promise<Backlog> {
  try {
    const [deadLetters, ...parts] = await Promise.all([
      countMessages(link, dead.stream, deadLettersOfWorker(dead.root, name)),
      waitingIn(link, dead.stream, { name, filters: [replaysOf(dead.root, name)] }),
      ...streams.map((stream) => waitingIn(link, stream, { name, filters })),
    ]);
    const ages = parts.flatMap(({ oldestAt }) => oldestAt ?? []);
    return {
      items: parts.reduce((sum, { items }) => sum + items, 0),
      oldestAt: ages.length === 0 ? undefined : Math.min(...ages),
      deadLetters,
    };
  } catch (error) {
    if (error instanceof ApiError) throw new Unavailable(error.message, { cause: error });
    throw error;
  }
}

/** One consumer: the items after its acknowledged ones. */
async function waitingIn(link: NatsLink, stream: string, consumed: Consumed): Promise<Waiting> {
  const consumer = await findConsumer(link, stream, consumerName(consumed));
  const items = consumer === undefined ? 0 : consumer.num_pending + consumer.num_ack_pending;
  if (consumer === undefined || items === 0) return { items, oldestAt: undefined };
  const seq = consumer.ack_floor.stream_seq + 1;
  const first = await Promise.all(
    consumed.filters.map((filter) => getMessage(link, stream, { seq, next_by_subj: filter })),
  );
  const ages = first.flatMap((message) => message?.at ?? []);
  return { items, oldestAt: ages.length === 0 ? undefined : Math.min(...ages) };
}
