/**
 * Names of what one application stores and serves: subjects, buckets, streams and the source of its events. Pure.
 * One instance is made by the host and passed to every part of a node, to its adapters and to its workers. Two
 * applications with other prefixes and other buckets share one NATS account and do not meet.
 * `partition` is a small integer, `id` a subject token (no dots, spaces or wildcards).
 */

/** What an application calls its own. Every name but the prefix has a default that follows from it. */
export type SubjectNames = {
  /** First token of the subjects in the stream: `<prefix>.journal...`. 1 to 32 letters, digits, `-` or `_`. */
  readonly prefix: string;
  /**
   * KV bucket of the locks; the stream is `KV_<bucket>`. Further streams are `<bucket>_1`, `<bucket>_2` ..., so that
   * the name may not end like one of them. The prefix in upper case when absent.
   */
  readonly bucket?: string;
  /** KV bucket of the nodes' presence. `<bucket>_NODES` when absent. */
  readonly nodes?: string;
  /** KV bucket of the partitions' checkpoints. `<bucket>_FLOORS` when absent. */
  readonly floors?: string;
  /** KV bucket of what the versions of the definition stand for. `<bucket>_DEFINITIONS` when absent. */
  readonly definitions?: string;
  /** KV bucket of the settings that are equal on all nodes. `<bucket>_SETTINGS` when absent. */
  readonly settings?: string;
  /** KV bucket of what the workers have processed. `<bucket>_PROCESSED` when absent. */
  readonly processed?: string;
  /** Stream of the dead letters. `<bucket>_DEAD` when absent. */
  readonly deadStream?: string;
  /** First token of the dead letters' subjects. `<prefix>-dead` when absent. */
  readonly dead?: string;
  /** First token of the subjects on which owners take requests. `<prefix>-cmd` when absent. */
  readonly commands?: string;
  /** First token of the subjects on which nodes answer each other's pings. `<prefix>-node` when absent. */
  readonly pings?: string;
  /** The events' `ce-source` (CloudEvents 1.0), a URI reference. `/<prefix>` when absent. */
  readonly source?: string;
  /** Further subjects of the application in stream 0, after its prefix: `holds.*`. Needed with several streams only. */
  readonly extra?: readonly string[];
};

/** The names of one application, ready for use. */
export type Subjects = {
  readonly prefix: string;
  /** The events' `ce-source`. */
  readonly source: string;
  /** Further subjects of the application in stream 0, after its prefix. */
  readonly extra: readonly string[];
  /** Names of the small KV buckets. */
  readonly buckets: {
    readonly nodes: string;
    readonly floors: string;
    readonly definitions: string;
    readonly settings: string;
    readonly processed: string;
  };
  /** The stream of the dead letters, and the first token of its subjects. */
  readonly dead: { readonly stream: string; readonly root: string };
  /** Bucket of a stream's locks, the stream being number 0, 1 ... (src/runtime/layout.ts). */
  lockBucket(stream: number): string;
  /** Name of a stream on the server: that of its bucket of locks. */
  stream(stream: number): string;
  /** Names of the first `count` streams, by number. */
  streams(count: number): string[];
  /**
   * Lock of an owned resource (`partition.7`, `inventory.0`) in its stream, which is 0 when absent; its last sequence
   * is the epoch. A partition is where src/runtime/layout.ts puts it.
   */
  lock(resource: string, stream?: number): string;
  /** What `lock` was made of. @throws Error for any other subject: a fault of the program */
  lockParts(subject: string): { readonly stream: number; readonly resource: string };
  /** Records of one actor. */
  record(partition: number, id: string): string;
  /** Facts of one actor; `group` is a token that all actors of a group share. */
  facts(partition: number, id: string, group: string): string;
  /** Filter: the facts of one actor, whatever its group. */
  factsOf(partition: number, id: string): string;
  /** Filter: the facts of all actors of a group. */
  factsOfGroup(group: string): string;
  /** Filter: the records of a partition. */
  records(partition: number): string;
  /** Public events of one type. */
  event(partition: number, type: string): string;
  /** Filter: public events of one type, of all partitions. */
  events(type: string): string;
  /** Inputs from outside for one actor. */
  inbox(partition: number, id: string): string;
  /** Filter: the inboxes of a partition. */
  inboxes(partition: number): string;
  /** Whether an actor is parked: the last message counts (ADR 7). */
  parked(partition: number, id: string): string;
  /** Filter: the parkings of a partition. */
  parkedActors(partition: number): string;
  /** Filter: the parkings of all partitions of a stream. */
  readonly allParkedActors: string;
  /** Carries a lock's fence when a batch has no other unfenced message, and marks time in the log. */
  fence(resource: string): string;
  /** The schedule of one timer. Each subject is written once. */
  timer(partition: number, id: string, machine: string, timer: string, generation: number): string;
  /** Requests to a partition's owner. Core NATS, outside the stream. */
  command(partition: number): string;
  /** Answered with the boot id of the node's process while it lives and is connected. Core NATS. */
  ping(node: string): string;
};

