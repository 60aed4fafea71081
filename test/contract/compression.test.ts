/** A log that was stored plain: what is added after a restart is compressed, and all of it reads as it was written. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { storeLimit } from "../../nodes/local/store-limit.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { apiRequest } from "../../src/adapters/nats/jetstream-api.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { orderStream } from "../../src/adapters/nats/stream-definitions.ts";
import { ensureStream } from "../../src/adapters/nats/streams.ts";
import { subjects } from "../../src/services/subjects.ts";
import { startNatsServer } from "../support/cluster/nats-server.ts";
import { waitUntil } from "../support/wait-until.ts";
import { mustStore } from "./expect.ts";

const definition = orderStream({ replicas: 1, partitions: 32, streams: 1, presenceAgeMs: 3_000, subjects });
const RECORDS = 400;
/** Together several blocks of the server, of 8 MiB each. */
const PAYLOAD = JSON.stringify({
  lines: Array.from({ length: 1_500 }, (_, at) => ({ sku: `sku-${at}`, at })),
});
const MIB = 2 ** 20;

async function linked(t: Test, url: string): Promise<NatsLink> {
  const link = await connectNats({ servers: [url], name: "test", connectTimeoutMs: 20_000 });
  t.teardown(() => link.close());
  return link;
}

const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".blk"))
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);

const recordOf = (index: number) => subjects.record(1, `ord-${index}`);

async function write(link: NatsLink, from: number, to: number): Promise<void> {
  const journal = natsJournal(link, definition.name);
  for (let index = from; index < to; index++)
    await mustStore(journal, [
      {
        subject: recordOf(index),
        payload: `${index}${PAYLOAD}`,
        fence: { subject: recordOf(index), sequence: 0 },
      },
    ]);
}

async function readsAll(t: Test, link: NatsLink, count: number): Promise<void> {
  const journal = natsJournal(link, definition.name);
  for (let index = 0; index < count; index++) {
    const last = await journal.readLast(recordOf(index));
    if (last?.payload !== `${index}${PAYLOAD}`) {
      t.fail(`record ${index} differs`);
      return;
    }
  }
  t.pass(`${count} records read as they were written`);
}

t.test(
  "a log that was stored without compression has it from a restart on, and reads the same",
  async (t) => {
    const server = await startNatsServer(t);
    const link = await linked(t, server.url);
    const { compression: _, ...plain } = definition;
    await apiRequest(link, `STREAM.CREATE.${definition.name}`, plain, 5_000);
    await write(link, 0, RECORDS);
    const before = bytesIn(server.dir);
    t.ok(before > 15 * MIB, `${before} bytes, as they were sent`);
    await ensureStream(link, definition);
    await readsAll(t, link, RECORDS);
    await server.kill();
    await server.restart();
    await waitUntil("reconnected", () => link.connected());
    await readsAll(t, link, RECORDS);
    await write(link, RECORDS, 3 * RECORDS);
    const halfOfTheNew = before + before;
    await waitUntil("blocks that became full are compressed", () => bytesIn(server.dir) < halfOfTheNew, {
      timeoutMs: 20_000,
    });
    await server.kill();
    await server.restart();
    await waitUntil("reconnected", () => link.connected());
    await readsAll(t, link, 3 * RECORDS);
    const counted = storeLimit(server.dir, 1e9) / 0.8;
    t.ok(
      counted > 2.9 * before,
      "the limit of the store counts compressed blocks with what they were before",
    );
    t.comment(`${before} bytes for ${RECORDS} records, then ${bytesIn(server.dir)} for ${3 * RECORDS}`);
  },
);
