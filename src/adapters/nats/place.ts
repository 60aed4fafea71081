/** Opens all that a host needs on NATS: its outbox, its connection, its streams. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { CannotHost, type Place } from "../../runtime/host-options.ts";
import { stopping } from "../../runtime/limits.ts";
import type { Log, Outbox } from "../../runtime/ports.ts";
import { randomIds } from "../local/random-ids.ts";
import { sqliteOutbox } from "../local/sqlite-outbox.ts";
import { systemClock } from "../local/system-clock.ts";
import { connectNats, type NatsSettings, ServerIncompatible } from "./connection.ts";
import type { NatsLink } from "./link.ts";
import { natsPorts } from "./node-ports.ts";
import type { StreamSettings } from "./stream-definitions.ts";
import { StreamIncompatible } from "./streams.ts";

/** Addresses of the servers of one cluster, or all settings of the connection. */
export type NatsServers = string | readonly string[] | Omit<NatsSettings, "name" | "connectTimeoutMs">;

/** What is opened. `home`: the outbox's folder, made when it is not there, for one process at a time. */
export type NatsPlaceOptions = {
  readonly servers: NatsServers;
  readonly streams: StreamSettings;
  readonly nodeId: string;
  readonly home: string;
  readonly log: Log;
  /** How long the first connection may take, ms. */
  readonly connectTimeoutMs: number;
};

/**
 * Opens the outbox, connects and makes or checks the streams. When one of them fails, nothing stays open.
 * @throws CannotHost (folder, server or streams do not fit); Unavailable (retryable)
 */
export async function natsPlace(options: NatsPlaceOptions): Promise<Place> {
  const { connectTimeoutMs, home, log, nodeId, servers, streams } = options;
  const outbox = openOutbox(home, log);
  let link: NatsLink | undefined;
  const close = async (): Promise<void> => {
    // A server that answers nothing does not keep this process.
    if (link) await Promise.race([link.close(), systemClock.sleep(stopping.connectionMs)]);
    outbox.close();
  };
  try {
    const settings =
      typeof servers === "object" && "servers" in servers ? servers : { servers: [servers].flat() };
    link = await connectNats({ ...settings, name: nodeId, connectTimeoutMs });
    const ports = await natsPorts(link, streams);
    const own = { outbox, clock: systemClock, ids: randomIds() };
    return { ports: { ...ports, ...own }, subjects: streams.subjects, partitions: streams.partitions, close };
  } catch (error) {
    await close();
    throw reasonOf(error);
  }
}

/** @throws CannotHost */
function openOutbox(home: string, log: Log): Outbox {
  try {
    mkdirSync(home, { recursive: true });
    return sqliteOutbox({
      path: join(home, "outbox.sqlite"),
      onDamaged: (movedTo, reason) => log.warn({ movedTo, reason }, "damaged outbox file renamed"),
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CannotHost(
      `cannot host in home "${home}": ${reason}; give each process a folder of its own that it can write (option home)`,
      {
        cause,
      },
    );
  }
}

/** The fault as a host's user has to read it: with the names of options instead of environment variables. */
function reasonOf(error: unknown): unknown {
  if (!(error instanceof ServerIncompatible || error instanceof StreamIncompatible)) return error;
  const reason = error.message
    .replace("ORDERLY_PARTITIONS", "option partitions")
    .replace("ORDERLY_STREAMS", "option streams")
    .replace("ORDERLY_REPLICAS", "option replicas");
  return new CannotHost(`cannot host: ${reason}`, { cause: error });
}
