/** The workers of an order node, each on a connection of its own. Composition only. */
import { setPriority } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import pino from "pino";
import type { NodeSettings, WorkerName } from "../../config/settings.ts";
import { randomIds } from "../../src/adapters/local/random-ids.ts";
import { systemClock } from "../../src/adapters/local/system-clock.ts";
import { natsBucket } from "../../src/adapters/nats/bucket.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { natsDocuments } from "../../src/adapters/nats/documents.ts";
import { groupedAppend } from "../../src/adapters/nats/group-append.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { processedBucket } from "../../src/adapters/nats/stream-definitions.ts";
import { sharedKeys, openMasterKeys, sealed } from "./personal-keys.ts";
import { invoiceNumbersBucket, streamSettings } from "./streams.ts";
import { untilAvailable } from "../../src/adapters/jetstream/retry-until-available.ts";
import { natsWorkQueue } from "../../src/adapters/nats/work-queue.ts";
import type { Failpoints } from "../../src/runtime/failpoints.ts";
import { ServerClock } from "../../src/runtime/cluster/server-clock.ts";
import { ofPartition } from "../../src/runtime/layout.ts";
import { type Journal, Unavailable } from "../../src/runtime/ports.ts";
import { subjects } from "../../src/services/subjects.ts";
import { INVOICE_STORE } from "../../src/services/invoice/subjects.ts";
import { inboxDelivery } from "../../src/runtime/routing/inbox-delivery.ts";
import { UnreadableEntries } from "../../src/runtime/unreadable.ts";
import type { RunningWorker, WorkerDependencies } from "../../src/runtime/workers/worker.ts";
import { startEmailWorker } from "../../src/services/email/worker.ts";
import { cancelledInJournal } from "../../src/services/invoice/cancelled.ts";
import { startInvoiceWorker } from "../../src/services/invoice/worker.ts";
import type { WorkerAssignment, WorkerBacklog, WorkerReport } from "./worker-threads.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** These threads have a low priority: on a busy machine they read answers late. */
const CLOCK_TIMEOUT_MS = 30_000;
const DELIVER_TIMEOUT_MS = 2_000;
/** How often the thread reports its counters to the node. */
const COUNT_EVERY_MS = 1_000;
/** How often it asks the server what waits for the worker. */
const BACKLOG_EVERY_MS = 10_000;
/** It delays an e-mail or an invoice by a fraction of a second, and costs the orders a tenth of the syncs. */
const GATHER_MS = 25;
/**
 * Nice value: under overload orders come first. Not higher: the connections of a killed process are closed when its
 * last thread has ended, and a thread that gets no processor time delays that. With 15 it took 2 s on a busy machine,
 * and the other nodes took over late.
 */
const NICE = 5;

/**
 * Runs in a worker's thread until its parent sends the message to stop.
 * @param failpoints tests only: ends the process at a chosen place
 */
export async function serveWorker(failpoints?: Failpoints): Promise<void> {
  const { worker, settings } = workerData as WorkerAssignment;
  try {
    const running = await start(worker, settings, failpoints);
    // Not before: the node serves no request until its workers have started, and a busy machine would delay it for a
    // minute. On other systems than Linux the call would change the whole process.
    if (process.platform === "linux") setPriority(NICE);
    parentPort?.once("message", () => void running.stop().then(() => report({ type: "stopped" })));
    report({ type: "started" });
    const count = () => {
      const { counters, unreadable } = running;
      report({ type: "counted", counters: { ...counters }, unreadable: unreadable.counts() });
    };
    count();
    void reportBacklog(running);
    // The thread lives as long as its worker does.
    setInterval(count, COUNT_EVERY_MS).unref();
  } catch (error) {
    report({ type: "failed", reason: error instanceof Error ? error.message : String(error) });
  }
}

/** The backlog now, and again some seconds after each answer. */
async function reportBacklog(running: RunningWorker): Promise<void> {
  for (;;) {
    report({ type: "backlog", backlog: await backlogOf(running) });
    await pause(BACKLOG_EVERY_MS, undefined, { ref: false });
  }
}

async function backlogOf(running: RunningWorker): Promise<WorkerBacklog | undefined> {
  try {
    const { items, oldestAt, deadLetters } = await running.backlog();
    const oldestMs = oldestAt === undefined ? 0 : Math.max(0, systemClock.now() - oldestAt);
    return { items, oldestMs, deadLetters };
  } catch (error) {
    if (error instanceof Unavailable) return undefined;
    throw error;
  }
}
type RunningThread = RunningWorker & { readonly unreadable: UnreadableEntries };

async function start(
  name: WorkerName,
  settings: NodeSettings,
  failpoints: Failpoints | undefined,
): Promise<RunningThread> {
  const link = await connectNats({
    servers: settings.natsUrl.split(","),
    name: `${settings.nodeId} ${name} worker`,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  });
  const journals = subjects.streams(settings.streams).map((stream) => natsJournal(link, stream));
  const clock = new ServerClock({
    clock: systemClock,
    journals,
    everyMs: settings.presenceRefreshMs,
    failpoints,
  });
  await untilAvailable(CLOCK_TIMEOUT_MS, () => clock.start());
  const log = pino({ name: settings.nodeId, level: settings.logLevel });
  const unreadable = new UnreadableEntries(log);
  const dependencies: WorkerDependencies = {
    subjects,
    queue: natsWorkQueue(link, subjects, () => clock.now(), settings.streams),
    processed: natsBucket(link, processedBucket(streamSettings(settings)), GATHER_MS),
    clock,
    ids: randomIds(),
    log,
    unreadable,
    failpoints,
  };
  const worker =
    name === "email"
      ? await startEmailWorker({ ...dependencies, smtpUrl: settings.smtpUrl })
      : await startInvoices(link, journals, settings, dependencies);
  return {
    counters: worker.counters,
    backlog: () => worker.backlog(),
    unreadable,
    stop: async () => {
      await worker.stop();
      clock.stop();
      await link.close();
    },
  };
}

async function startInvoices(
  link: NatsLink,
  streams: readonly Journal[],
  settings: NodeSettings,
  dependencies: WorkerDependencies,
): Promise<RunningWorker> {
  // A group of its own for each stream, since a batch goes to one stream.
  const journals = streams.map((journal) => {
    const readLast = (subject: string) => journal.readLast(subject);
    return { readLast, append: groupedAppend(link, DELIVER_TIMEOUT_MS, GATHER_MS) };
  });
  const journalOf = (partition: number) => ofPartition(partition, journals);
  const documents = await natsDocuments(link, INVOICE_STORE, () => dependencies.clock.now(), GATHER_MS);
  const { clock, failpoints } = dependencies;
  const keyOptions = { settings, masterKeys: openMasterKeys(settings), link, clock, failpoints };
  return await startInvoiceWorker({
    ...dependencies,
    isCancelled: cancelledInJournal(journalOf, settings.partitions),
    seller: settings.seller,
    numbers: natsBucket(link, invoiceNumbersBucket(streamSettings(settings)), GATHER_MS),
    documents: sealed(documents, sharedKeys(keyOptions), keyOptions),
    deliver: inboxDelivery({
      subjects,
      journalOf,
      clock: dependencies.clock,
      partitions: settings.partitions,
      failpoints: dependencies.failpoints,
    }),
  });
}

function report(message: WorkerReport): void {
  parentPort?.postMessage(message);
}
