/** Counts of the streams and their consumers, from the server: no order is read one by one. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { connectNats } from "../src/adapters/nats/connection.ts";
import { apiRequest } from "../src/adapters/nats/jetstream-api.ts";
import type { NatsLink } from "../src/adapters/nats/link.ts";
import { consumersOf } from "../src/adapters/nats/work-consumer.ts";
import { subjects } from "../src/services/subjects.ts";
import type { Lifetime } from "../test/support/cluster/lifetime.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const ASK_TIMEOUT_MS = 30_000;

/** A connection that ends with the benchmark. @throws ServerIncompatible */
export async function connectTo(life: Lifetime, natsUrl: string): Promise<NatsLink> {
  const link = await connectNats({
    servers: [natsUrl],
    name: "bench",
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  });
  life.teardown(() => link.close());
  return link;
}

/** Number of stored public events of one type. @throws Unavailable */
export async function countEvents(link: NatsLink, type: string): Promise<number> {
  const infos = await infosOf(link, { subjects_filter: `orders.events.*.${type}` });
  return sum(infos.flatMap(({ subjects = {} }) => Object.values(subjects)));
}

/** The size of all order streams. */
export type StreamSize = {
  readonly messages: number;
  readonly bytes: number;
  /** Of the first stream: the end of the log if it is the only one. */
  readonly lastSequence: number;
};

/** All order streams together. @throws Unavailable */
export async function streamSize(link: NatsLink): Promise<StreamSize> {
  const infos = await infosOf(link, {});
  return {
    messages: sum(infos.map(({ messages }) => messages)),
    bytes: sum(infos.map(({ bytes }) => bytes)),
    lastSequence: infos[0]?.last_seq ?? 0,
  };
}

/** Bytes of everything that is stored: order streams, buckets and documents. @throws Unavailable */
export async function storedBytes(link: NatsLink): Promise<number> {
  return (await apiRequest<{ storage: number }>(link, "INFO", undefined, ASK_TIMEOUT_MS)).storage;
}

/** Bytes of the order streams' blocks on disk, in all folders below this one. Full blocks are compressed. */
export function blockBytes(folder: string): number {
  const isOfOrders = new RegExp(`/streams/${subjects.stream(0)}(?:_\\d+)?/msgs$`, "u");
  const blocks = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith(".blk") && isOfOrders.test(entry.parentPath),
  );
  return sum(blocks.map(({ parentPath, name }) => statSync(join(parentPath, name)).size));
}

/**
 * Events that a worker still has to process (for `email`: e-mails to send); 0 if no node runs it.
 * @throws Unavailable, ApiError
 */
export async function workLeft(link: NatsLink, worker: "email" | "invoice"): Promise<number> {
  const left = (await orderStreams(link)).map(async (stream) => {
    const infos = await consumerInfos(link, stream, worker);
    return sum(infos.map((info) => info.num_pending + info.num_ack_pending));
  });
  return sum(await Promise.all(left));
}

/** Lets the workers continue after everything stored now, as if all of it were processed. No worker may run. */
export async function skipWork(link: NatsLink): Promise<void> {
  for (const stream of await orderStreams(link))
    for (const worker of ["email", "invoice"])
      for (const { name, config } of await consumerInfos(link, stream, worker)) {
        await apiRequest(link, `CONSUMER.DELETE.${stream}.${name}`, undefined, ASK_TIMEOUT_MS);
        // Undefined members are not sent.
        const fresh = {
          ...config,
          deliver_policy: "new",
          opt_start_time: undefined,
          opt_start_seq: undefined,
        };
        const body = { stream_name: stream, config: fresh, action: "create" };
        await apiRequest(link, `CONSUMER.CREATE.${stream}.${name}`, body, ASK_TIMEOUT_MS);
      }
}

type ConsumerInfo = {
  readonly name: string;
  readonly config: object;
  readonly num_pending: number;
  readonly num_ack_pending: number;
};

/** The consumers of a worker; none if no node runs it. */
async function consumerInfos(link: NatsLink, stream: string, worker: string): Promise<ConsumerInfo[]> {
  const names = await consumersOf(link, stream, worker);
  return await Promise.all(
    names.map((name) =>
      apiRequest<ConsumerInfo>(link, `CONSUMER.INFO.${stream}.${name}`, undefined, ASK_TIMEOUT_MS),
    ),
  );
}

type StreamState = {
  readonly messages: number;
  readonly bytes: number;
  readonly last_seq: number;
  readonly subjects?: Readonly<Record<string, number>>;
};

async function infosOf(link: NatsLink, question: object): Promise<readonly StreamState[]> {
  const infos = (await orderStreams(link)).map((stream) =>
    apiRequest<{ state: StreamState }>(link, `STREAM.INFO.${stream}`, question, ASK_TIMEOUT_MS),
  );
  return (await Promise.all(infos)).map(({ state }) => state);
}

/** The existing order streams, in the order of their numbers. */
async function orderStreams(link: NatsLink): Promise<readonly string[]> {
  const { streams } = await apiRequest<{ streams: string[] | null }>(
    link,
    "STREAM.NAMES",
    undefined,
    ASK_TIMEOUT_MS,
  );
  const names = new Set(streams);
  const found: string[] = [];
  while (names.has(subjects.stream(found.length))) found.push(subjects.stream(found.length));
  return found;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
