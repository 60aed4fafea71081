/** A nats-server of the test's own with the order stream, and nodes on it that can run workers. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { processedBucket, type StreamSettings } from "../../config/streams.ts";
import { natsBucket } from "../../src/adapters/bucket.nats.ts";
import { systemClock } from "../../src/adapters/clock.system.ts";
import { connectNats, type NatsLink } from "../../src/adapters/connection.nats.ts";
import { randomIds } from "../../src/adapters/ids.random.ts";
import { natsJournal } from "../../src/adapters/journal.nats.ts";
import { ensureStreams } from "../../src/adapters/streams.nats.ts";
import { natsWorkQueue } from "../../src/adapters/work-queue.nats.ts";
import { locateNatsServer } from "../../nodes/local/nats-binary.ts";
import type { StoredMessage } from "../../src/runtime/ports.ts";
import type { WorkerDependencies } from "../../src/runtime/worker.ts";
import { freePorts } from "./free-ports.ts";
import { quietLog } from "./quiet-log.ts";
import { type Started, startProcess } from "./processes.ts";
import { waitUntil } from "./wait-until.ts";

export const stageSettings: StreamSettings = { replicas: 1, partitions: 4, presenceAgeMs: 3_000 };

export type Stage = {
  readonly url: string;
  /** Connects one more node. */
  node(): Promise<WorkerDependencies & { readonly link: NatsLink }>;
  /** Publishes an event as an order's commit does; the same id again is the same event delivered twice. */
  emit(event: {
    readonly id: string;
    readonly type: string;
    readonly order: string;
    readonly data: unknown;
  }): Promise<void>;
  /** Everything stored in the stream of dead letters, one per subject. */
  dead(): Promise<StoredMessage[]>;
  readonly server: { kill(): Promise<void>; start(): Promise<void> };
};

export async function startStage(t: Test): Promise<Stage> {
  const { path } = await locateNatsServer();
  const [port = 0] = await freePorts(1);
  const folder = t.testdir();
  const config = join(folder, "nats.conf");
  writeFileSync(
    config,
    `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: "${join(folder, "store")}", sync_interval: always }\n`,
  );
  let running: Started;
  const start = async () => {
    running = startProcess(t, path, ["-c", config]);
    await waitUntil("nats-server is ready", () => running.output().includes("Server is ready"));
  };
  await start();

  const url = `127.0.0.1:${port}`;
  const connect = async (name: string) => {
    const link = await connectNats({ servers: [url], name, connectTimeoutMs: 10_000 });
    t.teardown(() => link.close());
    return link;
  };
  const own = await connect("stage");
  await ensureStreams(own, stageSettings);
  const journal = natsJournal(own);
  const letters = natsJournal(own, "DEAD");
  return {
    url,
    node: async () => {
      const link = await connect("node");
      return {
        link,
        queue: natsWorkQueue(link),
        processed: natsBucket(link, processedBucket(stageSettings)),
        clock: systemClock,
        ids: randomIds(),
        log: quietLog,
      };
    },
    emit: async ({ id, type, order, data }) => {
      const headers = {
        "ce-specversion": "1.0",
        "ce-id": id,
        "ce-type": type,
        "ce-source": "/orderly",
        "ce-subject": order,
        "ce-time": "2026-01-01T00:00:00.000Z",
        "content-type": "application/json",
      };
      const subject = `orders.events.3.${type}`;
      const message = { subject, payload: JSON.stringify(data), headers };
      const result = await journal.append([message], 2_000);
      if (result.status !== "stored") throw new Error(`event ${id} was not stored: ${result.reason}`);
    },
    dead: () => letters.readLastPerSubject("dead.>"),
    server: { kill: () => running.kill(), start },
  };
}
