/** `npm start` as a test sees it: a process on free ports, with a folder of its own, ended with the test. */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Lifetime } from "./lifetime.ts";
import { portOffsets, routeOffset } from "../../../config/settings.ts";
import { freeBasePort } from "./free-ports.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { isAlive, type Started, startProcess } from "./processes.ts";
import { waitUntil } from "../wait-until.ts";

export const orderly = fileURLToPath(new URL("../../../orderly.mjs", import.meta.url));

export type Place = {
  /** Variables that start a cluster there. */
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  readonly port: number;
  readonly natsPort: number;
};

export type Launched = Started & {
  /**
   * Every process by name: `launcher`, `node-1`, `gateway`, `mailbox`, `nats-server` or `nats-1` to `nats-3` (keepers).
   */
  readonly pids: Readonly<Record<string, number>>;
  /** True when none of them runs, and no process listens on nats-server's port. */
  gone(): Promise<boolean>;
};

const START_TIMEOUT_MS = 90_000;
const NATS_OFFSET = 950;

/** Free ports and an empty folder for a cluster. */
export async function findPlace(t: Lifetime, nodes = 3, natsServers: 1 | 3 = 1): Promise<Place> {
  const nodeOffsets = Array.from({ length: nodes }, (_, index) => index);
  const natsOffsets = Array.from({ length: natsServers }, (_, index) => NATS_OFFSET + index);
  const port = await freeBasePort([
    ...nodeOffsets,
    ...Object.values(portOffsets),
    ...natsOffsets,
    ...natsOffsets.map((offset) => offset + routeOffset),
  ]);
  const natsPort = port + NATS_OFFSET;
  const home = temporaryFolder(t);
  const env = {
    ORDERLY_PORT: String(port),
    ORDERLY_NATS_PORT: String(natsPort),
    ORDERLY_NODES: String(nodes),
    ORDERLY_NATS_SERVERS: String(natsServers),
    ORDERLY_HOME: home,
  };
  return { env, home, port, natsPort };
}

export type LaunchOptions = {
  /** Instead of `orderly start`; runs in the project's folder. */
  readonly command?: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
};

/** Starts a cluster and does not wait for anything. */
export function startLauncher(t: Lifetime, place: Place, options: LaunchOptions = {}): Started {
  const [command, ...args] = options.command ?? [process.execPath, orderly, "start"];
  return startProcess(t, command, args, { env: { ...place.env, ...options.env }, cwd: dirname(orderly) });
}

/** Starts a cluster and waits until it reports that it is running. At the end of the test all of it is killed. */
export async function launch(t: Lifetime, place: Place, options: LaunchOptions = {}): Promise<Launched> {
  const started = startLauncher(t, place, options);
  await waitUntil(
    "the cluster is running",
    () => started.output().includes("Stop: Ctrl-C") || !started.running(),
    { timeoutMs: START_TIMEOUT_MS, intervalMs: 50 },
  );
  if (!started.running()) throw new Error(`the launcher ended:\n${started.output()}`);
  const list = JSON.parse(readFileSync(join(place.home, "processes.json"), "utf8")) as {
    name: string;
    pid: number;
  }[];
  const pids = Object.fromEntries(list.map(({ name, pid }) => [name, pid]));
  // The children end with the launcher; frozen ones cannot.
  t.teardown(async () => {
    await started.kill();
    for (const pid of Object.values(pids)) if (isAlive(pid)) process.kill(pid, "SIGCONT");
    await waitUntil("all processes are gone", () => !Object.values(pids).some(isAlive), {
      timeoutMs: 15_000,
    });
  });
  const gone = async () => !Object.values(pids).some(isAlive) && !(await isListening(place.natsPort));
  return { ...started, pids, gone };
}

/** True when a process listens on the port. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("close", () => socket.destroy()).once("connect", () => socket.destroy());
  });
}
