/** Where tools that Orderly does not ship (nats-server) are looked for and kept. */
import { homedir } from "node:os";
import { join } from "node:path";

/** Every variable that this file and the nats-servers' configurations (config/nats) read. */
export const toolVariables = [
  "ORDERLY_NATS_SERVER",
  "ORDERLY_CACHE",
  "ORDERLY_PARENT",
  "ORDERLY_NATS_STORE",
  "ORDERLY_NATS_MAX_STORE",
  "ORDERLY_NATS_STORES",
  "ORDERLY_NATS_NAME",
  "ORDERLY_NATS_HOST",
  "ORDERLY_NATS_CLUSTER_PORT",
  "ORDERLY_NATS_ROUTE_1",
  "ORDERLY_NATS_ROUTE_2",
  "ORDERLY_NATS_ROUTE_3",
] as const;

export type ToolSettings = {
  /** `ORDERLY_NATS_SERVER`: path of the nats-server to use, whatever else there is. Empty: search. */
  readonly natsServer: string | undefined;
  /** `PATH`, as the system has it. */
  readonly searchPath: string;
  /** `ORDERLY_CACHE`, absolute: keeps what was fetched. Outside the data folder, so fresh data fetches nothing. */
  readonly cache: string;
};

/** Reads the tool settings; every field has a default, so nothing can be wrong with them. */
export function loadToolSettings(env: NodeJS.ProcessEnv = process.env): ToolSettings {
  return Object.freeze({
    natsServer: env["ORDERLY_NATS_SERVER"] || undefined,
    searchPath: env["PATH"] ?? "",
    cache: env["ORDERLY_CACHE"] || join(homedir(), ".cache", "orderly"),
  });
}

/** What a nats-server is told about its disk; its configuration (config/nats) reads both by itself. */
export type NatsStoreSettings = {
  /** `ORDERLY_NATS_STORE`: folder of the streams. Absent: not ours to say. */
  readonly folder: string | undefined;
  /** `ORDERLY_NATS_MAX_STORE`: bytes, or as in `50GB`. Absent: a share of the volume, taken when the server starts. */
  readonly limit: string | undefined;
  /** `ORDERLY_NATS_STORES`: stores of how many nats-servers are on the same volume, 1 or more. */
  readonly stores: number;
};

/** The folder may be in double quotes, as the server wants a path with odd characters. */
export function loadNatsStoreSettings(env: NodeJS.ProcessEnv = process.env): NatsStoreSettings {
  const folder = env["ORDERLY_NATS_STORE"]?.replace(/^"(.*)"$/u, (quoted) => JSON.parse(quoted) as string);
  return Object.freeze({
    folder: folder || undefined,
    limit: env["ORDERLY_NATS_MAX_STORE"] || undefined,
    stores: Math.max(1, Math.trunc(Number(env["ORDERLY_NATS_STORES"])) || 1),
  });
}

/** True when a parent process is to be watched (`ORDERLY_PARENT=1`): this process ends with it. */
export function hasWatchedParent(env: NodeJS.ProcessEnv = process.env): boolean {
  return env["ORDERLY_PARENT"] === "1";
}
