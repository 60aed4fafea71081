/**
 * One node of the runtime on a real server and a real outbox, for any actors. A crash loses all that it has in memory.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { streamNames } from "../../../src/runtime/layout.ts";
import { floorsBucket, nodesBucket } from "../../../src/adapters/nats/stream-definitions.ts";
import { natsBucket } from "../../../src/adapters/nats/bucket.ts";
import { natsBus } from "../../../src/adapters/nats/bus.ts";
import { systemClock } from "../../../src/adapters/local/system-clock.ts";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import type { NatsLink } from "../../../src/adapters/nats/link.ts";
import { randomIds } from "../../../src/adapters/local/random-ids.ts";
import { natsJournal } from "../../../src/adapters/nats/journal.ts";
import { sqliteOutbox } from "../../../src/adapters/local/sqlite-outbox.ts";
import { ensureStreams } from "../../../src/adapters/nats/streams.ts";
import type { ActorDefinition } from "../../../src/runtime/definition.ts";
import { RuntimeNode } from "../../../src/runtime/node.ts";
import type { Log } from "../../../src/runtime/ports.ts";
import { waitUntil } from "../wait-until.ts";

export const PARTITIONS = 4;
const oneStream = { replicas: 1, partitions: PARTITIONS, streams: 1, presenceAgeMs: 3000 };

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
  presenceTtlMs = 1000,
): Promise<Running> {
  const settings = { ...oneStream, streams };
  const link = await connectNats({ servers: [url], name, connectTimeoutMs: 5000 });
  await ensureStreams(link, settings);
  const home = mkdtempSync(join(tmpdir(), "orderly-runtime-"));
  const outbox = sqliteOutbox({ path: join(home, "outbox.sqlite") });
  const node = new RuntimeNode({
    node: name,
    application: () => ({ definition, resources: [] }),
    journals: streamNames(streams).map((stream) => natsJournal(link, stream)),
    bus: natsBus(link),
    nodes: natsBucket(link, nodesBucket(settings)),
    checkpoints: natsBucket(link, floorsBucket(settings)),
    outbox,
    clock: systemClock,
    ids: randomIds(),
    log: logOf(t, name),
    partitions: PARTITIONS,
    presenceTtlMs,
    presenceRefreshMs: presenceTtlMs / 4,
    commitTimeoutMs: 2000,
    outboxLimit: 1000,
    effectLimit: 1000,
    idleActors: 100,
    findOwnerMs: 5000,
    details: {},
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
