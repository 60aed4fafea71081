/**
 * The work queue as durable pull consumers of the order streams, one in each under the same name.
 * Owns: the consumers' definition.  Does not own: what a worker does, its locks.
 */
import { setTimeout as pause } from "node:timers/promises";
import { REPLAY_DAYS } from "../../config/workers.ts";
import { DEAD_STREAM, STREAM } from "../../config/subjects.ts";
import { Unavailable } from "../runtime/ports.ts";
import type { Subscription } from "../runtime/ports.ts";
import type { WorkItem, WorkQueue, WorkQueueOptions } from "../runtime/work-queue.ts";
import { bury, replayedItem, replaysOf } from "./dead-letters.nats.ts";
import type { NatsLink } from "./link.nats.ts";
import { ApiCode, ApiError, apiRequest } from "./jetstream-api.nats.ts";
import { PullLoop } from "./pull-loop.nats.ts";
import { untilAvailable } from "./until-available.ts";

const OPEN_DEADLINE_MS = 30_000;
const API_TIMEOUT_MS = 5_000;
const NANOS_PER_MS = 1_000_000;
/** The server's code for a consumer that exists with another configuration. */
const CONSUMER_EXISTS = 10148;
/** Unsettled items of all nodes together; then the server hands out no more. Retries in waiting count. */
const MAX_UNSETTLED = 2_000;
const DAY_MS = 24 * 60 * 60_000;
/** Replays of dead letters under way at once, beside the items of the streams. */
const REPLAYS_IN_FLIGHT = 2;
/** Pause before a consumer that is gone is made again. */
const REMAKE_PAUSE_MS = 500;

/** @param streams names of all order streams */
export function natsWorkQueue(link: NatsLink, streams: readonly string[] = [STREAM]): WorkQueue {
  return {
    consume: async (options, onItem) => {
      if (options.maxInFlight < streams.length) {
        throw new RangeError(`${options.maxInFlight} places for the items of ${streams.length} streams`);
      }
      for (const stream of streams)
        await untilAvailable(OPEN_DEADLINE_MS, () => ensureConsumer(link, stream, options));
      // Its filter is of a stream of its own; the name may be the same.
      const replays = { ...options, filters: [replaysOf(options.name)], maxInFlight: REPLAYS_IN_FLIGHT };
      await untilAvailable(OPEN_DEADLINE_MS, () => ensureConsumer(link, DEAD_STREAM, replays));
      const parts = streams.map((stream, index) =>
        start(
          link,
          stream,
          { ...options, maxInFlight: share(options.maxInFlight, streams.length, index) },
          onItem,
        ),
      );
      parts.push(start(link, DEAD_STREAM, replays, (item) => onItem(replayedItem(item))));
      return {
        stop: async () => {
          await Promise.all(parts.map((part) => part.stop()));
        },
      };
    },
    bury: (letter) => bury(link, letter),
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
): Subscription {
  const stopping = new AbortController();
  const remake = async () => {
    // Somebody deleted it, or a server without a disk came back. It starts over, and what was processed is
    // known by its id.
    try {
      await ensureConsumer(link, stream, options);
    } catch (error) {
      if (!(error instanceof Unavailable) && !(error instanceof ApiError)) throw error;
    }
    await pause(REMAKE_PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
  };
  const loop = new PullLoop(link, {
    stream,
    consumer: options.name,
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

type ConsumerConfig = {
  readonly filter_subjects?: readonly string[];
  readonly filter_subject?: string;
  readonly ack_wait?: number;
  readonly max_ack_pending?: number;
};

/** Made or verified; its times may change, its filters may not: the server would skip items. */
async function ensureConsumer(link: NatsLink, stream: string, options: WorkQueueOptions): Promise<void> {
  const wanted = {
    ack_wait: options.ackWaitMs * NANOS_PER_MS,
    max_ack_pending: MAX_UNSETTLED,
  };
  const existing = await findConsumer(link, stream, options.name);
  if (existing === undefined) {
    const config = {
      name: options.name,
      durable_name: options.name,
      deliver_policy: "by_start_time",
      opt_start_time: new Date(Date.now() - REPLAY_DAYS * DAY_MS).toISOString(),
      ack_policy: "explicit",
      // The worker counts its own attempts: waiting for a lock is none.
      max_deliver: -1,
      replay_policy: "instant",
      filter_subjects: options.filters,
      ...wanted,
    };
    try {
      return await putConsumer(link, stream, options.name, config, "create");
    } catch (error) {
      // Another node was faster; what it made has to pass like any other.
      if (!(error instanceof ApiError) || error.code !== CONSUMER_EXISTS) throw error;
      return ensureConsumer(link, stream, options);
    }
  }
  const filters = existing.filter_subjects ?? [existing.filter_subject ?? ""];
  if (filters.toSorted().join() !== options.filters.toSorted().join()) {
    throw new Error(
      `consumer ${options.name} exists with the filters ${filters.join(", ")} instead of ${options.filters.join(", ")}; give the worker a new name, or delete the consumer`,
    );
  }
  const same = existing.ack_wait === wanted.ack_wait && existing.max_ack_pending === wanted.max_ack_pending;
  if (!same) await putConsumer(link, stream, options.name, { ...existing, ...wanted }, "update");
}

async function findConsumer(
  link: NatsLink,
  stream: string,
  name: string,
): Promise<ConsumerConfig | undefined> {
  try {
    const subject = `CONSUMER.INFO.${stream}.${name}`;
    return (await apiRequest<{ config: ConsumerConfig }>(link, subject, undefined, API_TIMEOUT_MS)).config;
  } catch (error) {
    if (error instanceof ApiError && error.code === ApiCode.consumerNotFound) return undefined;
    throw error;
  }
}

async function putConsumer(
  link: NatsLink,
  stream: string,
  name: string,
  config: object,
  action: "create" | "update",
): Promise<void> {
  const body = { stream_name: stream, config, action };
  await apiRequest(link, `CONSUMER.CREATE.${stream}.${name}`, body, API_TIMEOUT_MS);
}
