/**
 * One node of the runtime on a real server and a real outbox, for any actors. A crash loses all that it has in memory.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { subjects } from "../../../src/services/subjects.ts";
import { systemClock } from "../../../src/adapters/local/system-clock.ts";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import type { NatsLink } from "../../../src/adapters/nats/link.ts";
import { randomIds } from "../../../src/adapters/local/random-ids.ts";
import { sqliteOutbox } from "../../../src/adapters/local/sqlite-outbox.ts";
import type { ActorDefinition } from "../../../src/runtime/definition.ts";
import { natsPorts } from "../../../src/adapters/nats/node-ports.ts";
import { hostOn } from "../../../src/runtime/host.ts";
import type { RuntimeNode } from "../../../src/runtime/node.ts";
import type { Log } from "../../../src/runtime/ports.ts";
import { waitUntil } from "../wait-until.ts";

export const PARTITIONS = 4;
const oneStream = { replicas: 1, partitions: PARTITIONS, streams: 1, presenceAgeMs: 3000, subjects };

function logOf(t: Test, node: string): Log {
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: (fields, message) => t.comment(`${node} ${message}`, fields),
    error: (fields, message) => t.comment(`${node} ${message}`, fields),
    child: () => log,
  };
  return log;
}

export type Running = { readonly node: RuntimeNode; readonly link: NatsLink; crash(): Promise<void> };

/** Resolves when every partition has an owner. */
export async function startRuntime(
  t: Test,
  url: string,
  name: string,
  definition: ActorDefinition,
  streams = 1,
  presenceTtlMs = 3000,
): Promise<Running> {
  const settings = { ...oneStream, streams };
  const link = await connectNats({ servers: [url], name, connectTimeoutMs: 5000 });
  const server = await natsPorts(link, settings);
  const home = mkdtempSync(join(tmpdir(), "orderly-runtime-"));
  const outbox = sqliteOutbox({ path: join(home, "outbox.sqlite") });
  const ports = { ...server, outbox, clock: systemClock, ids: randomIds() };
  const node = hostOn(ports, {
    node: name,
    subjects,
    application: () => ({ definition, resources: [] }),
    log: logOf(t, name),
    partitions: PARTITIONS,
    presenceTtlMs,
    presenceRefreshMs: presenceTtlMs / 4,
    outboxLimit: 1000,
    effectLimit: 1000,
    idleActors: 100,
  });
  let over = false;
  const crash = async (): Promise<void> => {
    if (over) return;
    over = true;
    // Isolated from the server first: nothing that the node still does reaches it.
    await link.nc.close();
    void node.stop().catch(() => {});
    outbox.close();
    rmSync(home, { recursive: true, force: true });
  };
  t.teardown(crash);
  await node.start();
  await waitUntil(`${name} works`, () => node.status().owners.every((owner) => owner.node !== ""));
  return { node, link, crash };
}
