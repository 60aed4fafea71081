/** Nats-servers of the test's own with the order stream, and nodes on them that can run workers. */
import { invoiceStreams } from "../../nodes/order/streams.ts";
import type { Test } from "tap";
import { subjects } from "../../src/services/subjects.ts";
import {
  allStreams,
  processedBucket,
  type StreamSettings,
} from "../../src/adapters/nats/stream-definitions.ts";
import { natsBucket } from "../../src/adapters/nats/bucket.ts";
import { systemClock } from "../../src/adapters/local/system-clock.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { randomIds } from "../../src/adapters/local/random-ids.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import { ensureStreams } from "../../src/adapters/nats/streams.ts";
import { natsWorkQueue } from "../../src/adapters/nats/work-queue.ts";
import type { Message, StoredMessage } from "../../src/runtime/ports.ts";
import type { WorkerDependencies } from "../../src/runtime/workers/worker.ts";
import { type NatsServer, startNatsCluster, startNatsServer } from "./cluster/nats-server.ts";
import { quietLog } from "./logs/quiet-log.ts";
import { untilAnswered } from "./cluster/until-answered.ts";

export const stageSettings: StreamSettings = {
  replicas: 1,
  partitions: 4,
  streams: 1,
  presenceAgeMs: 3_000,
  subjects,
  further: invoiceStreams({ replicas: 1 }),
};

export type Stage = {
  readonly settings: StreamSettings;
  readonly servers: readonly NatsServer[];
  /** Connects one more node. */
  node(): Promise<WorkerDependencies & { readonly link: NatsLink }>;
  /** Publishes an event as an order's commit does; the same id again is the same event delivered twice. */
  emit(event: {
    readonly id: string;
    readonly type: string;
    readonly order: string;
    readonly data: unknown;
    /** 0 to 3; 3 when absent. */
    readonly partition?: number;
  }): Promise<void>;
  /** Stores a message as it is. */
  store(stream: string, message: Message): Promise<void>;
  /** Everything stored in the stream of dead letters, one per subject. */
  dead(): Promise<StoredMessage[]>;
};

/** One server, or with `servers: 3` a cluster with three copies of everything; fsync before every answer. */
export async function startStage(
  t: Test,
  { servers = 1, streams = 1 }: { servers?: 1 | 3; streams?: number } = {},
): Promise<Stage> {
  const started =
    servers === 1
      ? [await startNatsServer(t, { syncAlways: true })]
      : (await startNatsCluster(t, servers, { syncAlways: true })).servers;
  const settings = { ...stageSettings, replicas: servers, streams };
  const connect = async (name: string) => {
    const urls = started.map((server) => server.url);
    const link = await connectNats({ servers: urls, name, connectTimeoutMs: 20_000 });
    t.teardown(() => link.close());
    return link;
  };
  const own = await connect("stage");
  await ensureStreams(own, settings);
  await untilAnswered(own, allStreams(settings));
  const journal = natsJournal(own, subjects.stream(0));
  const letters = natsJournal(own, "DEAD");
  return {
    settings,
    servers: started,
    node: async () => {
      const link = await connect("node");
      await untilAnswered(link, allStreams(settings));
      return {
        link,
        subjects,
        queue: natsWorkQueue(link, subjects, Date.now, streams),
        processed: natsBucket(link, processedBucket(settings)),
        clock: systemClock,
        ids: randomIds(),
        log: quietLog,
      };
    },
    emit: async ({ id, type, order, data, partition = 3 }) => {
      const headers = {
        "ce-specversion": "1.0",
        "ce-id": id,
        "ce-type": type,
        "ce-source": "/orderly",
        "ce-subject": order,
        "ce-time": "2026-01-01T00:00:00.000Z",
        "content-type": "application/json",
      };
      const subject = subjects.event(partition, type);
      const message = { subject, payload: JSON.stringify(data), headers };
      const result = await journal.append([message], 2_000);
      if (result.status !== "stored") throw new Error(`event ${id} was not stored: ${result.reason}`);
    },
    store: async (stream, message) => {
      const result = await natsJournal(own, stream).append([message], 2_000);
      if (result.status !== "stored") throw new Error(`not stored: ${result.reason}`);
    },
    dead: () => letters.readLastPerSubject("dead.>"),
  };
}
