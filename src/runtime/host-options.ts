/** Options of a host: their defaults, and what does not fit. Pure. */
import { MAX_STREAMS } from "./layout.ts";
import type { NodeOptions, NodePorts } from "./node-options.ts";
import type { SubjectNames, Subjects } from "./subjects.ts";

/** Options of a node that have a default, and the defaults. Times in ms. */
export const hostDefaults = {
  partitions: 32,
  presenceTtlMs: 3_000,
  presenceRefreshMs: 500,
  commitTimeoutMs: 2_000,
  outboxLimit: 5_000,
  effectLimit: 20_000,
  idleActors: 20_000,
  findOwnerMs: 5_000,
  details: {},
} as const satisfies Partial<NodeOptions>;

/** The options with a default; `NodeOptions` says what each is. */
export type NodeTuning = Partial<Pick<NodeOptions, keyof typeof hostDefaults>>;

/** Where a host's actors are kept: the ports of one node, opened. */
export type Place = {
  readonly ports: NodePorts;
  readonly subjects: Subjects;
  readonly partitions: number;
  /** Closes what was opened; after the node has stopped. Idempotent. */
  readonly close: () => Promise<void>;
};

/** The host cannot start as asked. The message says what is wrong and how to fix it. Not retryable. */
export class CannotHost extends Error {
  override readonly name = "CannotHost";
}

/** Prefix of an application that names none. */
const DEFAULT_PREFIX = "actors";

/** The options that are checked before anything is opened. */
export type CheckedOptions = NodeTuning & {
  readonly nodeId: string;
  readonly definition?: unknown;
  readonly nats?: unknown;
  readonly memory?: unknown;
  readonly streams?: number;
  readonly replicas?: number;
};

const MAX_PARTITIONS = 1024;
const NODE_ID = /^[A-Za-z0-9_-]{1,64}$/u;

/** Checks the options. @throws CannotHost, with every fault in one message */
export function checkHostOptions(options: CheckedOptions): void {
  const { definition, nats, memory, nodeId, streams = 1, replicas = 1 } = options;
  const { partitions, presenceTtlMs, presenceRefreshMs } = { ...hostDefaults, ...tuningOf(options) };
  const faults = [
    definition === undefined && "give the definition of the actors",
    (nats === undefined) === (memory === undefined) &&
      'give either nats: "nats://127.0.0.1:4222" or memory: true',
    !NODE_ID.test(nodeId) && `nodeId "${nodeId}": use 1 to 64 letters, digits, hyphens or underscores`,
    !isCount(partitions, MAX_PARTITIONS) &&
      `partitions ${partitions}: use a whole number from 1 to ${MAX_PARTITIONS}`,
    !isCount(streams, Math.min(MAX_STREAMS, partitions)) &&
      `streams ${streams}: use a whole number from 1 to ${MAX_STREAMS}, at most one for each partition`,
    ![1, 3, 5].includes(replicas) && `replicas ${replicas}: use 1 on one server, 3 or 5 on a cluster`,
    presenceRefreshMs * 3 >= presenceTtlMs &&
      `presenceRefreshMs ${presenceRefreshMs}: use less than a third of presenceTtlMs (${presenceTtlMs}), or a live node is taken for absent`,
  ].filter((fault) => fault !== false);
  if (faults.length > 0) throw new CannotHost(`cannot host: ${faults.join("; ")}`);
}

const isCount = (value: number, most: number): boolean =>
  Number.isInteger(value) && value >= 1 && value <= most;

/** The options that tune a node, without those that are absent. */
export function tuningOf(options: NodeTuning): NodeTuning {
  return picked(options, Object.keys(hostDefaults));
}

/** Every name but the prefix: a new one does not get past the compiler here. */
const NAMES = Object.keys({
  bucket: true,
  nodes: true,
  floors: true,
  definitions: true,
  settings: true,
  processed: true,
  deadStream: true,
  dead: true,
  commands: true,
  pings: true,
  source: true,
  extra: true,
} satisfies Record<Exclude<keyof SubjectNames, "prefix">, true>);

/** The options that name the application. */
export function namesOf(options: Partial<SubjectNames>): SubjectNames {
  return { prefix: options.prefix ?? DEFAULT_PREFIX, ...picked(options, NAMES) };
}

/** Those of the options that are there. */
function picked<T extends object>(options: T, names: readonly string[]): Partial<T> {
  const entries = Object.entries(options).filter(
    ([name, value]) => names.includes(name) && value !== undefined,
  );
  return Object.fromEntries(entries) as Partial<T>;
}
