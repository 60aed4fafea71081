/**
 * The streams and buckets in which everything is stored, as the server's API takes them. Data only.
 * Why each option: docs/architecture.md; ADR-50 (batches) and ADR-51 (schedules) of NATS.
 */
import { streamSubjects } from "../../runtime/layout.ts";
import type { Subjects } from "../../runtime/subjects.ts";
import { MARK_DAYS } from "../../runtime/workers/worker-bounds.ts";

/** A stream as `STREAM.CREATE` takes it (times in nanoseconds). */
export type StreamDefinition = {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly storage: "file" | "memory";
  readonly num_replicas: number;
  readonly retention: "limits";
  readonly discard: "old" | "new";
  readonly max_msgs: number;
  readonly max_bytes: number;
  readonly max_age: number;
  readonly max_msg_size: number;
  readonly max_msgs_per_subject: number;
  readonly duplicate_window: number;
  readonly allow_direct: boolean;
  readonly allow_rollup_hdrs: boolean;
  readonly deny_delete: boolean;
  readonly deny_purge: boolean;
  readonly allow_atomic?: boolean;
  readonly allow_msg_schedules?: boolean;
  readonly allow_msg_ttl?: boolean;
  /** How the server stores each block of the log once it is full; absent: as it is. */
  readonly compression?: "s2" | "none";
  readonly metadata: Readonly<Record<string, string>>;
};

/** The settings that determine the streams. They must be equal on every node. */
export type StreamSettings = {
  /** Names of the streams and of what they take. */
  readonly subjects: Subjects;
  /** Copies of every stream: 1 on a single server, 3 on a cluster. */
  readonly replicas: number;
  /** Fixed when the stream is made: an actor's partition must never change. */
  readonly partitions: number;
  /** Streams over which the partitions are divided; fixed likewise. */
  readonly streams: number;
  /** Life of a node's presence entry, ms. At least 3 times the interval at which a node refreshes it. */
  readonly presenceAgeMs: number;
  /** Further streams and buckets of the application, made after the runtime's own. None when absent. */
  readonly further?: readonly StreamDefinition[];
};

/** Key of a stream's metadata: the number of partitions. */
export const PARTITIONS_KEY = "orderly.partitions";
/** Key of a stream's metadata: the number of order streams. */
export const STREAMS_KEY = "orderly.streams";

const NANOS_PER_MS = 1_000_000;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * "Unlimited" messages of one subject. Not -1: clients refuse to open a KV bucket without a history. No subject gets
 * near this number.
 */
const UNLIMITED_HISTORY = 2 ** 31 - 1;

const unlimited = { max_msgs: -1, max_bytes: -1, max_age: 0, max_msg_size: -1 } as const;

/**
 * Locks, records, events, inboxes, timers and what the application adds: one log, checked and appended in one step.
 * @param stream its number; several streams divide the partitions among themselves (src/runtime/layout.ts)
 */
export function orderStream(settings: StreamSettings, stream = 0): StreamDefinition {
  return {
    name: settings.subjects.stream(stream),
    subjects: streamSubjects(stream, settings, settings.subjects),
    storage: "file",
    num_replicas: settings.replicas,
    retention: "limits",
    // Never reached, since there is no limit; the server refuses "new" on streams with schedules.
    discard: "old",
    ...unlimited,
    max_msgs_per_subject: UNLIMITED_HISTORY,
    duplicate_window: 2 * 60_000 * NANOS_PER_MS,
    allow_direct: true,
    // Arming a schedule replaces every message of its subject (a rollup).
    allow_rollup_hdrs: true,
    deny_delete: false,
    deny_purge: false,
    allow_atomic: true,
    allow_msg_schedules: true,
    allow_msg_ttl: true,
    compression: compressionFor(settings.replicas),
    metadata: { [PARTITIONS_KEY]: String(settings.partitions), [STREAMS_KEY]: String(settings.streams) },
  };
}

/**
 * The records of an order repeat most of what its other records say. Only where there is one copy: three servers of
 * which two were killed did not bring compressed streams back (nats-server 2.15.1, `test/fault/nats-cluster.test.ts`).
 */
