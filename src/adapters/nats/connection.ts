/**
 * One connection to NATS, checked: the server is new enough and JetStream is on. It reconnects without limit.
 * Owns: the connection and the listeners to its state.  Does not own: subscriptions made on it.
 */
import { readFileSync } from "node:fs";
import {
  connect,
  createInbox,
  credsAuthenticator,
  errors,
  type NatsConnection,
  nkeyAuthenticator,
  type NodeConnectionOptions,
} from "@nats-io/transport-node";
import { limits } from "../../runtime/limits.ts";
import { ApiError, apiRequest } from "./jetstream-api.ts";
import type { Forbidden, NatsLink } from "./link.ts";
import { describe } from "./request.ts";

/** Batches and schedules on clusters were repaired up to this version. */
export const MINIMUM_SERVER = "2.14.9";

/** How to reach the servers. */
export type NatsSettings = {
  /** `host:port` or `nats://host:port`, at least one. */
  readonly servers: readonly string[];
  /** Shown by the server's monitoring. */
  readonly name: string;
  /** How long the first connection may take, JetStream's start included, ms. */
  readonly connectTimeoutMs: number;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** Path of a file with the seed of an nkey (`SU...`). */
  readonly seedFile?: string;
  /** Path of a `.creds` file. */
  readonly credentialsFile?: string;
  /** First token of the subjects for answers; default `_INBOX`. A user may subscribe to its own prefix alone. */
  readonly inboxPrefix?: string;
  /** Called for each refusal of the server to let this user publish or subscribe, with one line for the log. */
  readonly onForbidden?: (reason: string) => void;
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
};

/** The servers cannot be used: not reached, too old, or without JetStream. One line with the remedy. Not retryable. */
export class ServerIncompatible extends Error {
  override readonly name = "ServerIncompatible";
}

/**
 * Connects, and checks the server's version and JetStream.
 * @throws ServerIncompatible, after `connectTimeoutMs` at the latest
 */
export async function connectNats(settings: NatsSettings): Promise<NatsLink> {
  const deadline = performance.now() + settings.connectTimeoutMs;
  const link = watch(await dial(settings, deadline), settings);
  try {
    checkVersion(link.nc);
    await checkJetStream(link, deadline);
  } catch (error) {
    await link.close();
    throw error;
  }
  return link;
}

/** Compares the numbers of two versions; a suffix like `-beta.1` is ignored. */
export function isAtLeast(version: string, minimum: string): boolean {
  const have = numbersOf(version);
  const need = numbersOf(minimum);
  for (let i = 0; i < 3; i++) {
    const difference = (have[i] ?? 0) - (need[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function numbersOf(version: string): number[] {
  return version.split("-")[0]!.split(".").map(Number);
}

async function dial(settings: NatsSettings, deadline: number): Promise<NatsConnection> {
  const options = connectOptions(settings);
  for (;;) {
    try {
      return await connect(options);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const refused = /authorization|authentication|certificate|tls/i.test(reason);
      if (refused || performance.now() >= deadline) {
        throw new ServerIncompatible(
          `cannot connect to NATS at ${settings.servers.map(withoutUser).join(", ")}: ${reason}; ${remedyFor(error)}`,
          { cause: error },
        );
      }
      await pause(100);
    }
  }
}

function remedyFor(error: unknown): string {
  return error instanceof errors.AuthorizationError
    ? "name the file of this user's key (ORDERLY_NATS_NKEY_SEED_FILE), and see that the server knows the user"
    : "start nats-server there, or set the servers' addresses";
}

/** An address for people: without the user, password or token before the last `@`. */
const withoutUser = (server: string): string => server.slice(server.lastIndexOf("@") + 1);

/** @throws ServerIncompatible when the file cannot be read */
function fileOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ServerIncompatible(`cannot log in to NATS: ${reason}`, { cause: error });
  }
}

/** The seed without the line break at the end of its file. */
const seedIn = (path: string): Uint8Array => Buffer.from(fileOf(path).toString("latin1").trim(), "latin1");

function connectOptions(settings: NatsSettings): NodeConnectionOptions {
  return {
    servers: [...settings.servers],
    name: settings.name,
    timeout: 2_000,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: limits.reconnectWaitMs,
    reconnectJitter: limits.reconnectJitterMs,
    // A frozen server or a cut cable is noticed after two missed pings.
    pingInterval: 2_000,
    maxPingOut: 2,
    noAsyncTraces: true,
    // A server that is configured anew for a moment must not end the attempts to reconnect.
    ignoreAuthErrorAbort: true,
    ...(settings.inboxPrefix === undefined ? {} : { inboxPrefix: settings.inboxPrefix }),
    ...(settings.seedFile === undefined
      ? {}
      : { authenticator: nkeyAuthenticator(seedIn(settings.seedFile)) }),
    ...(settings.user === undefined ? {} : { user: settings.user }),
    ...(settings.password === undefined ? {} : { pass: settings.password }),
    ...(settings.token === undefined ? {} : { token: settings.token }),
    ...(settings.credentialsFile === undefined
      ? {}
      : { authenticator: credsAuthenticator(fileOf(settings.credentialsFile)) }),
    ...(settings.tls === undefined ? {} : { tls: settings.tls }),
  };
}

function watch(nc: NatsConnection, { inboxPrefix, onForbidden }: NatsSettings): NatsLink {
  let connected = true;
  let forbidden: Forbidden | undefined;
  let closing: Promise<void> | undefined;
  const listeners = new Set<(connected: boolean) => void>();
  const change = (to: boolean) => {
    if (connected === to) return;
    connected = to;
    for (const listener of listeners) listener(to);
  };
  void (async () => {
    for await (const status of nc.status()) {
      if (status.type === "disconnect") change(false);
      else if (status.type === "reconnect") change(true);
      else if (status.type === "error" && status.error instanceof errors.PermissionViolationError) {
        forbidden = { reason: describe(status.error), at: performance.now() };
        onForbidden?.(forbidden.reason);
      }
    }
  })();
  void nc.closed().then(() => change(false));
  return {
    nc,
    connected: () => connected,
    newInbox: () => createInbox(inboxPrefix),
    forbidden: () => forbidden,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      // Draining waits for the server, so a broken connection is closed at once.
      closing ??= connected ? nc.drain().catch(() => nc.close()) : nc.close();
      return closing;
    },
  };
}

function checkVersion(nc: NatsConnection): void {
  const version = nc.info?.version ?? "unknown";
  if (isAtLeast(version, MINIMUM_SERVER)) return;
  throw new ServerIncompatible(
    `NATS server ${version} at ${nc.getServer()} is too old: Orderly needs ${MINIMUM_SERVER} or newer (atomic batches, message schedules); upgrade nats-server`,
  );
}

async function checkJetStream(link: NatsLink, deadline: number): Promise<void> {
  for (;;) {
    try {
      await apiRequest(link, "INFO", undefined, 1_000);
      return;
    } catch (error) {
      const off = error instanceof ApiError;
      // A cluster that elects its leader, or a server that recovers its streams, answers later.
      if (off || performance.now() >= deadline) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new ServerIncompatible(
          `JetStream does not answer at ${link.nc.getServer()} (${reason}): enable it in the server's configuration ("jetstream {...}" or -js), or wait for a quorum`,
          { cause: error },
        );
      }
      await pause(100);
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
