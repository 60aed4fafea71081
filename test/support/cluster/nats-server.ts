/** Real nats-servers for tests: one, or three in a cluster, on free loopback ports, ended with the test. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lifetime } from "./lifetime.ts";
import { locateNatsServer, type NatsBinary } from "../../../nodes/local/nats-binary.ts";
import { natsPortsOf, planNats } from "../../../nodes/local/nats-plan.ts";
import { freePorts } from "./free-ports.ts";
import { type Started, startProcess } from "./processes.ts";
import { waitUntil } from "../wait-until.ts";

export type NatsServerOptions = {
  /** Where the streams are stored; a folder of the test's own when absent, removed with it. */
  readonly dir?: string;
  readonly port?: number;
  /** Fsync before every acknowledgement, as in production. Off by default: tests kill processes, not machines. */
  readonly syncAlways?: boolean;
  /** Further lines for the server's configuration. */
  readonly extraConfig?: string;
  /** Bytes that all streams may take together, on each server; unlimited when absent. */
  readonly maxFileStoreBytes?: number;
};

export type NatsServer = {
  readonly port: number;
  /** `nats://127.0.0.1:<port>` */
  readonly url: string;
  readonly dir: string;
  /** Process id of the last start. */
  pid(): number;
  running(): boolean;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the end: what an upgrade does. */
  stop(): Promise<void>;
  /** Starts it again on the same port and folder, and waits until it takes connections. */
  restart(): Promise<void>;
  /** SIGSTOP; the returned function sends SIGCONT. */
  freeze(): () => void;
  /** The process's output since its last start. */
  output(): string;
};

export type NatsCluster = {
  readonly servers: readonly NatsServer[];
  /** Of all servers. */
  readonly urls: readonly string[];
};

/** A server closes its streams first. */
const STOP_TIMEOUT_MS = 20_000;

let located: Promise<NatsBinary> | undefined;

/** One server with JetStream, taking connections. */
export async function startNatsServer(t: Lifetime, options: NatsServerOptions = {}): Promise<NatsServer> {
  const port = options.port ?? (await freePorts(1))[0]!;
  return start(t, {
    port,
    name: "single",
    dir: options.dir ?? ownFolder(t),
    syncAlways: options.syncAlways ?? false,
    more: options.extraConfig ?? "",
    ...(options.maxFileStoreBytes === undefined ? {} : { maxFileStoreBytes: options.maxFileStoreBytes }),
  });
}

/** A cluster whose streams can have `size` copies. All servers take connections; a leader may still be missing. */
export async function startNatsCluster(
  t: Lifetime,
  size: number,
  options: Omit<NatsServerOptions, "port" | "dir"> = {},
): Promise<NatsCluster> {
  const ports = await freePorts(2 * size);
  const routes = ports.slice(size);
  const dir = ownFolder(t);
  const servers = await Promise.all(
    ports.slice(0, size).map((port, index) => {
      const cluster = `cluster { name: test, listen: "127.0.0.1:${routes[index]}", routes: [${routes
        .map((route) => `"nats://127.0.0.1:${route}"`)
        .join(", ")}] }`;
      const name = `server-${index + 1}`;
      return start(t, {
        port,
        name,
        dir: join(dir, name),
        syncAlways: options.syncAlways ?? false,
        more: `${cluster}\n${options.extraConfig ?? ""}`,
        ...(options.maxFileStoreBytes === undefined ? {} : { maxFileStoreBytes: options.maxFileStoreBytes }),
      });
    }),
  );
  return { servers, urls: servers.map((server) => server.url) };
}

/**
 * The three servers of `npm run start:cluster`, with its configuration: every batch is synced. Taking connections;
 * a leader may still be missing.
 */
export async function startShippedCluster(t: Lifetime, natsPort: number, home: string): Promise<NatsCluster> {
  const { path } = await (located ??= locateNatsServer());
  const settings = { natsServers: 3, natsPort, home } as const;
  const ports = natsPortsOf(settings).clients;
  const servers = await Promise.all(
    planNats(path, settings).map((plan, index) =>
      startServer(t, {
        port: ports[index]!,
        dir: plan.home,
        command: [path, "-c", plan.args[1]!],
        env: { ...plan.env, ORDERLY_NATS_MAX_STORE: "20GB" },
      }),
    ),
  );
  return { servers, urls: servers.map((server) => server.url) };
}

type Plan = {
  readonly port: number;
  readonly name: string;
  readonly dir: string;
  readonly syncAlways: boolean;
  readonly maxFileStoreBytes?: number;
  /** Lines of configuration after the ordinary ones. */
  readonly more: string;
};

async function start(t: Lifetime, plan: Plan): Promise<NatsServer> {
  const { path } = await (located ??= locateNatsServer());
  const configFolder = ownFolder(t);
  const configFile = join(configFolder, `${plan.name}.conf`);
  const room = plan.maxFileStoreBytes === undefined ? "" : `max_file_store: ${plan.maxFileStoreBytes}`;
  const sync = plan.syncAlways ? "sync_interval: always" : "";
  writeFileSync(
    configFile,
    `listen: "127.0.0.1:${plan.port}"
server_name: ${plan.name}
jetstream { store_dir: ${JSON.stringify(plan.dir)}
${sync}
${room}
}
${plan.more}
`,
  );
  return startServer(t, { port: plan.port, dir: plan.dir, command: [path, "-c", configFile], env: {} });
}

async function startServer(
  t: Lifetime,
  plan: {
    readonly port: number;
    readonly dir: string;
    readonly command: readonly [string, ...string[]];
    readonly env: Readonly<Record<string, string>>;
  },
): Promise<NatsServer> {
  const [path, ...args] = plan.command;
  let child: Started | undefined;
  const restart = async () => {
    child = startProcess(t, path, args, { env: plan.env });
    const started = child;
    await waitUntil(
      `nats-server on port ${plan.port} takes connections`,
      () => {
        if (!started.running()) throw new Error(`nats-server ended: ${started.output().slice(-500)}`);
        return canConnect(plan.port);
      },
      { timeoutMs: 20_000, intervalMs: 10 },
    );
  };
  await restart();
  return {
    port: plan.port,
    url: `nats://127.0.0.1:${plan.port}`,
    dir: plan.dir,
    running: () => child?.running() ?? false,
    pid: () => child?.pid ?? 0,
    kill: async () => child?.kill(),
    stop: async () => child?.stop(STOP_TIMEOUT_MS),
    restart,
    freeze: () => child!.freeze(),
    output: () => child?.output() ?? "",
  };
}

function ownFolder(t: Lifetime): string {
  const dir = mkdtempSync(join(tmpdir(), "orderly-nats-"));
  // Teardowns run last to first: the servers are gone by then.
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}
