/**
 * The work queue as a durable pull consumer of the order stream.
 * Owns: the consumer's definition.  Does not own: what a worker does, its locks.
 */
import { setTimeout as pause } from "node:timers/promises";
import { REPLAY_DAYS } from "../../config/workers.ts";
import { DEAD_STREAM, STREAM, token } from "../../config/subjects.ts";
import { Unavailable } from "../runtime/ports.ts";
import type { Subscription } from "../runtime/ports.ts";
import { type DeadLetter, DeadLetterHeader } from "../runtime/work-queue.ts";
import type { WorkItem, WorkQueue, WorkQueueOptions } from "../runtime/work-queue.ts";
import { appendMessages } from "./append.nats.ts";
import type { NatsLink } from "./link.nats.ts";
import { ApiCode, ApiError, apiRequest } from "./jetstream-api.nats.ts";
import { PullLoop } from "./pull-loop.nats.ts";
import { untilAvailable } from "./until-available.ts";

const OPEN_DEADLINE_MS = 30_000;
const API_TIMEOUT_MS = 5_000;
const BURY_TIMEOUT_MS = 2_000;
const NANOS_PER_MS = 1_000_000;
/** The server's code for a consumer that exists with another configuration. */
const CONSUMER_EXISTS = 10148;
/** Unsettled items of all nodes together; then the server hands out no more. Retries in waiting count. */
const MAX_UNSETTLED = 2_000;
const DAY_MS = 24 * 60 * 60_000;
const REASON_CHARS = 300;
/** Pause before a consumer that is gone is made again. */
const REMAKE_PAUSE_MS = 500;

export function natsWorkQueue(link: NatsLink): WorkQueue {
  return {
    consume: async (options, onItem) => {
      await untilAvailable(OPEN_DEADLINE_MS, () => ensureConsumer(link, options));
      return start(link, options, onItem);
    },
    bury: (letter) => bury(link, letter),
  };
}

function start(
  link: NatsLink,
  options: WorkQueueOptions,
  onItem: (item: WorkItem) => Promise<void>,
): Subscription {
  const stopping = new AbortController();
  const remake = async () => {
    // Somebody deleted it, or a server without a disk came back. It starts over, and what was processed is
    // known by its id.
    try {
      await ensureConsumer(link, options);
    } catch (error) {
      if (!(error instanceof Unavailable) && !(error instanceof ApiError)) throw error;
    }
    await pause(REMAKE_PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
  };
  const loop = new PullLoop(link, {
    stream: STREAM,
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
async function ensureConsumer(link: NatsLink, options: WorkQueueOptions): Promise<void> {
  const wanted = {
    ack_wait: options.ackWaitMs * NANOS_PER_MS,
    max_ack_pending: MAX_UNSETTLED,
  };
  const existing = await findConsumer(link, options.name);
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
      return await putConsumer(link, options.name, config, "create");
    } catch (error) {
      // Another node was faster; what it made has to pass like any other.
      if (!(error instanceof ApiError) || error.code !== CONSUMER_EXISTS) throw error;
      return ensureConsumer(link, options);
    }
  }
  const filters = existing.filter_subjects ?? [existing.filter_subject ?? ""];
  if (filters.toSorted().join() !== options.filters.toSorted().join()) {
    throw new Error(
      `consumer ${options.name} exists with the filters ${filters.join(", ")} instead of ${options.filters.join(", ")}; give the worker a new name, or delete the consumer`,
    );
  }
  const same = existing.ack_wait === wanted.ack_wait && existing.max_ack_pending === wanted.max_ack_pending;
  if (!same) await putConsumer(link, options.name, { ...existing, ...wanted }, "update");
}

async function findConsumer(link: NatsLink, name: string): Promise<ConsumerConfig | undefined> {
  try {
    const subject = `CONSUMER.INFO.${STREAM}.${name}`;
    return (await apiRequest<{ config: ConsumerConfig }>(link, subject, undefined, API_TIMEOUT_MS)).config;
  } catch (error) {
    if (error instanceof ApiError && error.code === ApiCode.consumerNotFound) return undefined;
    throw error;
  }
}

async function putConsumer(
  link: NatsLink,
  name: string,
  config: object,
  action: "create" | "update",
): Promise<void> {
  const body = { stream_name: STREAM, config, action };
  await apiRequest(link, `CONSUMER.CREATE.${STREAM}.${name}`, body, API_TIMEOUT_MS);
}

async function bury(link: NatsLink, letter: DeadLetter): Promise<void> {
  const { worker, partition, about, item } = letter;
  const result = await appendMessages(
    link,
    [
      {
        subject: `${DEAD_STREAM.toLowerCase()}.${worker}.${partition}.${token(about)}`,
        payload: item.payload,
        headers: {
          ...item.headers,
          [DeadLetterHeader.subject]: item.subject,
          [DeadLetterHeader.sequence]: String(item.sequence),
          [DeadLetterHeader.reason]: oneLine(letter.reason),
          [DeadLetterHeader.attempts]: String(letter.attempts),
        },
        messageId: `${worker}.${item.sequence}`,
      },
    ],
    BURY_TIMEOUT_MS,
  );
  if (result.status !== "stored") throw new Unavailable(`dead letter of ${worker}: ${result.reason}`);
}

/** Header values are one line of ASCII. */
const oneLine = (text: string): string =>
  text
    .replace(/[^\x21-\x7e]+/g, " ")
    .trim()
    .slice(0, REASON_CHARS);