const TOKEN = /^[A-Za-z0-9_-]{1,32}$/u;
const NAMED_LIKE_A_FURTHER_STREAM = /_[1-9]\d*$/u;

/**
 * Makes the names of an application.
 * @throws RangeError when a name cannot be part of a subject, or could be the name of a further stream
 */
export function subjectsOf(names: SubjectNames): Subjects {
  const { prefix } = names;
  const bucket = names.bucket ?? prefix.toUpperCase();
  const {
    nodes = `${bucket}_NODES`,
    floors = `${bucket}_FLOORS`,
    definitions = `${bucket}_DEFINITIONS`,
    settings = `${bucket}_SETTINGS`,
    processed = `${bucket}_PROCESSED`,
    deadStream = `${bucket}_DEAD`,
    dead = `${prefix}-dead`,
    commands = `${prefix}-cmd`,
    pings = `${prefix}-node`,
  } = names;
  mustBeTokens({ prefix, bucket });
  const lockBucket = (stream: number): string => (stream === 0 ? bucket : `${bucket}_${stream}`);
  const stream = (number: number): string => `KV_${lockBucket(number)}`;
  const lock = new RegExp(String.raw`^\$KV\.${bucket}(?:_([1-9]\d*))?\.(.+)$`, "u");
  return {
    prefix,
    source: names.source ?? `/${prefix}`,
    extra: names.extra ?? [],
    buckets: { nodes, floors, definitions, settings, processed },
    dead: { stream: deadStream, root: dead },
    lockBucket,
    stream,
    streams: (count) => Array.from({ length: count }, (_, number) => stream(number)),
    lock: (resource, number = 0) => `$KV.${lockBucket(number)}.${resource}`,
    lockParts: (subject) => {
      const [, number = "0", resource] = lock.exec(subject) ?? [];
      if (resource === undefined) throw new Error(`${subject} is no lock`);
      return { stream: Number(number), resource };
    },
    record: (partition, id) => `${prefix}.journal.${partition}.${id}`,
    facts: (partition, id, group) => `${prefix}.facts.${partition}.${id}.${group}`,
    factsOf: (partition, id) => `${prefix}.facts.${partition}.${id}.*`,
    factsOfGroup: (group) => `${prefix}.facts.*.*.${group}`,
    records: (partition) => `${prefix}.journal.${partition}.>`,
    event: (partition, type) => `${prefix}.events.${partition}.${type}`,
    events: (type) => `${prefix}.events.*.${type}`,
    inbox: (partition, id) => `${prefix}.inbox.${partition}.${id}`,
    inboxes: (partition) => `${prefix}.inbox.${partition}.>`,
    parked: (partition, id) => `${prefix}.parked.${partition}.${id}`,
    parkedActors: (partition) => `${prefix}.parked.${partition}.>`,
    allParkedActors: `${prefix}.parked.>`,
    fence: (resource) => `${prefix}.fence.${resource}`,
    timer: (partition, id, machine, timer, generation) =>
      `${prefix}.timers.${partition}.${id}.${machine}.${token(timer)}.${generation}`,
    command: (partition) => `${commands}.${partition}`,
    ping: (node) => `${pings}.${token(node)}.ping`,
  };
}

function mustBeTokens(names: Readonly<Record<"prefix" | "bucket", string>>): void {
  for (const [name, value] of Object.entries(names)) {
    if (!TOKEN.test(value))
      throw new RangeError(`${name} "${value}": use 1 to 32 letters, digits, hyphens or underscores`);
  }
  if (NAMED_LIKE_A_FURTHER_STREAM.test(names.bucket)) {
    throw new RangeError(
      `bucket "${names.bucket}": a number after an underscore at the end names a further stream`,
    );
  }
}

/** Any text as one subject token: dots, spaces and wildcards become `=XX` (hex). Injective. */
export function token(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/gu, (char) =>
    [...new TextEncoder().encode(char)].map((byte) => `=${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}

/** The partition of an actor: FNV-1a, 32 bits. It never changes, because stored actors stay where they are. */
export function partitionOf(id: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % partitions;
}
