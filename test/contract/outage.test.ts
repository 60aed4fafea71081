/** A server that is down for a while: every consumer continues by itself, soon after the server's return. */
import { subjects } from "../../src/services/subjects.ts";
import { setTimeout as pause } from "node:timers/promises";
import t from "tap";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { apiRequest } from "../../src/adapters/nats/jetstream-api.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import { ensureStreams } from "../../src/adapters/nats/streams.ts";
import { startNatsServer } from "../support/cluster/nats-server.ts";
import { waitUntil } from "../support/wait-until.ts";
import { mustStore } from "./expect.ts";

const OUTAGE_MS = 10_000;
const SECONDS_MS = 5_000;
/** Three of the server's heartbeats: they state what a consumer has passed without a match. */
const HEARTBEATS_MS = 3_500;

t.test("after an outage of ten seconds 40 consumers continue without a gap, within seconds", async (t) => {
  const server = await startNatsServer(t);
  const link = await connectNats({ servers: [server.url], name: "test", connectTimeoutMs: 5_000 });
  t.teardown(() => link.close());
  await ensureStreams(link, { replicas: 1, partitions: 32, streams: 1, presenceAgeMs: 3_000, subjects });
  const journal = natsJournal(link, subjects.stream(0));
  const filters = ["orders.inbox.>"];
  const received = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const got: string[] = [];
      await journal.consume({ filters, fromSequence: 1 }, (message) => void got.push(message.payload));
      return got;
    }),
  );
  await mustStore(journal, [{ subject: "orders.inbox.1.a", payload: "before" }]);
  await waitUntil("all have it", () => received.every((got) => got.length === 1));
  const others = Array.from({ length: 100 }, () => ({ subject: "orders.events.1.other", payload: "" }));
  const passed = await mustStore(journal, others);
  await pause(HEARTBEATS_MS);
  await server.kill();
  // The test is about the outage itself: it must outlast every time limit of the client.
  await pause(OUTAGE_MS);
  await server.restart();
  const backAt = performance.now();
  await waitUntil(
    "it can be written",
    async () => {
      await mustStore(journal, [{ subject: "orders.inbox.1.a", payload: "after" }]);
      return true;
    },
    { timeoutMs: SECONDS_MS },
  );
  // A message that was written without an answer was written again.
  const stored = (await journal.readAll("orders.inbox.1.a")).map(({ payload }) => payload);
  await waitUntil("all have it", () => received.every((got) => got.length >= stored.length), {
    timeoutMs: SECONDS_MS,
  });
  t.comment(`all went on ${Math.round(performance.now() - backAt)} ms after the server was back`);
  t.strictSame([...new Set(stored)], ["before", "after"]);
  for (const got of received) t.strictSame(got, stored);
  const { consumers } = await apiRequest<{ consumers: readonly { config: { opt_start_seq: number } }[] }>(
    link,
    "CONSUMER.LIST.KV_ORDERS",
    undefined,
    SECONDS_MS,
  );
  const starts = consumers.map(({ config }) => config.opt_start_seq);
  t.ok(
    starts.length >= received.length && starts.every((start) => start > passed),
    "no consumer makes the server scan again messages that do not match",
  );
});
