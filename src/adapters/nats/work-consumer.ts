/**
 * The durable consumers of the work queue. A server skips messages when a consumer's filters change, so they never
 * change: the name contains a digest of the filters (`email-1b2c3d4e`). A worker that needs other events than in the
 * version before gets a consumer of its own. That one starts after what its predecessor has acknowledged. An item that
 * both deliver is worked on once, because of its processed mark. The predecessor serves nodes of the former version,
 * and the server deletes it when no node has used it for a week.
 * Owns: the consumers' names, definitions and succession.  Does not own: the items.
 * Proved by: test/integration/runtime/worker-succession.test.ts, worker.test.ts
 */
import { createHash } from "node:crypto";
import type { WorkQueueOptions } from "../../runtime/workers/work-queue.ts";
import { REPLAY_DAYS } from "../../runtime/workers/worker-bounds.ts";
import { ApiCode, ApiError, apiRequest } from "./jetstream-api.ts";
import type { NatsLink } from "./link.ts";

const API_TIMEOUT_MS = 5_000;
const NANOS_PER_MS = 1_000_000;
/** The server's code for a consumer that exists with another configuration. */
const CONSUMER_EXISTS = 10148;
/** Unacknowledged items of all nodes together. At this number the server delivers no more; waiting retries count. */
const MAX_UNACKNOWLEDGED = 2_000;
const DAY_MS = 24 * 60 * 60_000;
/** Life of an unused predecessor: long enough to return to the version before. */
const UNUSED_LIFE_MS = 7 * DAY_MS;

type ConsumerConfig = {
  readonly filter_subjects?: readonly string[];
  readonly filter_subject?: string;
  readonly ack_wait?: number;
  readonly max_ack_pending?: number;
  readonly inactive_threshold?: number;
};

type ConsumerInfo = {
  readonly name: string;
  readonly config: ConsumerConfig;
  /** Everything up to this sequence that matches the filters is acknowledged; 0 when nothing is. */
  readonly ack_floor: { readonly stream_seq: number };
  /** Matching messages that were not delivered yet; and delivered ones that are not acknowledged. */
  readonly num_pending: number;
  readonly num_ack_pending: number;
};

/** The name of the consumer of a worker with these filters; their order is irrelevant. */
export function consumerName({ name, filters }: Pick<WorkQueueOptions, "name" | "filters">): string {
  const digest = createHash("sha256").update(filters.toSorted().join(" ")).digest("hex");
  return `${name}-${digest.slice(0, 8)}`;
}

/** Names of the worker's consumers, also those of former versions. @throws Unavailable, ApiError */
export async function consumersOf(link: NatsLink, stream: string, worker: string): Promise<string[]> {
  const found: string[] = [];
  for (let offset = 0; ; ) {
    const subject = `CONSUMER.NAMES.${stream}`;
    const page = await apiRequest<{ total: number; consumers: readonly string[] | null }>(
      link,
      subject,
      { offset },
      API_TIMEOUT_MS,
    );
    const names = page.consumers ?? [];
    // The plain name is that of the first versions, which had one permanent consumer.
    found.push(...names.filter((name) => name === worker || isOf(worker, name)));
    offset += names.length;
    if (names.length === 0 || offset >= page.total) return found;
  }
}

const isOf = (worker: string, name: string): boolean =>
  name.startsWith(`${worker}-`) && /^[0-9a-f]{8}$/u.test(name.slice(worker.length + 1));

/**
 * Makes the consumer, or verifies it; its times may change.
 * @param now ms since the epoch, by the server's clock
 * @throws Unavailable, ApiError
 */
export async function ensureConsumer(
  link: NatsLink,
  stream: string,
  options: WorkQueueOptions,
  now: number,
): Promise<void> {
  const name = consumerName(options);
  const wanted = {
    ack_wait: options.ackWaitMs * NANOS_PER_MS,
    max_ack_pending: MAX_UNACKNOWLEDGED,
    // A former predecessor that is needed again becomes permanent.
    inactive_threshold: 0,
  };
  const existing = await findConsumer(link, stream, name);
  if (existing === undefined) return makeConsumer(link, stream, options, wanted, now);
  const { config } = existing;
  const same =
    config.ack_wait === wanted.ack_wait &&
    config.max_ack_pending === wanted.max_ack_pending &&
    (config.inactive_threshold ?? 0) === 0;
  if (!same) await putConsumer(link, stream, name, { ...config, ...wanted }, "update");
}

async function makeConsumer(
  link: NatsLink,
  stream: string,
  options: WorkQueueOptions,
  wanted: object,
  now: number,
): Promise<void> {
  const name = consumerName(options);
  const predecessors = await predecessorsOf(link, stream, options);
  const config = {
    name,
    durable_name: name,
    ...startAfter(predecessors, options.filters, now),
    ack_policy: "explicit",
    // The worker counts its own attempts: waiting for a lock is not one.
    max_deliver: -1,
    replay_policy: "instant",
    filter_subjects: options.filters,
    ...wanted,
  };
  try {
    await putConsumer(link, stream, name, config, "create");
  } catch (error) {
    // Another node was faster, and perhaps read another sequence. One start is as good as the other.
    if (!(error instanceof ApiError) || error.code !== CONSUMER_EXISTS) throw error;
  }
  for (const { name: former, config: known } of predecessors) {
    if ((known.inactive_threshold ?? 0) > 0) continue;
    const unused = { ...known, inactive_threshold: UNUSED_LIFE_MS * NANOS_PER_MS };
    await putConsumer(link, stream, former, unused, "update");
  }
}

async function predecessorsOf(
  link: NatsLink,
  stream: string,
  options: WorkQueueOptions,
): Promise<readonly ConsumerInfo[]> {
  const names = await consumersOf(link, stream, options.name);
  const infos = await Promise.all(names.map((name) => findConsumer(link, stream, name)));
  return infos.filter((info) => info !== undefined && info.name !== consumerName(options)) as ConsumerInfo[];
}

/**
 * For every filter of a predecessor, no unacknowledged message may be skipped. Of several predecessors with a filter,
 * the one that has acknowledged most was used last. A filter that no predecessor had begins where the others do: the
 * worker did not handle older messages.
 */
function startAfter(predecessors: readonly ConsumerInfo[], filters: readonly string[], now: number): object {
  const furthest = (some: readonly ConsumerInfo[]) =>
    Math.max(0, ...some.map((one) => one.ack_floor.stream_seq));
  const floors = filters.flatMap((filter) => {
    const had = predecessors.filter(({ config }) => filtersOf(config).includes(filter));
    return had.length === 0 ? [] : [furthest(had)];
  });
  const floor = floors.length === 0 ? furthest(predecessors) : Math.min(...floors);
  return floor > 0
    ? { deliver_policy: "by_start_sequence", opt_start_seq: floor + 1 }
    : {
        deliver_policy: "by_start_time",
        opt_start_time: new Date(now - REPLAY_DAYS * DAY_MS).toISOString(),
      };
}

const filtersOf = (config: ConsumerConfig): readonly string[] =>
  config.filter_subjects ?? [config.filter_subject ?? ""];

/** A consumer as the server has it; `undefined` when there is none. @throws Unavailable, ApiError */
export async function findConsumer(
  link: NatsLink,
  stream: string,
  name: string,
): Promise<ConsumerInfo | undefined> {
  try {
    const subject = `CONSUMER.INFO.${stream}.${name}`;
    return await apiRequest<ConsumerInfo>(link, subject, undefined, API_TIMEOUT_MS);
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
