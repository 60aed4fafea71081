/** The workers' thread of a node starts with the first event, ends after a rest, and starts again. */
import t, { type Test } from "tap";
import { loadNodeSettings } from "../../../config/settings.ts";
import { ReceivedMessages } from "../../../nodes/mailbox/messages.ts";
import { listenSmtp } from "../../../nodes/mailbox/smtp.ts";
import { NodeWorkers } from "../../../nodes/order/node-workers.ts";
import { personalKeysBucket } from "../../../nodes/order/streams.ts";
import { WORKER_ENTRY } from "../../../nodes/order/worker-threads.ts";
import { ensureStream } from "../../../src/adapters/nats/streams.ts";
import type { Log } from "../../../src/runtime/ports.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";
import { orderDetails } from "../../support/order-details.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { startStage } from "../../support/worker-stage.ts";

const noWork = { done: 0, repeated: 0, failed: 0, dead: 0, tooOld: 0, unreadableMark: 0 };

async function startWorkers(t: Test, { workers = "all", restMs = 600_000 } = {}) {
  const stage = await startStage(t);
  const { link, clock } = await stage.node();
  await ensureStream(link, personalKeysBucket({ replicas: 1 }));
  const messages = new ReceivedMessages(100);
  const smtp = await listenSmtp(messages, { host: "127.0.0.1", port: 0, now: Date.now });
  const lines: string[] = [];
  const log: Log = { ...quietLog, info: (_fields, text) => void lines.push(text) };
  const node = new NodeWorkers({
    settings: loadNodeSettings({
      ORDERLY_DEVELOPMENT: "true",
      ORDERLY_NODE_ID: "node-1",
      ORDERLY_LOG_LEVEL: "warn",
      ORDERLY_PARTITIONS: "4",
      ORDERLY_HOME: temporaryFolder(t),
      ORDERLY_WORKERS: workers,
      NATS_URL: stage.servers[0]!.url,
      ORDERLY_SMTP_URL: `smtp://127.0.0.1:${smtp.port}`,
    }),
    link,
    subjects,
    clock,
    log,
    entry: WORKER_ENTRY,
    everyMs: 100,
    restMs,
  });
  await node.start();
  t.teardown(async () => {
    await node.stop();
    await smtp.close();
  });
  const doneBy = (name: string) => node.counts().find(({ worker }) => worker === name)?.counters.done;
  const emit = (id: string, type: string) =>
    stage.emit({ id, type, order: "ord_1", data: orderDetails("ord_1") });
  return { node, messages, lines, emit, doneBy };
}

const START = "workers start: an event waits";
const END = "workers end until the next event";

t.test("one thread does the work of both workers, from the first event on", async (t) => {
  const { node, messages, lines, emit, doneBy } = await startWorkers(t);
  await waitUntil("everything is counted", async () => node.counts().every(({ backlog }) => backlog));
  t.same(lines, [], "a node at rest runs no thread");
  t.same(
    node.counts().map(({ counters }) => counters),
    [noWork, noWork],
  );
  await emit("e1", "order.created");
  await emit("e2", "order.ready");
  await waitUntil(
    "both workers have done theirs",
    async () => doneBy("email") === 1 && doneBy("invoice") === 1,
  );
  t.same(lines, [START]);
  t.equal(messages.received, 1);
});

t.test("the thread ends after a rest, another one does the next event, and both are counted", async (t) => {
  const { messages, lines, emit, doneBy } = await startWorkers(t, { restMs: 300 });
  await emit("e1", "order.created");
  await waitUntil("the mail is sent", async () => doneBy("email") === 1);
  await waitUntil("the thread has ended", async () => lines.length === 2);
  t.equal(doneBy("email"), 1);
  await emit("e2", "order.confirmed");
  await waitUntil("the next mail is sent", async () => doneBy("email") === 2);
  t.same(lines.slice(0, 3), [START, END, START]);
  t.equal(messages.received, 2);
});

for (const [workers, own, other] of [
  ["email", "email", "invoice"],
  ["invoice", "invoice", "email"],
] as const)
  t.test(`a node with the ${own} worker leaves the events of the other to other nodes`, async (t) => {
    const { node, lines, emit, doneBy } = await startWorkers(t, { workers });
    await emit("e1", own === "email" ? "order.ready" : "order.created");
    await waitUntil("everything is counted", async () => node.counts().every(({ backlog }) => backlog));
    t.same(lines, []);
    await emit("e2", own === "email" ? "order.created" : "order.ready");
    await waitUntil("its own event is done", async () => doneBy(own) === 1);
    t.equal(doneBy(other), undefined);
  });

t.test("a node without workers counts nothing and starts no thread", async (t) => {
  const { node, lines, emit } = await startWorkers(t, { workers: "none" });
  await emit("e1", "order.created");
  t.same(node.counts(), []);
  await node.stop();
  t.same(lines, []);
});
