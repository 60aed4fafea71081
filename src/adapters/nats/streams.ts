/**
 * Makes missing streams and checks existing ones. An existing one keeps its options, except that it gets what streams
 * of version 0.1.0 lack: the id of its log, and compression.
 */
import { Unavailable } from "../../runtime/ports.ts";
import { ApiCode, ApiError, apiRequest } from "./jetstream-api.ts";
import type { NatsLink } from "./link.ts";
import { LOG_KEY, type LogInfo, metadataWithLogId, withLogId } from "./log-identity.ts";
import {
  allStreams,
  PARTITIONS_KEY,
  type StreamDefinition,
  STREAMS_KEY,
  type StreamSettings,
} from "./stream-definitions.ts";

/** A stream exists and does not fit. One line: what differs and the remedy. Not retryable. */
export class StreamIncompatible extends Error {
  override readonly name = "StreamIncompatible";
}

type StreamInfo = LogInfo;

const API_TIMEOUT_MS = 5_000;

/**
 * Every stream of the application, made or verified, one after the other. Several nodes may do so at once.
 * @param deadlineMs how long to wait for a leader or a quorum in all, ms
 * @throws StreamIncompatible; Unavailable (retryable)
 */
export async function ensureStreams(
  link: NatsLink,
  settings: StreamSettings,
  deadlineMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (const definition of allStreams(settings)) await ensureBefore(link, definition, deadline);
}

