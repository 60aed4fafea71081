/** Where tools that Orderly does not ship (nats-server) are searched and kept. */
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

/** Settings of the search for nats-server; frozen. */
export type ToolSettings = {
  /** `ORDERLY_NATS_SERVER`: path of the nats-server to use, before all other sources. Empty: search. */
  readonly natsServer: string | undefined;
  /** `PATH`, as the system has it. */
  readonly searchPath: string;
  /** `ORDERLY_CACHE`, absolute: keeps downloads. It is outside the data folder, so fresh data needs no new download. */
  readonly cache: string;
};

/** Reads the tool settings. Every field has a default, so there are no faults. */
export function loadToolSettings(env: NodeJS.ProcessEnv = process.env): ToolSettings {
  return Object.freeze({
    natsServer: env["ORDERLY_NATS_SERVER"] || undefined,
    searchPath: env["PATH"] ?? "",
    cache: env["ORDERLY_CACHE"] || join(homedir(), ".cache", "orderly"),
  });
}

/** A nats-server's settings of its disk. Its configuration (config/nats) reads the first two itself. */
export type NatsStoreSettings = {
  /** `ORDERLY_NATS_STORE`: folder of the streams. Absent: the server's configuration decides. */
  readonly folder: string | undefined;
  /** `ORDERLY_NATS_MAX_STORE`: bytes, or as in `50GB`. Absent: a share of the volume, computed at the start. */
  readonly limit: string | undefined;
  /** `ORDERLY_NATS_STORES`: number of nats-servers whose stores share the volume, 1 or more. */
  readonly stores: number;
  /**
   * `ORDERLY_NATS_BATCHES`: where a single server stages atomic batches (ADR 13). Undefined: the server of a cluster,
   * or one that `npm start` does not keep.
   */
  readonly batchesIn: "memory" | "disk" | undefined;
  /** `ORDERLY_NATS_PORT`: for clients. */
  readonly port: number;
};

/** Reads them. The folder may be in double quotes, which the server requires around a path with special characters. */
export function loadNatsStoreSettings(env: NodeJS.ProcessEnv = process.env): NatsStoreSettings {
  const folder = env["ORDERLY_NATS_STORE"]?.replace(/^"(.*)"$/u, (quoted) => JSON.parse(quoted) as string);
  const batchesIn = env["ORDERLY_NATS_NAME"] ? undefined : env["ORDERLY_NATS_BATCHES"];
  return Object.freeze({
    folder: folder || undefined,
    limit: env["ORDERLY_NATS_MAX_STORE"] || undefined,
    stores: Math.max(1, Math.trunc(Number(env["ORDERLY_NATS_STORES"])) || 1),
    batchesIn: batchesIn === "memory" || batchesIn === "disk" ? batchesIn : undefined,
    port: Number(env["ORDERLY_NATS_PORT"]) || 4222,
  });
}

/** Whether this process must end with its parent (`ORDERLY_PARENT=1`), which it then watches. */
export function hasWatchedParent(env: NodeJS.ProcessEnv = process.env): boolean {
  return env["ORDERLY_PARENT"] === "1";
}