const compressionFor = (replicas: number): "s2" | "none" => (replicas === 1 ? "s2" : "none");

/** One KV bucket as a stream, history 1. `ageMs` 0: entries stay. In a file, many writes may share one batch. */
export function bucketStream(
  bucket: string,
  options: { readonly storage: "file" | "memory"; readonly ageMs: number; readonly replicas: number },
): StreamDefinition {
  const twoMinutesMs = 2 * 60_000;
  // The server refuses a duplicate window that is longer than the life of the messages.
  const windowMs = options.ageMs === 0 ? twoMinutesMs : Math.min(options.ageMs, twoMinutesMs);
  return {
    name: `KV_${bucket}`,
    subjects: [`$KV.${bucket}.>`],
    storage: options.storage,
    num_replicas: options.replicas,
    retention: "limits",
    discard: "new",
    ...unlimited,
    max_age: options.ageMs * NANOS_PER_MS,
    max_msgs_per_subject: 1,
    duplicate_window: windowMs * NANOS_PER_MS,
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
    deny_purge: false,
    allow_atomic: options.storage === "file",
    metadata: {},
  };
}

/** Presence of nodes: an entry vanishes when its node does not refresh it. In memory: worthless after a restart. */
export const nodesBucket = (settings: StreamSettings): StreamDefinition =>
  bucketStream(settings.subjects.buckets.nodes, {
    storage: "memory",
    ageMs: settings.presenceAgeMs,
    replicas: settings.replicas,
  });

/** The checkpoint of each partition. */
export const floorsBucket = (settings: StreamSettings): StreamDefinition =>
  bucketStream(settings.subjects.buckets.floors, { storage: "file", ageMs: 0, replicas: settings.replicas });

/** What each version of the definition stands for; entries are made once and kept. */
export const definitionsBucket = (settings: StreamSettings): StreamDefinition =>
  bucketStream(settings.subjects.buckets.definitions, {
    storage: "file",
    ageMs: 0,
    replicas: settings.replicas,
  });

/** The settings that are equal on all nodes. */
export const settingsBucket = (settings: StreamSettings): StreamDefinition =>
  bucketStream(settings.subjects.buckets.settings, {
    storage: "file",
    ageMs: 0,
    replicas: settings.replicas,
  });

/** Ids that workers have processed, and their locks. */
export const processedBucket = (settings: StreamSettings): StreamDefinition =>
  bucketStream(settings.subjects.buckets.processed, {
    storage: "file",
    ageMs: MARK_DAYS * DAY_MS,
    replicas: settings.replicas,
  });

/** Events that a worker abandoned: `<root>.<worker>.<partition>.<id>`, kept until an operator deletes them. */
export function deadStream(settings: StreamSettings): StreamDefinition {
  return {
    ...bucketStream("", { storage: "file", ageMs: 0, replicas: settings.replicas }),
    name: settings.subjects.dead.stream,
    subjects: [`${settings.subjects.dead.root}.>`],
    discard: "old",
    max_msgs_per_subject: -1,
    deny_delete: false,
    compression: compressionFor(settings.replicas),
  };
}

/** An object store as its clients make it, except that a document and its description may be one write. */
export const documentsStream = (
  store: string,
  settings: { readonly replicas: number },
): StreamDefinition => ({
  ...bucketStream("", { storage: "file", ageMs: 0, replicas: settings.replicas }),
  name: `OBJ_${store}`,
  subjects: [`$O.${store}.C.>`, `$O.${store}.M.>`],
  max_msgs_per_subject: -1,
  deny_delete: false,
});

/** Every stream that must exist before a node can work. The first stream's metadata names their number. */
export const allStreams = (settings: StreamSettings): readonly StreamDefinition[] => [
  ...Array.from({ length: settings.streams }, (_, stream) => orderStream(settings, stream)),
  nodesBucket(settings),
  floorsBucket(settings),
  definitionsBucket(settings),
  settingsBucket(settings),
  processedBucket(settings),
  ...(settings.further ?? []),
  deadStream(settings),
];
