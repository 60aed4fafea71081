/** The workers of an order node, together in one thread, on one connection of its own. Composition only. */
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import pino from "pino";
import type { NodeSettings, WorkerName } from "../../config/settings.ts";
import { randomIds } from "../../src/adapters/local/random-ids.ts";
import { systemClock } from "../../src/adapters/local/system-clock.ts";
import { natsBucket } from "../../src/adapters/nats/bucket.ts";
import { connectNats, ServerIncompatible } from "../../src/adapters/nats/connection.ts";
import { natsDocuments } from "../../src/adapters/nats/documents.ts";
import { groupedAppend } from "../../src/adapters/nats/group-append.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { processedBucket } from "../../src/adapters/nats/stream-definitions.ts";
import { natsSettings } from "../nats-login.ts";
import { openKeys, openMasterKeys, sealed } from "./personal-keys.ts";
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
import type { Documents } from "../../src/runtime/workers/document-store.ts";
import { UnreadableEntries } from "../../src/runtime/unreadable.ts";
import type { RunningWorker, WorkerDependencies } from "../../src/runtime/workers/worker.ts";
import { startEmailWorker } from "../../src/services/email/worker.ts";
import { cancelledInJournal } from "../../src/services/invoice/cancelled.ts";
import { factsReader, type FactsReader } from "../../src/services/orders/facts-reader.ts";
import { startInvoiceWorker } from "../../src/services/invoice/worker.ts";
import type { WorkerReport } from "./worker-threads.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** The thread has a low priority: on a busy machine it reads answers late. */
const CLOCK_TIMEOUT_MS = 30_000;
const DELIVER_TIMEOUT_MS = 2_000;
/** How often the thread reports its counters to the node. */
const COUNT_EVERY_MS = 1_000;
/** It delays an e-mail or an invoice by a fraction of a second, and costs the orders a tenth of the syncs. */
const GATHER_MS = 25;
/**
 * Nice value: under overload orders come first. Not higher: the connections of a killed process are closed when its
 * last thread has ended, and a thread that gets no processor time delays that. With 15 it took 2 s on a busy machine,
 * and the other nodes took over late.
 */
const NICE = 5;

/**
 * Runs in the workers' thread until its parent sends the message to stop.
 * @param failpoints tests only: ends the process at a chosen place
 */
export async function serveWorkers(failpoints?: Failpoints): Promise<void> {
  // On other systems than Linux the call would change the whole process.
  if (process.platform === "linux") setPriority(NICE);
  try {
    const started = await start(workerData as NodeSettings, failpoints);
    const count = () => {
      const counts = started.workers.map(({ name, running, unreadable }) => {
        return { worker: name, counters: { ...running.counters }, unreadable: unreadable.counts() };
      });
      report({ type: "counted", counts });
    };
    const end = async () => {
      await started.stop();
      count();
      report({ type: "stopped" });
    };
    parentPort?.once("message", () => void end());
    report({ type: "started" });
    count();
    // The thread lives as long as its workers do.
    setInterval(count, COUNT_EVERY_MS).unref();
  } catch (error) {
    const isAway = error instanceof Unavailable || error instanceof ServerIncompatible;
    report({ type: "failed", reason: error instanceof Error ? error.message : String(error), isAway });
  }
}

type StartedWorker = {
  readonly name: WorkerName;
  readonly running: RunningWorker;
  readonly unreadable: UnreadableEntries;
};

/** What the workers of the thread share. */
type Shared = Omit<WorkerDependencies, "unreadable"> & { readonly link: NatsLink };

async function start(
  settings: NodeSettings,
  failpoints: Failpoints | undefined,
): Promise<{ readonly workers: readonly StartedWorker[]; stop(): Promise<void> }> {
  const log = pino({ name: settings.nodeId, level: settings.logLevel });
  const link = await connectNats({
    ...natsSettings(settings, "node", `${settings.nodeId} workers`, CONNECT_TIMEOUT_MS),
    onForbidden: (reason) => {
      log.error({ reason }, "NATS: this user's permissions lack a subject");
      report({ type: "forbidden", reason });
    },
  });
  const journals = subjects.streams(settings.streams).map((stream) => natsJournal(link, stream));
  const clock = new ServerClock({
    clock: systemClock,
    journals,
    everyMs: settings.presenceRefreshMs,
    failpoints,
  });
  await untilAvailable(CLOCK_TIMEOUT_MS, () => clock.start());
  const shared: Shared = {
    link,
    subjects,
    queue: natsWorkQueue(link, subjects, () => clock.now(), settings.streams),
    // Of both workers: their marks share batches.
    processed: natsBucket(link, processedBucket(streamSettings(settings)), GATHER_MS),
    clock,
    ids: randomIds(),
    log,
    failpoints,
  };
  const keyOptions = { settings, masterKeys: openMasterKeys(settings), link, clock, failpoints };
  const keys = openKeys(keyOptions);
  const facts = factsReader(
    (partition) => ofPartition(partition, journals),
    settings.partitions,
    (orderId, text) => keys.personal.open(orderId, text),
  );
  const sealing = { sealed: (documents: Documents) => sealed(documents, keys.shared, keyOptions) };
  const workers = await Promise.all(
    settings.workers.map(async (name): Promise<StartedWorker> => {
      const unreadable = new UnreadableEntries(shared.log);
      const dependencies = { ...shared, facts, unreadable };
      const running =
        name === "email"
          ? await startEmailWorker({ ...dependencies, smtpUrl: settings.smtpUrl })
          : await startInvoices(link, journals, settings, { ...dependencies, ...sealing });
      return { name, running, unreadable };
    }),
  );
  return {
    workers,
    stop: async () => {
      await Promise.all(workers.map(({ running }) => running.stop()));
      clock.stop();
      await link.close();
    },
  };
}

async function startInvoices(
  link: NatsLink,
  streams: readonly Journal[],
  settings: NodeSettings,
  dependencies: WorkerDependencies & {
    readonly facts: FactsReader;
    readonly sealed: (documents: Documents) => Documents;
  },
): Promise<RunningWorker> {
  // A group of its own for each stream, since a batch goes to one stream.
  const journals = streams.map((journal) => {
    const readLast = (subject: string) => journal.readLast(subject);
    return { readLast, append: groupedAppend(link, DELIVER_TIMEOUT_MS, GATHER_MS) };
  });
  const journalOf = (partition: number) => ofPartition(partition, journals);
  const documents = await natsDocuments(link, INVOICE_STORE, () => dependencies.clock.now(), GATHER_MS);
  return await startInvoiceWorker({
    ...dependencies,
    isCancelled: cancelledInJournal(journalOf, settings.partitions),
    seller: settings.seller,
    numbers: natsBucket(link, invoiceNumbersBucket(streamSettings(settings)), GATHER_MS),
    documents: dependencies.sealed(documents),
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
