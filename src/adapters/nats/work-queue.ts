/**
 * The work queue as durable pull consumers of the order streams, one in each under the same name.
 * Owns: pulling.  Does not own: the consumers (work-consumer.ts), what a worker does, its locks.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Subscription, Unavailable } from "../../runtime/ports.ts";
import type { Subjects } from "../../runtime/subjects.ts";
import type { WorkItem, WorkQueue, WorkQueueOptions } from "../../runtime/workers/work-queue.ts";
import { untilAvailable } from "../jetstream/retry-until-available.ts";
import { backlogOf } from "./backlog.ts";
import { bury, replayedItem, replaysOf } from "./dead-letters.ts";
import { ApiError } from "./jetstream-api.ts";
import type { NatsLink } from "./link.ts";
import { PullLoop } from "./pull-loop.ts";
import { consumerName, ensureConsumer } from "./work-consumer.ts";

const OPEN_DEADLINE_MS = 30_000;
/** Replays of dead letters in progress at once, besides the items of the streams. */
const REPLAYS_IN_FLIGHT = 2;
/** Pause before a missing consumer is made again. */
const REMAKE_PAUSE_MS = 500;

/**
 * The work queue of one connection. `consume` throws a RangeError when `maxInFlight` is less than the number of
 * streams, and Unavailable when the consumers cannot be made.
 * @param now ms since the epoch, by the server's clock: where a new consumer begins
 * @param count of the application's streams
 */
export function natsWorkQueue(link: NatsLink, subjects: Subjects, now: () => number, count = 1): WorkQueue {
  const { dead } = subjects;
  const streams = subjects.streams(count);
  return {
    consume: async (options, onItem) => {
      if (options.maxInFlight < streams.length) {
        throw new RangeError(`${options.maxInFlight} places for the items of ${streams.length} streams`);
      }
      await ensureConsumers(link, subjects, options, now, count);
      const replays = replaysFor(subjects, options);
      const parts = streams.map((stream, index) =>
        start(
          link,
          stream,
          { ...options, maxInFlight: share(options.maxInFlight, streams.length, index) },
          onItem,
          now,
        ),
      );
      parts.push(start(link, dead.stream, replays, (item) => onItem(replayedItem(item)), now));
      return {
        stop: async () => {
          await Promise.all(parts.map((part) => part.stop()));
        },
      };
    },
    backlog: (options) => backlogOf(link, subjects, streams, options),
    bury: (deadLetter) => bury(link, dead.root, deadLetter),
  };
}

/**
 * Makes the consumers of a worker, so that its events wait for it from now on.
 * @throws Unavailable (retryable)
 */
export async function ensureConsumers(
  link: NatsLink,
  subjects: Subjects,
  options: WorkQueueOptions,
  now: () => number,
  count: number,
): Promise<void> {
  for (const stream of subjects.streams(count))
    await untilAvailable(OPEN_DEADLINE_MS, () => ensureConsumer(link, stream, options, now()));
  const replays = replaysFor(subjects, options);
  await untilAvailable(OPEN_DEADLINE_MS, () => ensureConsumer(link, subjects.dead.stream, replays, now()));
}

/**
 * Notifies when an event for the worker is published, or a dead letter of it is replayed; at most once for each
 * filter. The server may still refuse such an event, and none is seen that is published while the connection is down.
 * @returns ends the watch
 */
export function onWork(
  link: NatsLink,
  { dead }: Pick<Subjects, "dead">,
  { name, filters }: Pick<WorkQueueOptions, "name" | "filters">,
  notify: () => void,
): () => void {
  const subscriptions = [...filters, replaysOf(dead.root, name)].map((filter) =>
    link.nc.subscribe(filter, { max: 1, callback: () => notify() }),
  );
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
}

function replaysFor({ dead }: Pick<Subjects, "dead">, options: WorkQueueOptions): WorkQueueOptions {
  return {
    ...options,
    filters: [replaysOf(dead.root, options.name)],
    maxInFlight: REPLAYS_IN_FLIGHT,
  };
}

/** An equal share of the places: partitions, and so events, are spread evenly over the streams. */
function share(places: number, streams: number, index: number): number {
  return Math.floor((places + streams - 1 - index) / streams);
}

function start(
  link: NatsLink,
  stream: string,
  options: WorkQueueOptions,
  onItem: (item: WorkItem) => Promise<void>,
  now: () => number,
): Subscription {
  const stopping = new AbortController();
  const remake = async () => {
    // An operator deleted it, or a server without a disk restarted. The consumer starts over; the worker recognizes
    // items that it has processed by their ids.
    try {
      await ensureConsumer(link, stream, options, now());
    } catch (error) {
      if (!(error instanceof Unavailable) && !(error instanceof ApiError)) throw error;
    }
    await pause(REMAKE_PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
  };
  const loop = new PullLoop(link, {
    stream,
    consumer: consumerName(options),
    maxInFlight: options.maxInFlight,
    onItem,
    onConsumerGone: remake,
  });
  loop.start();
  return {
    stop: () => {
      stopping.abort();
      return loop.stop();
    },
  };
}
