/** Where tools that Orderly does not ship (nats-server) are looked for and kept. */
import { homedir } from "node:os";
import { join } from "node:path";

/** Every variable that this file and the nats-servers' configurations (config/nats) read. */
export const toolVariables = [
  "ORDERLY_NATS_SERVER",
  "ORDERLY_CACHE",
  "ORDERLY_PARENT",
  "ORDERLY_NATS_STORE",
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

/** True when a parent process is to be watched (`ORDERLY_PARENT=1`): this process ends with it. */
export function hasWatchedParent(env: NodeJS.ProcessEnv = process.env): boolean {
  return env["ORDERLY_PARENT"] === "1";
}
