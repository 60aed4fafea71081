/**
 * The identity of an order stream's log: a random id in the stream's metadata, made with the stream. A stream that
 * version 0.1.0 made has none; the first node of this version gives it one.
 * Owns: the metadata key.  Does not own: what follows from another id (src/runtime/cluster/log-watch.ts).
 */
import { createHash, randomBytes } from "node:crypto";
import type { LogState } from "../../runtime/ports.ts";
import { apiRequest } from "./jetstream-api.ts";
import type { NatsLink } from "./link.ts";
import { READ_TIMEOUT_MS } from "./stored-message.ts";
import { PARTITIONS_KEY, type StreamDefinition } from "./stream-definitions.ts";

/** Key of an order stream's metadata: the id of its log. */
export const LOG_KEY = "orderly.log";

const ID_BYTES = 12;

/** What `STREAM.INFO` answers, as far as it matters here. */
export type LogInfo = {
  readonly config: Partial<Record<string, unknown>>;
  /** RFC 3339 with nanoseconds. */
  readonly created: string;
  readonly state: { readonly last_seq: number; readonly last_ts: string };
};

/** The definition with a new id, when it is that of an order stream. */
export function withLogId(definition: StreamDefinition): StreamDefinition {
  if (!(PARTITIONS_KEY in definition.metadata)) return definition;
  const id = randomBytes(ID_BYTES).toString("base64url");
  return { ...definition, metadata: { ...definition.metadata, [LOG_KEY]: id } };
}

/**
 * The metadata of an order stream that has no id yet, with one; undefined when nothing is missing. Nodes that ask at
 * the same moment get the same id: it follows from the moment at which the stream was made.
 */
export function metadataWithLogId(
  definition: StreamDefinition,
  info: LogInfo,
): Readonly<Record<string, string>> | undefined {
  if (!(PARTITIONS_KEY in definition.metadata) || idIn(info) !== undefined) return undefined;
  const id = createHash("sha256")
    .update(`${definition.name} ${info.created}`)
    .digest("base64url")
    .slice(0, 16);
  return { ...metadataOf(info), [LOG_KEY]: id };
}

/** See `Journal.state`. @throws Unavailable, ApiError */
export async function logState(link: NatsLink, stream: string): Promise<LogState> {
  const info = await apiRequest<LogInfo>(link, `STREAM.INFO.${stream}`, undefined, READ_TIMEOUT_MS);
  return {
    id: idIn(info),
    createdAt: Date.parse(info.created),
    lastSequence: info.state.last_seq,
    lastAt: Date.parse(info.state.last_ts),
  };
}

const metadataOf = ({ config }: LogInfo): Readonly<Record<string, string>> =>
  (config["metadata"] as Record<string, string> | undefined) ?? {};

const idIn = (info: LogInfo): string | undefined => metadataOf(info)[LOG_KEY];
