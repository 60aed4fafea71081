/** Puts the e-mail and invoice workers of one node on NATS. */
import { INVOICE_STORE } from "../../config/subjects.ts";
import { invoiceNumbersBucket, processedBucket, type StreamSettings } from "../../config/streams.ts";
import { natsBucket } from "../../src/adapters/bucket.nats.ts";
import type { NatsLink } from "../../src/adapters/link.nats.ts";
import { natsDocuments } from "../../src/adapters/documents.nats.ts";
import { natsWorkQueue } from "../../src/adapters/work-queue.nats.ts";
import type { Actors } from "../../src/runtime/actors.ts";
import type { Clock, Ids, Log } from "../../src/runtime/ports.ts";
import type { RunningWorker, WorkerDependencies } from "../../src/runtime/worker.ts";
import { startEmailWorker } from "../../src/services/email/worker.ts";
import { type Invoices, storedInvoices } from "../../src/services/invoice/invoices.ts";
import { startInvoiceWorker } from "../../src/services/invoice/worker.ts";

/** What the workers need of their node. */
export type WorkersOptions = {
  readonly link: NatsLink;
  readonly streams: StreamSettings;
  readonly smtpUrl: string;
  readonly actors: Pick<Actors, "deliver" | "read">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
};

/** The running workers, their counters, and the invoices for HTTP. */
export type NodeWorkers = {
  readonly invoices: Invoices;
  readonly email: RunningWorker["counters"];
  readonly invoice: RunningWorker["counters"];
  /** Within three seconds or so: short work ends, the rest is left to other nodes. */
  stop(): Promise<void>;
};

/** Needs the streams to exist. @throws Unavailable (retryable) */
export async function startWorkers(options: WorkersOptions): Promise<NodeWorkers> {
  const { link, streams, actors, clock, ids, log } = options;
  const documents = await natsDocuments(link, INVOICE_STORE, { replicas: streams.replicas });
  const shared: WorkerDependencies = {
    queue: natsWorkQueue(link),
    processed: natsBucket(link, processedBucket(streams)),
    clock,
    ids,
    log,
  };
  const email = await startEmailWorker({ ...shared, smtpUrl: options.smtpUrl });
  const invoice = await startInvoiceWorker({
    ...shared,
    numbers: natsBucket(link, invoiceNumbersBucket(streams)),
    documents,
    actors,
  });
  return {
    invoices: storedInvoices(documents, actors),
    email: email.counters,
    invoice: invoice.counters,
    stop: async () => {
      await Promise.all([email.stop(), invoice.stop()]);
    },
  };
}