async function ensureBefore(link: NatsLink, definition: StreamDefinition, deadline: number): Promise<void> {
  for (;;) {
    try {
      return await ensureStream(link, definition);
    } catch (error) {
      // A cluster that has just started has no leader, or too few servers for the copies.
      if (!(error instanceof Unavailable) || performance.now() >= deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** One stream, made or verified. @throws StreamIncompatible; Unavailable (retryable) */
export async function ensureStream(link: NatsLink, definition: StreamDefinition): Promise<void> {
  const existing = await find(link, definition.name);
  if (existing !== undefined) {
    verify(definition, existing);
    return await complete(link, definition, existing);
  }
  try {
    await apiRequest(link, `STREAM.CREATE.${definition.name}`, withLogId(definition), API_TIMEOUT_MS);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Another node was faster, perhaps with other settings: its stream is verified like any other.
    const made = await find(link, definition.name);
    // On a cluster the name is taken before the stream is found.
    if (made === undefined && error.code === ApiCode.streamNameInUse)
      throw new Unavailable(`stream ${definition.name} is being made by another node`);
    if (made === undefined)
      throw new StreamIncompatible(
        `cannot create stream ${definition.name}: ${error.message}${CREATE_REMEDIES.get(error.code) ?? ""}`,
      );
    verify(definition, made);
    await complete(link, definition, made);
  }
}

/**
 * Gives an existing stream what it lacks, in one update. Nodes that do so at the same moment make the same change.
 * Nodes of version 0.1.0 compare neither. A crash leaves the stream with or without it.
 */
async function complete(link: NatsLink, definition: StreamDefinition, info: StreamInfo): Promise<void> {
  const { name, compression } = definition;
  const metadata = metadataWithLogId(definition, info);
  const isPlain = compression === "s2" && (info.config["compression"] ?? "none") === "none";
  if (metadata === undefined && !isPlain) return;
  const config = { ...info.config, ...(metadata && { metadata }), ...(isPlain && { compression }) };
  try {
    await apiRequest(link, `STREAM.UPDATE.${name}`, config, API_TIMEOUT_MS);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const lacks = [metadata && `the id of its log (metadata ${LOG_KEY})`, isPlain && "compression s2"];
    throw new StreamIncompatible(
      `cannot give stream ${name} ${lacks.filter(Boolean).join(" and ")}: ${error.message}; ` +
        "let this user update the stream, or update it by hand",
    );
  }
}

async function find(link: NatsLink, name: string): Promise<StreamInfo | undefined> {
  try {
    return await apiRequest<StreamInfo>(link, `STREAM.INFO.${name}`, undefined, API_TIMEOUT_MS);
  } catch (error) {
    if (error instanceof ApiError && error.code === ApiCode.streamNotFound) return undefined;
    throw error;
  }
}

/** What to change when the server refuses to create a stream, by its code. */
const CREATE_REMEDIES: ReadonlyMap<number, string> = new Map([
  [ApiCode.replicasNeedCluster, "; use 1 (ORDERLY_REPLICAS), or a cluster of servers"],
  [ApiCode.subjectsOverlap, "; use another prefix: another application has these subjects"],
]);

/** What can never change, since an order's partition and stream must not: metadata, its meaning, its setting. */
const FIXED = [
  [PARTITIONS_KEY, "number of partitions", "ORDERLY_PARTITIONS"],
  [STREAMS_KEY, "number of streams", "ORDERLY_STREAMS"],
] as const;
/** Metadata of a stream made by a version that knew one stream only. */
const DEFAULT_METADATA: Readonly<Record<string, string>> = { [STREAMS_KEY]: "1" };
/** Options that an existing stream must have exactly as defined. */
const EXACT = [
  "storage",
  "retention",
  "max_msgs",
  "max_bytes",
  "max_age",
  "max_msg_size",
  "max_msgs_per_subject",
  "allow_direct",
] as const;
/** Options that may be larger than defined, never smaller: copies, and the window in which a repetition is known. */
const AT_LEAST = ["num_replicas", "duplicate_window"] as const;
/** Options that must be on when the definition has them on. */
const NEEDED = ["allow_rollup_hdrs", "allow_atomic", "allow_msg_schedules", "allow_msg_ttl"] as const;
/** Options that must be off when the definition has them off or absent: they would refuse or lose writes. */
const FORBIDDEN = ["deny_delete", "deny_purge", "sealed", "no_ack"] as const;

function verify(definition: StreamDefinition, info: StreamInfo): void {
  const faults = differences(definition, info.config);
  if (faults.length === 0) return;
  throw new StreamIncompatible(
    `stream ${definition.name} exists but does not fit: ${faults.join("; ")}; use another server, or settings that match it`,
  );
}

function differences(definition: StreamDefinition, config: StreamInfo["config"]): string[] {
  const faults: string[] = [];
  const expect = (option: string, have: unknown, need: unknown) => {
    if (have !== need)
      faults.push(`${option} is ${JSON.stringify(have ?? null)}, needed ${JSON.stringify(need)}`);
  };
  const metadata = { ...DEFAULT_METADATA, ...(config["metadata"] as Record<string, string> | undefined) };
  for (const [key, what, variable] of FIXED) {
    const [have, need] = [metadata[key], definition.metadata[key]];
    if (need === undefined || have === need) continue;
    faults.push(`${what} is ${JSON.stringify(have ?? null)}, needed ${JSON.stringify(need)} (${variable})`);
  }
  // The subjects follow from these: one line for each would hide the cause.
  if (faults.length > 0) return faults;
  for (const option of EXACT) expect(option, config[option], definition[option]);
  for (const option of NEEDED) if (definition[option] === true) expect(option, config[option] ?? false, true);
  for (const option of FORBIDDEN) {
    const allowed = (definition as Partial<Record<string, unknown>>)[option] === true;
    if (!allowed) expect(option, config[option] ?? false, false);
  }
  for (const option of AT_LEAST) {
    const have = Number(config[option] ?? 0);
    if (have < definition[option]) faults.push(`${option} is ${have}, needed ${definition[option]}`);
  }
  // With it the server acknowledges a message before it is on the disk.
  if (config["persist_mode"] === "async") faults.push("persist_mode is async");
  // A message for a subject that the stream does not take is not stored.
  const subjects = new Set(config["subjects"] as string[] | undefined);
  for (const subject of definition.subjects) {
    if (!subjects.has(subject)) faults.push(`subject ${subject} is missing`);
  }
  return faults;
}
